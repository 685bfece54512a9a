package table

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
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
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range b.N {
		for from := 0; from+slice <= len(s.half); from += slice {
			for _, name := range names {
				before := cpuTime()
				s.feed(from, from+slice, contenders[name])
				times[name] = append(times[name], cpuTime()-before)
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

// cpuTime is what this thread has used: on a busy machine it says more than the clock.
func cpuTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

// load feeds each batch to one contender after the other, all of which begin empty, and reports the mean time per record
// and that of the slowest batches of the table.
type load struct {
	totals  map[string]time.Duration
	batches []time.Duration
	records int
}

func (l *load) feed(name string, n int, f func()) {
	before := cpuTime()
	f()
	took := cpuTime() - before
	if l.totals == nil {
		l.totals = map[string]time.Duration{}
	}
	l.totals[name] += took
	if name == "table" {
		l.batches = append(l.batches, took)
		l.records += n
	}
}

func (l *load) report(b *testing.B) {
	for name, total := range l.totals {
		b.ReportMetric(float64(total.Nanoseconds())/float64(l.records), name+"-ns/rec")
	}
	slices.Sort(l.batches)
	n := len(l.batches)
	b.ReportMetric(float64(l.batches[n-1-n/1000].Microseconds()), "p99.9-us/batch")
	b.ReportMetric(float64(l.batches[n-1].Microseconds()), "max-us/batch")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkVersusIntsLoad(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var l load
			for range b.N {
				tables := intTables(b)
				var c counter[int64]
				var plain [2]plainInts
				out := make([]int64, benchBatch)
				feedInts(n, 3*n, func(h int, keys []int64, hashes []uint64) {
					l.feed("plain", len(keys), func() { plain[h].count(keys, hashes, out) })
					l.feed("table", len(keys), func() { c.count(tables[h], keys, hashes) })
				})
			}
			l.report(b)
		})
	}
}

func BenchmarkVersusWordsLoad(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var l load
			for range b.N {
				tables := wordTables(b)
				var c counter[string]
				var plain [2]plainWords
				out := make([]int64, benchBatch)
				feedWords(n, 3*n, func(h int, words []string, hashes []uint64) {
					l.feed("plain", len(words), func() { plain[h].count(words, hashes, out) })
					l.feed("table", len(words), func() { c.count(tables[h], words, hashes) })
				})
			}
			l.report(b)
		})
	}
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
