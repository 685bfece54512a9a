package file

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
	"github.com/weir-stream/weir/runtime/element"
)

func splitsQueue() splits.Queue {
	return splits.NewQueue(connector.ReaderContext{RequestSplit: func() {}, Wake: func() {}})
}

// BenchmarkRead reads cached files with one reader.
func BenchmarkRead(b *testing.B) {
	line := strings.Repeat("streams of words ", 10)
	for _, width := range []int{15, 35, 100} {
		content := bytes.Repeat([]byte(line[:width]+"\n"), 64<<20/(width+1))
		b.Run(fmt.Sprintf("lines of %d", width), func(b *testing.B) {
			benchmarkRead(b, Lines(write(b, b.TempDir(), "f", content)), int64(len(content)))
		})
	}
	b.Run("small files", func(b *testing.B) {
		folder := b.TempDir()
		content := bytes.Repeat([]byte(line[:35]+"\n"), 12<<10/36)
		for i := range 2000 {
			write(b, folder, fmt.Sprintf("%d/%d", i%20, i), content)
		}
		benchmarkRead(b, Lines(folder), int64(2000*len(content)))
	})
}

func benchmarkRead(b *testing.B, source Source, size int64) {
	list, err := source.list(2)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	var batch element.Batch[string]
	records := 0
	for b.Loop() {
		r := &reader{queue: splitsQueue(), blocks: blocks{longest: defaultLongestLine}}
		r.AddSplits(list)
		r.NoMoreSplits()
		records = 0
		for status := connector.More; status == connector.More; {
			batch.Reset()
			out := connector.NewOutput(&batch, 1024)
			if status, err = r.Poll(&out); err != nil {
				b.Fatal(err)
			}
			records += batch.Len()
		}
		r.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(records), "ns/record")
}

// BenchmarkFind lists a folder of many files.
func BenchmarkFind(b *testing.B) {
	folder := b.TempDir()
	for i := range 2000 {
		write(b, folder, fmt.Sprintf("%d/%d", i%20, i), []byte("x"))
	}
	for b.Loop() {
		if _, err := Lines(folder).list(2); err != nil {
			b.Fatal(err)
		}
	}
}
