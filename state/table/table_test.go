package table

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// loadWords feeds n different words of ten letters, twice.
func loadWords(n int, f func(half int, words []string, hashes []uint64)) {
	for range 2 {
		var batches [2]wordBatch
		for i := range n {
			word := fmt.Sprintf("%010d", i)
			hash := keygroup.HashString(word)
			b := &batches[half(hash)]
			b.words, b.hashes = append(b.words, word), append(b.hashes, hash)
			if len(b.words) == benchBatch {
				f(half(hash), b.words, b.hashes)
				b.words, b.hashes = b.words[:0], b.hashes[:0]
			}
		}
		for h, b := range batches {
			f(h, b.words, b.hashes)
		}
	}
}

// TestMemoryPerKey bounds what a key of 16 bytes and a value of 8 take, at every size of a growing table.
func TestMemoryPerKey(t *testing.T) {
	tables := wordTables(t)
	var c counter[string]
	worst, next := 0.0, int64(20_000)
	loadWords(200_000, func(h int, words []string, hashes []uint64) {
		c.count(tables[h], words, hashes)
		if n := tables[0].Len(); n >= next {
			next += next / 20
			worst = max(worst, float64(tables[0].Bytes())/float64(n))
		}
	})
	t.Logf("at most %.1f bytes per key, %.1f at the end", worst, float64(tables[0].Bytes())/float64(tables[0].Len()))
	if worst > 60 {
		t.Errorf("%.1f bytes per key, want at most 60", worst)
	}
	if got := tables[0].Len() + tables[1].Len(); got != 200_000 {
		t.Errorf("%d keys, want 200000", got)
	}
}

// TestSplitInBatch inserts batches that are large enough for segments to grow and split in their middle, in which every
// key stands twice: both must have the one cell.
func TestSplitInBatch(t *testing.T) {
	table := New(state.Keys[int64]{Codec: wordKeys{}}, keygroup.Range{First: 0, Last: 0}, 1)
	if err := table.Open([]state.Descriptor{valueDescriptor("count")}); err != nil {
		t.Fatal(err)
	}
	const n = 20_000
	keys, hashes := make([]int64, 0, n), make([]uint64, n)
	for batch := range 3 {
		keys = keys[:0]
		for i := range int64(n / 2) {
			keys = append(keys, i+int64(batch)*n/4)
		}
		keys = append(keys, keys...)
		wordKeys{}.Hash(keys, hashes)
		cells, fresh := make([]unsafe.Pointer, n), make([]bool, n)
		table.Upsert(0, keys, hashes, cells, fresh)
		for i, cell := range cells[:n/2] {
			if cells[i+n/2] != cell || fresh[i+n/2] {
				t.Fatalf("key %d has two cells", keys[i])
			}
			if fresh[i] != (*(*int64)(cell) == 0) {
				t.Fatalf("key %d is fresh: %t, with value %d", keys[i], fresh[i], *(*int64)(cell))
			}
			*(*int64)(cell) = keys[i] + 1
		}
	}
	if table.index.depth < 2 {
		t.Fatalf("the directory uses %d bits: nothing was split", table.index.depth)
	}
	table.Each(0, func(key int64) bool {
		if got := *(*int64)(table.Value(0).Load()); got != key+1 {
			t.Fatalf("key %d has %d", key, got)
		}
		return true
	})
	if got := table.Len(); got != n {
		t.Errorf("%d keys, want %d", got, n)
	}
}

// TestPreparedKeysSurviveGrowth changes the table while a prepared batch is walked through.
func TestPreparedKeysSurviveGrowth(t *testing.T) {
	tables := intTables(t)
	table := tables[0]
	cell := table.Value(0)
	want := map[int64]int64{}
	feedInts(30_000, 200_000, func(h int, keys []int64, hashes []uint64) {
		if h != 0 {
			return
		}
		table.Prepare(keys, hashes)
		for i, key := range keys {
			table.SeekAt(i)
			if key%16 == 3 {
				cell.Clear()
				delete(want, key)
				if key%32 == 3 {
					continue
				}
			}
			p, fresh := cell.Store()
			if had, ok := want[key]; ok == fresh || *(*int64)(p) != had {
				t.Fatalf("key %d has %d, want %d", key, *(*int64)(p), had)
			}
			*(*int64)(p) = want[key] + key + 1
			want[key] += key + 1
		}
	})
	if table.leave(); table.Len() != int64(len(want)) {
		t.Errorf("%d keys, want %d", table.Len(), len(want))
	}
}

// TestHotPathsDoNotAllocate covers batches and handles, after the table has grown.
func TestHotPathsDoNotAllocate(t *testing.T) {
	tables := intTables(t)
	words := wordTables(t)
	var counts struct{ Count state.Value[int64] }
	fields, err := state.Fields(&counts)
	if err != nil {
		t.Fatal(err)
	}
	fields[0].Bind(tables[0], 0, nil)
	var ints counter[int64]
	var texts counter[string]
	var s stream[int64]
	var w stream[string]
	loadInts(20_000, func(h int, keys []int64, hashes []uint64) {
		ints.count(tables[h], keys, hashes)
		s.add(h, keys, hashes)
	})
	loadWords(5_000, func(h int, keys []string, hashes []uint64) {
		for i, key := range keys {
			keys[i] = key + strings.Repeat("long", i%6)
		}
		textKeys{}.Hash(keys, hashes)
		for i := range hashes { // keep them in the groups of this half
			hashes[i] = hashes[i]>>1 | uint64(h)<<63
		}
		texts.count(words[h], keys, hashes)
		w.add(h, keys, hashes)
	})
	run := func(name string, f func()) {
		if n := testing.AllocsPerRun(5, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	run("batches of ints", func() {
		s.feed(0, len(s.half), func(h int, keys []int64, hashes []uint64) { ints.count(tables[h], keys, hashes) })
	})
	run("batches of words", func() {
		w.feed(0, len(w.half), func(h int, keys []string, hashes []uint64) { texts.count(words[h], keys, hashes) })
	})
	run("handles", func() {
		s.feed(0, len(s.half), func(h int, keys []int64, hashes []uint64) {
			if h != 0 {
				return
			}
			tables[0].Prepare(keys, hashes)
			for i := range keys {
				tables[0].SeekAt(i)
				n, _ := counts.Count.Get()
				counts.Count.Set(n + 1)
			}
			tables[0].Seek(keys[0], hashes[0])
			counts.Count.Clear()
			counts.Count.Set(7)
		})
	})
}

// TestAlikeHashesDoNotBlowUpTheDirectory gives all keys hashes whose lower halves begin alike, so that splitting helps only
// after many bits.
func TestAlikeHashesDoNotBlowUpTheDirectory(t *testing.T) {
	for bits, n := range map[int]int{32: 2500, 20: 6000, 14: 6000} {
		table := New(state.Keys[int64]{Codec: wordKeys{}}, keygroup.Range{First: 0, Last: 127}, 128)
		if err := table.Open([]state.Descriptor{valueDescriptor("count")}); err != nil {
			t.Fatal(err)
		}
		keys, hashes, cells := make([]int64, n), make([]uint64, n), make([]unsafe.Pointer, n)
		for i := range keys {
			keys[i] = int64(i)
			hashes[i] = 5<<57 | keygroup.HashWord(uint64(i))&(1<<(32-bits)-1)
		}
		table.Upsert(0, keys, hashes, cells, nil)
		table.Upsert(0, keys, hashes, cells, nil)
		if table.Len() != int64(n) || table.Bytes() > int64(n)*150 {
			t.Errorf("%d equal bits: %d keys, %d bytes", bits, table.Len(), table.Bytes())
		}
	}
}

// TestCyclesKeepTheirPace fills and clears a table often; neither its memory nor its probes may grow.
func TestCyclesKeepTheirPace(t *testing.T) {
	tables := intTables(t)
	table := tables[0]
	cell := table.Value(0)
	var first int64
	for round := range 10 {
		loadInts(50_000, func(h int, keys []int64, hashes []uint64) {
			if h == 0 {
				for i := range keys {
					keys[i] += int64(round) << 32 // other keys each time, of the same hashes
				}
				new(counter[int64]).count(table, keys, hashes)
			}
		})
		if round == 0 {
			first = table.Bytes()
		} else if now := table.Bytes(); now > first+first/8 {
			t.Fatalf("round %d takes %d bytes, the first %d", round, now, first)
		}
		table.Each(state.AnyColumn, func(int64) bool { cell.Clear(); return true })
		if table.Len() != 0 {
			t.Fatalf("%d keys are left", table.Len())
		}
		for _, s := range table.index.segments {
			for entry := range table.index.each(s) {
				t.Fatalf("entry %v is left", entry)
			}
		}
	}
	if now := table.Bytes(); now > first/4 {
		t.Errorf("the empty table keeps %d bytes of %d", now, first)
	}
}

func TestForeignKeyGroupPanics(t *testing.T) {
	tables := intTables(t)
	defer func() {
		if recover() == nil {
			t.Error("a key of another subtask was taken")
		}
	}()
	tables[0].Upsert(0, []int64{1}, []uint64{1 << 63}, make([]unsafe.Pointer, 1), nil)
}

// TestKeysAreComparedExactly has two long keys of which the table remembers the same length and the same bits of their hashes.
func TestKeysAreComparedExactly(t *testing.T) {
	seen := map[uint64]string{}
	for i := 0; ; i++ {
		key := fmt.Sprintf("a long key, number %08d", i)
		bits := keygroup.HashString(key) >> 40
		twin, found := seen[bits]
		seen[bits] = key
		if !found {
			continue
		}
		tables := wordTables(t)
		keys, hashes, cells := []string{key, twin, key, twin}, make([]uint64, 4), make([]unsafe.Pointer, 4)
		tables[0].Upsert(0, keys, hashes, cells, nil)
		if cells[0] == cells[1] || cells[0] != cells[2] || cells[1] != cells[3] {
			t.Errorf("the keys %q and %q are mixed up", key, twin)
		}
		return
	}
}
