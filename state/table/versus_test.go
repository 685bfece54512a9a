package table

import (
	"fmt"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// stream is batches of keys that were made beforehand, to be fed again and again.
type stream[K any] struct {
	half   []int
	keys   [][]K
	hashes [][]uint64
}

func (s *stream[K]) add(half int, keys []K, hashes []uint64) {
	s.half = append(s.half, half)
	s.keys = append(s.keys, slices.Clone(keys))
	s.hashes = append(s.hashes, slices.Clone(hashes))
}

func (s *stream[K]) feed(from, to int, f func(half int, keys []K, hashes []uint64)) {
	for i := from; i < to; i++ {
		f(s.half[i], s.keys[i], s.hashes[i])
	}
}

// versus feeds the same slices of a stream to both in turn and reports the median time per record of each.
func versus[K any](b *testing.B, s *stream[K], contenders map[string]func(half int, keys []K, hashes []uint64)) {
	names := []string{}
	for name := range contenders {
		names = append(names, name)
	}
	slices.Sort(names)
	times := map[string][]time.Duration{}
	const slice = 256
	for range b.N {
		for from := 0; from+slice <= len(s.half); from += slice {
			for _, name := range names {
				before := b.Elapsed()
				s.feed(from, from+slice, contenders[name])
				times[name] = append(times[name], b.Elapsed()-before)
			}
		}
	}
	for _, name := range names {
		slices.Sort(times[name])
		n := len(times[name])
		b.ReportMetric(float64(times[name][n/2].Nanoseconds())/slice/benchBatch, name+"-ns/rec")
		b.ReportMetric(float64(times[name][n/10].Nanoseconds())/slice/benchBatch, name+"-p10")
	}
	b.ReportMetric(0, "ns/op")
}

func BenchmarkVersusInts(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tables := intTables(b)
			var c counter[int64]
			var plain [2]plainInts
			out := make([]int64, benchBatch)
			contenders := map[string]func(int, []int64, []uint64){
				"table": func(h int, keys []int64, hashes []uint64) { c.count(tables[h], keys, hashes) },
				"plain": func(h int, keys []int64, hashes []uint64) { plain[h].count(keys, hashes, out) },
			}
			for _, f := range contenders {
				loadInts(n, f)
			}
			var s stream[int64]
			feedInts(n, 8<<20, s.add)
			b.ResetTimer()
			versus(b, &s, contenders)
		})
	}
}

func BenchmarkVersusWords(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tables := wordTables(b)
			var c counter[string]
			var plain [2]plainWords
			out := make([]int64, benchBatch)
			contenders := map[string]func(int, []string, []uint64){
				"table": func(h int, keys []string, hashes []uint64) { c.count(tables[h], keys, hashes) },
				"plain": func(h int, keys []string, hashes []uint64) { plain[h].count(keys, hashes, out) },
			}
			for _, f := range contenders {
				feedWords(n, 4*n, f)
			}
			var s stream[string]
			feedWords(n, 4<<20, func(h int, words []string, hashes []uint64) {
				texts := []byte{}
				for _, w := range words {
					texts = append(texts, w...)
				}
				copies := make([]string, len(words))
				for i := range copies {
					copies[i] = unsafe.String(&texts[10*i], 10)
				}
				s.add(h, copies, hashes)
			})
			b.ResetTimer()
			versus(b, &s, contenders)
		})
	}
}
