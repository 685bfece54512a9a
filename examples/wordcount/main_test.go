package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
)

// reference counts the words of a text in the plainest way.
func reference(counts map[string]int64, text []byte) {
	word := ""
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		valid := r != utf8.RuneError || size > 1
		text = text[size:]
		if valid && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			word += string(unicode.ToLower(r))
			continue
		}
		if word != "" {
			counts[word]++
		}
		word = ""
	}
	if word != "" {
		counts[word]++
	}
}

// tricky is text made of pieces that a word counter may get wrong.
func tricky(random *rand.Rand, pieces int) []byte {
	all := []string{
		"a", "b", "A", "Z", "9", "0", "the", "The", "THE", "été", "ÉTÉ", "İstanbul", "ẞ", "ß", "ǅ", "Σ", "ς", "Ⅷ", "ⓐ", "Ⓐ", "٣", "१२", "日本", "𝔘", "K", "Å",
		"e\u0301", "_", "-", "'", "\u00a0", "\u200b", "\ufffd", "\x00", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xed\xa0\x80", "😀",
		" ", " ", " ", "\t", "\n", "\r\n", "\n\n", "\r", "\u2028", "x\u0130y", "Ⱥ", "ꭰ", "Ა",
	}
	var text []byte
	for range pieces {
		text = append(text, all[random.Intn(len(all))]...)
	}
	return text
}

func compressed(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// run counts the words of paths at a parallelism.
func run(t *testing.T, parallelism int, paths ...string) (counts map[string]int64) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "counts")
	inputs, *output, *topN = paths, folder, 0
	env, err := stream.NewEnvironment("wordcount", fmt.Sprintf("parallelism.default=%d", parallelism))
	if err != nil {
		t.Fatal(err)
	}
	if err := build(env); err != nil {
		t.Fatal(err)
	}
	if _, err := env.Execute(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) > parallelism {
		t.Fatalf("%d files at parallelism %d (%v)", len(files), parallelism, err)
	}
	counts = map[string]int64{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			word, number, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			n, err := strconv.ParseInt(number, 10, 64)
			if _, twice := counts[word]; !ok || err != nil || twice {
				t.Errorf("the line %q is not the only one of its word (%v)", line, err)
			}
			counts[word] = n
		}
	}
	return counts
}

func TestCountsAreThoseOfAPlainScan(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	dir := t.TempDir()
	want := map[string]int64{}
	write := func(name string, text []byte, times int) {
		for range times {
			reference(want, text)
		}
		if strings.HasSuffix(name, ".gz") {
			text = compressed(t, text)
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("folder/a.txt", tricky(random, 50_000), 1)
	write("folder/deep/b.txt", tricky(random, 1000), 1)
	write("folder/empty.txt", nil, 1)
	write("folder/newlines.txt", []byte("\n\r\n\n"), 1)
	write("folder/c.txt.gz", tricky(random, 20_000), 1)
	write("one.log", tricky(random, 3000), 2) // by its name and by a pattern
	write("two.log", append(tricky(random, 3000), "end\xe2\x82"...), 1)
	for _, parallelism := range []int{1, 2, 7} {
		got := run(t, parallelism, filepath.Join(dir, "folder"), filepath.Join(dir, "*.log"), filepath.Join(dir, "one.log"))
		if maps.Equal(got, want) {
			continue
		}
		wrong := 0
		for _, word := range slices.Sorted(maps.Keys(merged(got, want))) {
			if got[word] != want[word] && wrong < 10 {
				t.Errorf("parallelism %d: %q occurs %d times, counted %d", parallelism, word, want[word], got[word])
				wrong++
			}
		}
	}
}

func merged(a, b map[string]int64) map[string]int64 {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// discard is the end of a chain.
type discard struct{ words []string }

func (d *discard) Process(batch *element.Batch[string]) error {
	if d.words != nil {
		d.words = append(d.words, batch.Values...)
	}
	return nil
}
func (*discard) Watermark(int64) error { return nil }
func (*discard) Idle(bool) error       { return nil }

// Words that were emitted stay what they were while the splitter's buffer is filled again and again.
func TestLoweredWordsStay(t *testing.T) {
	random := rand.New(rand.NewSource(2))
	text := tricky(random, 200_000)
	text = append(append(text, ' '), bytes.Repeat([]byte("Ⱥ"), 30_000)...) // longer than the buffer, and longer still in lower case
	all := &discard{words: []string{}}
	buffer := operator.NewBuffer[string](all, new(metrics.Counter))
	if err := newSplitter()(string(text), buffer.Collector()); err != nil {
		t.Fatal(err)
	}
	if err := buffer.Flush(); err != nil {
		t.Fatal(err)
	}
	got, want := map[string]int64{}, map[string]int64{}
	for _, word := range all.words {
		got[word]++
	}
	reference(want, text)
	if !maps.Equal(got, want) {
		t.Errorf("%d distinct words, want %d", len(got), len(want))
	}
}

func TestTop(t *testing.T) {
	random := rand.New(rand.NewSource(3))
	var all []WordCount
	for i := range 5000 {
		all = append(all, WordCount{Key: fmt.Sprint("w", i), Count: random.Int63n(300)})
	}
	for _, n := range []int{1, 20, 6000} {
		best := &top{n: n}
		for _, c := range all {
			if err := best.Process(nil, c, stream.Collector[WordCount]{}); err != nil {
				t.Fatal(err)
			}
		}
		best.prune()
		want := slices.Clone(all)
		slices.SortFunc(want, func(a, b WordCount) int {
			if a.Count != b.Count {
				return cmp.Compare(b.Count, a.Count)
			}
			return strings.Compare(a.Key, b.Key)
		})
		if !slices.Equal(best.best, want[:min(n, len(want))]) {
			t.Errorf("the first of %d are %v, want %v", n, best.best[:1], want[:1])
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	line := "	for i, c := range r.Conduct.Step(e) { // The first letters of Some words are Capitals"
	buffer := operator.NewBuffer[string](&discard{}, new(metrics.Counter))
	split, out := newSplitter(), buffer.Collector()
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		split(line, out)
	}
}
