// Command wordcount counts the words of files.
//
//	go run ./examples/wordcount --input docs --input 'notes/*.txt' --output counts
//
// A word is a maximal run of letters and digits, in lower case. The files of the output folder have a line "word<TAB>count" for each
// word; with --top N the N most frequent words are printed as well.
package main

import (
	"flag"
	"fmt"
	"strconv"

	"github.com/weir-stream/weir/api/connectors/file"
	"github.com/weir-stream/weir/api/connectors/print"
	"github.com/weir-stream/weir/api/stream"
)

var (
	inputs []string
	output = flag.String("output", "", "`folder` for the counts, in files with a line \"word<TAB>count\" for each word; those of an earlier run are replaced")
	topN   = flag.Int("top", 0, "print the `N` most frequent words")
)

func init() {
	flag.Func("input", "`path` of a file or a folder, or a pattern; may be repeated", func(path string) error {
		inputs = append(inputs, path)
		return nil
	})
}

func main() { stream.Main("wordcount", build) }

// WordCount is a word and how often it occurs.
type WordCount = stream.KeyCount[string]

func build(env *stream.Environment) error {
	switch {
	case len(inputs) == 0:
		return stream.UsageError("nothing to read: give --input")
	case *output == "" && *topN < 1:
		return stream.UsageError("nowhere to put the counts: give --output, --top or both")
	}
	lines := stream.From(env, file.Lines(inputs...).Hidden()).UID("lines")
	words := stream.FlatMapWith(lines, newSplitter).Name("Split").UID("split")
	counts := stream.Count(stream.KeyBy(words, itself), stream.AtEnd).UID("count")
	if *output != "" {
		stream.To(counts, file.TextAppend(*output, appendLine).Overwrite()).UID("files")
	}
	if *topN > 0 {
		best := stream.ProcessEach(counts.Global(), func() *top { return &top{n: *topN} }).Parallelism(1).Name("Top").UID("top")
		stream.To(stream.Map(best, row).Parallelism(1), print.Sink[string]()).Parallelism(1).UID("print")
	}
	return nil
}

func itself(word string) string { return word }

func appendLine(line []byte, c WordCount) []byte {
	line = append(append(line, c.Key...), '\t')
	return strconv.AppendInt(line, c.Count, 10)
}

func row(c WordCount) string { return fmt.Sprintf("%12d  %s", c.Count, c.Key) }
