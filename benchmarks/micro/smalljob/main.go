// Command smalljob is a job as small as jobs come: it counts ten words and prints the counts. The benchmark measures how long
// it takes from the start of its process.
package main

import (
	"strings"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/connectors/print"
	"github.com/weir-stream/weir/api/stream"
)

func main() { stream.Main("small job", build) }

func build(env *stream.Environment) error {
	lines := stream.From(env, collection.Of("to be or not to be", "that is the question"))
	words := stream.FlatMap(lines, func(line string, out stream.Collector[string]) error {
		for _, word := range strings.Fields(line) {
			out.Collect(word)
		}
		return nil
	})
	byWord := stream.KeyBy(words, func(word string) string { return word })
	stream.To(stream.Count(byWord, stream.AtEnd), print.Sink[stream.KeyCount[string]]())
	return nil
}
