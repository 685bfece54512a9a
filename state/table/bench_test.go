package table

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

const benchBatch = 1024

type xorshift uint64

func (r *xorshift) next() uint64 {
	x := uint64(*r)
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	*r = xorshift(x)
	return x * 2685821657736338717
}

// plainInts and plainWords are hand-written tables without an engine: linear probing, doubling, arrays apart.
type plainInts struct {
	keys, counts []int64
	used         []bool
	n            int
}

func (t *plainInts) grow() {
	old := *t
	c := max(2*len(old.keys), 1024)
	*t = plainInts{make([]int64, c), make([]int64, c), make([]bool, c), old.n}
	for i, u := range old.used {
		if u {
			p := t.find(old.keys[i], keygroup.HashWord(uint64(old.keys[i])))
			t.used[p], t.keys[p], t.counts[p] = true, old.keys[i], old.counts[i]
		}
	}
}

func (t *plainInts) find(k int64, h uint64) uint64 {
	m := uint64(len(t.keys) - 1)
	p := h & m
	for t.used[p] && t.keys[p] != k {
		p = (p + 1) & m
	}
	return p
}

func (t *plainInts) count(in []int64, hashes []uint64, out []int64) {
	for 2*(t.n+len(in)) > len(t.keys) {
		t.grow()
	}
	for i := range in {
		p := t.find(in[i], hashes[i])
		if !t.used[p] {
			t.used[p], t.keys[p] = true, in[i]
			t.n++
		}
		t.counts[p]++
		out[i] = t.counts[p]
	}
}

type plainWords struct {
	hashes  []uint64
	offsets []uint32
	lengths []uint8
	counts  []int64
	arena   []byte
	n       int
}

func (t *plainWords) grow() {
	old := *t
	c := max(2*len(old.hashes), 1024)
	*t = plainWords{make([]uint64, c), make([]uint32, c), make([]uint8, c), make([]int64, c), old.arena, old.n}
	m := uint64(c - 1)
	for i, h := range old.hashes {
		if h != 0 {
			p := h >> 1 & m
			for t.hashes[p] != 0 {
				p = (p + 1) & m
			}
			t.hashes[p], t.offsets[p], t.lengths[p], t.counts[p] = h, old.offsets[i], old.lengths[i], old.counts[i]
		}
	}
}

func (t *plainWords) count(words []string, hashes []uint64, out []int64) {
	for 2*(t.n+len(words)) > len(t.hashes) {
		t.grow()
	}
	m := uint64(len(t.hashes) - 1)
	for i, w := range words {
		h := hashes[i] | 1
		p := h >> 1 & m
		for {
			if t.hashes[p] == 0 {
				t.hashes[p], t.offsets[p], t.lengths[p] = h, uint32(len(t.arena)), uint8(len(w))
				t.arena = append(t.arena, w...)
				t.n++
				break
			}
			if o := t.offsets[p]; t.hashes[p] == h && string(t.arena[o:o+uint32(t.lengths[p])]) == w {
				break
			}
			p = (p + 1) & m
		}
		t.counts[p]++
		out[i] = t.counts[p]
	}
}

// halves routes keys to the two subtasks that the tables of a benchmark stand for.
func half(hash uint64) int { return int(keygroup.Group(hash, 128) >> 6) }

var halfRanges = [2]keygroup.Range{{First: 0, Last: 63}, {First: 64, Last: 127}}

func valueDescriptor(name string) state.Descriptor {
	return state.Describe("count", state.KindValue, wordKeys{})
}

func intTables(tb testing.TB) (tables [2]*Table[int64]) {
	for i := range tables {
		tables[i] = New(state.Keys[int64]{Codec: wordKeys{}}, halfRanges[i], 128)
		if err := tables[i].Open([]state.Descriptor{valueDescriptor("count")}); err != nil {
			tb.Fatal(err)
		}
	}
	return tables
}

type counter[K any] struct {
	cells []unsafe.Pointer
	out   []int64
}

func (c *counter[K]) count(t *Table[K], keys []K, hashes []uint64) {
	if c.cells == nil {
		c.cells, c.out = make([]unsafe.Pointer, benchBatch), make([]int64, benchBatch)
	}
	cells := c.cells[:len(keys)]
	t.Upsert(0, keys, hashes, cells, nil)
	for i, cell := range cells {
		n := *(*int64)(cell) + 1
		*(*int64)(cell) = n
		c.out[i] = n
	}
}

type intBatch struct {
	keys   []int64
	hashes []uint64
}

// feedInts calls f with batches of random keys below n, by half, until total keys are out. Generating costs the same
// whatever f does.
func feedInts(n, total int, f func(half int, keys []int64, hashes []uint64)) {
	r := xorshift(88172645463325252)
	var batches [2]intBatch
	for range total {
		key := int64(r.next() % uint64(n))
		hash := keygroup.HashWord(uint64(key))
		h := half(hash)
		b := &batches[h]
		b.keys, b.hashes = append(b.keys, key), append(b.hashes, hash)
		if len(b.keys) == benchBatch {
			f(h, b.keys, b.hashes)
			b.keys, b.hashes = b.keys[:0], b.hashes[:0]
		}
	}
}

// loadInts feeds each key below n once.
func loadInts(n int, f func(half int, keys []int64, hashes []uint64)) {
	var batches [2]intBatch
	for key := range int64(n) {
		hash := keygroup.HashWord(uint64(key))
		h := half(hash)
		b := &batches[h]
		b.keys, b.hashes = append(b.keys, key), append(b.hashes, hash)
		if len(b.keys) == benchBatch {
			f(h, b.keys, b.hashes)
			b.keys, b.hashes = b.keys[:0], b.hashes[:0]
		}
	}
	for h, b := range batches {
		f(h, b.keys, b.hashes)
	}
}

var sizes = []int{10_000, 1_000_000, 10_000_000}

func BenchmarkIntFeed(b *testing.B) {
	feedInts(10_000_000, b.N, func(int, []int64, []uint64) {})
}

func BenchmarkIntCount(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("table/%d", n), func(b *testing.B) {
			tables := intTables(b)
			var c counter[int64]
			f := func(h int, keys []int64, hashes []uint64) { c.count(tables[h], keys, hashes) }
			loadInts(n, f)
			b.ResetTimer()
			feedInts(n, b.N, f)
		})
		b.Run(fmt.Sprintf("plain/%d", n), func(b *testing.B) {
			var tables [2]plainInts
			out := make([]int64, benchBatch)
			f := func(h int, keys []int64, hashes []uint64) { tables[h].count(keys, hashes, out) }
			loadInts(n, f)
			b.ResetTimer()
			feedInts(n, b.N, f)
		})
	}
}

// BenchmarkIntLoad begins with empty tables.
func BenchmarkIntLoad(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("table/%d", n), func(b *testing.B) {
			for range b.N {
				tables := intTables(b)
				var c counter[int64]
				feedInts(n, 3*n, func(h int, keys []int64, hashes []uint64) { c.count(tables[h], keys, hashes) })
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(3*n), "ns/rec")
		})
		b.Run(fmt.Sprintf("plain/%d", n), func(b *testing.B) {
			for range b.N {
				var tables [2]plainInts
				out := make([]int64, benchBatch)
				feedInts(n, 3*n, func(h int, keys []int64, hashes []uint64) { tables[h].count(keys, hashes, out) })
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(3*n), "ns/rec")
		})
	}
}

type wordBatch struct {
	words  []string
	hashes []uint64
	text   []byte
}

// feedWords is feedInts with words of ten letters.
func feedWords(n, total int, f func(half int, words []string, hashes []uint64)) {
	r := xorshift(88172645463325252)
	var batches [2]wordBatch
	for i := range batches {
		batches[i].text = make([]byte, 10*benchBatch)
	}
	for range total {
		x := r.next() % uint64(n)
		var word [10]byte
		for q, y := 0, keygroup.HashWord(x); q < 9; q, y = q+1, y>>4 {
			word[q] = 'a' + byte(y&15)
		}
		word[9] = 'a' + byte(x%26)
		hash := keygroup.HashBytes(word[:])
		h := half(hash)
		b := &batches[h]
		letters := b.text[10*len(b.words):][:10]
		copy(letters, word[:])
		b.words, b.hashes = append(b.words, unsafe.String(&letters[0], 10)), append(b.hashes, hash)
		if len(b.words) == benchBatch {
			f(h, b.words, b.hashes)
			b.words, b.hashes = b.words[:0], b.hashes[:0]
		}
	}
}

func wordTables(tb testing.TB) (tables [2]*Table[string]) {
	for i := range tables {
		tables[i] = New(state.Keys[string]{Codec: textKeys{}}, halfRanges[i], 128)
		if err := tables[i].Open([]state.Descriptor{valueDescriptor("count")}); err != nil {
			tb.Fatal(err)
		}
	}
	return tables
}

func BenchmarkWordFeed(b *testing.B) {
	feedWords(10_000_000, b.N, func(int, []string, []uint64) {})
}

func BenchmarkWordCount(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("table/%d", n), func(b *testing.B) {
			tables := wordTables(b)
			var c counter[string]
			f := func(h int, words []string, hashes []uint64) { c.count(tables[h], words, hashes) }
			feedWords(n, 3*n, f)
			b.ResetTimer()
			feedWords(n, b.N, f)
		})
		b.Run(fmt.Sprintf("plain/%d", n), func(b *testing.B) {
			var tables [2]plainWords
			out := make([]int64, benchBatch)
			f := func(h int, words []string, hashes []uint64) { tables[h].count(words, hashes, out) }
			feedWords(n, 3*n, f)
			b.ResetTimer()
			feedWords(n, b.N, f)
		})
	}
}

// BenchmarkWordLoad begins with empty tables.
func BenchmarkWordLoad(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("table/%d", n), func(b *testing.B) {
			for range b.N {
				tables := wordTables(b)
				var c counter[string]
				feedWords(n, 3*n, func(h int, words []string, hashes []uint64) { c.count(tables[h], words, hashes) })
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(3*n), "ns/rec")
		})
		b.Run(fmt.Sprintf("plain/%d", n), func(b *testing.B) {
			for range b.N {
				var tables [2]plainWords
				out := make([]int64, benchBatch)
				feedWords(n, 3*n, func(h int, words []string, hashes []uint64) { tables[h].count(words, hashes, out) })
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(3*n), "ns/rec")
		})
	}
}

// BenchmarkHandle is what a process function does: one Get and Set for each record.
func BenchmarkHandle(b *testing.B) {
	for _, n := range sizes {
		for _, mode := range []string{"SeekAt", "Seek"} {
			b.Run(fmt.Sprintf("%s/%d", mode, n), func(b *testing.B) {
				tables := intTables(b)
				var counts [2]struct{ Count state.Value[int64] }
				for i := range counts {
					fields, err := state.Fields(&counts[i])
					if err != nil {
						b.Fatal(err)
					}
					fields[0].Bind(tables[i], 0, nil)
				}
				f := func(h int, keys []int64, hashes []uint64) {
					t, count := tables[h], &counts[h].Count
					var backend state.Backend[int64] = t
					backend.Prepare(keys, hashes)
					for i := range keys {
						if mode == "Seek" {
							backend.Seek(keys[i], hashes[i])
						} else {
							backend.SeekAt(i)
						}
						had, _ := count.Get()
						count.Set(had + 1)
					}
				}
				feedInts(n, 3*n, f)
				b.ResetTimer()
				feedInts(n, b.N, f)
			})
		}
	}
}
