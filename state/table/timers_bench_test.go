package table

import (
	"fmt"
	"runtime"
	"testing"
	"unsafe"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

var allGroups = keygroup.Range{First: 0, Last: 127}

// BenchmarkTimers registers and takes n timers of a window's end, or scattered over an hour.
func BenchmarkTimers(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		for name, at := range map[string]func(r *xorshift, i int) int64{
			"window":    func(_ *xorshift, i int) int64 { return 60_000 },
			"scattered": func(r *xorshift, _ int) int64 { return int64(r.next() % 3_600_000) },
		} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				keys, err := codec.ForKey[int64]()
				if err != nil {
					b.Fatal(err)
				}
				due := make([]state.Timer[int64], 0, 256)
				var memory int64
				for b.Loop() {
					random := xorshift(88172645463325252)
					timers := NewTimers(state.Keys[int64]{Codec: keys}, allGroups, 128, 0)
					for i := range n {
						timers.Register(int64(i), keygroup.HashWord(uint64(i)), at(&random, i))
					}
					memory = timers.Bytes()
					for due = timers.Take(1<<40, due[:0]); len(due) > 0; due = timers.Take(1<<40, due[:0]) {
						_ = due
					}
					if timers.Len() != 0 {
						b.Fatal(timers.Len())
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/timer")
				b.ReportMetric(float64(memory)/float64(n), "B/timer")
			})
		}
	}
}

// BenchmarkPanes counts in panes that come and go: 120 are there at a time.
func BenchmarkPanes(b *testing.B) {
	const keysPerPane, batch = 10_000, 1000
	keys, err := codec.ForKey[int64]()
	if err != nil {
		b.Fatal(err)
	}
	counts, err := codec.For[int64]()
	if err != nil {
		b.Fatal(err)
	}
	panes, err := NewPanes(state.Keys[int64]{Codec: keys}, allGroups, 128, []state.Descriptor{state.Describe("n", state.KindValue, counts)})
	if err != nil {
		b.Fatal(err)
	}
	in, hashes, cells := make([]int64, batch), make([]uint64, batch), make([]unsafe.Pointer, batch)
	pane := int64(0)
	for b.Loop() {
		t := panes.Pane(pane)
		for from := 0; from < keysPerPane; from += batch {
			for i := range in {
				in[i] = int64(from + i)
				hashes[i] = keygroup.HashWord(uint64(in[i]))
			}
			t.Upsert(0, in, hashes, cells, nil)
			for _, c := range cells {
				*(*int64)(c)++
			}
		}
		if pane >= 120 {
			panes.Drop(pane - 120)
		}
		pane++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/keysPerPane, "ns/key")
	b.ReportMetric(float64(panes.Bytes())/float64(min(pane, 120))/keysPerPane, "B/key")
}

// TestMemoryOfStructures bounds what small and large structures take, by the Go heap.
func TestMemoryOfStructures(t *testing.T) {
	keys, err := codec.ForKey[int64]()
	if err != nil {
		t.Fatal(err)
	}
	counts, err := codec.For[int64]()
	if err != nil {
		t.Fatal(err)
	}
	texts, err := codec.ForKey[[2]int64]()
	if err != nil {
		t.Fatal(err)
	}
	descriptors := []state.Descriptor{state.Describe("n", state.KindValue, counts)}
	for _, c := range []struct {
		name      string
		n         int
		most      float64
		structure func(n int) any
	}{
		{"pane of one key", 500, 4096, func(n int) any {
			panes, _ := NewPanes(state.Keys[int64]{Codec: keys}, allGroups, 128, descriptors)
			for i := range int64(n) {
				panes.Pane(i).Upsert(0, []int64{i}, []uint64{keygroup.HashWord(uint64(i))}, make([]unsafe.Pointer, 1), nil)
			}
			return panes
		}},
		{"timer", 300_000, 80, func(n int) any {
			timers := NewTimers(state.Keys[int64]{Codec: keys}, allGroups, 128, 0)
			for i := range int64(n) {
				timers.Register(i, keygroup.HashWord(uint64(i)), i*1000)
			}
			return timers
		}},
		{"key of 16 bytes with a value of 8", 700_000, 60, func(n int) any {
			table := New(state.Keys[[2]int64]{Codec: texts}, allGroups, 128)
			if err := table.Open(descriptors); err != nil {
				t.Fatal(err)
			}
			for i := range int64(n) {
				key, hash := [][2]int64{{i, i}}, []uint64{0}
				texts.Hash(key, hash)
				table.Upsert(0, key, hash, make([]unsafe.Pointer, 1), nil)
			}
			return table
		}},
	} {
		before := heap()
		s := c.structure(c.n)
		each := float64(heap()-before) / float64(c.n)
		runtime.KeepAlive(s)
		if each > c.most {
			t.Errorf("a %s takes %.0f bytes, want at most %.0f", c.name, each, c.most)
		}
		t.Logf("a %s takes %.0f bytes", c.name, each)
	}
}

// TestPanesReuseBlocks lets panes of one size pass: new ones take the memory of those that are dropped.
func TestPanesReuseBlocks(t *testing.T) {
	keys, err := codec.ForKey[string]()
	if err != nil {
		t.Fatal(err)
	}
	texts, err := codec.For[string]()
	if err != nil {
		t.Fatal(err)
	}
	panes, err := NewPanes(state.Keys[string]{Codec: keys}, allGroups, 128, []state.Descriptor{state.Describe("s", state.KindValue, texts)})
	if err != nil {
		t.Fatal(err)
	}
	pass := func(pane int64) {
		table := panes.Pane(pane)
		value := table.Value(0)
		for i := range 3000 {
			key := fmt.Sprint("a key that is long ", i)
			table.Seek(key, keygroup.HashString(key))
			value.StoreBytes([]byte(key))
		}
		panes.Drop(pane - 3)
	}
	for pane := range int64(10) {
		pass(pane)
	}
	held := panes.Bytes() / 4
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for pane := range int64(20) {
		pass(10 + pane)
	}
	runtime.ReadMemStats(&after)
	// The test's own keys are of 64 bytes.
	if each := int64(after.TotalAlloc-before.TotalAlloc)/20 - 3000*(64+32); each > held/4 {
		t.Errorf("a pane that takes %d bytes allocates %d", held, each)
	}
}

// TestAPaneBeginsWithTheSizeOfTheOneBefore lets panes of one size follow each other: but for the first they do not grow.
func TestAPaneBeginsWithTheSizeOfTheOneBefore(t *testing.T) {
	keys, err := codec.ForKey[int64]()
	if err != nil {
		t.Fatal(err)
	}
	counts, err := codec.For[int64]()
	if err != nil {
		t.Fatal(err)
	}
	opened, err := NewPanes(state.Keys[int64]{Codec: keys}, allGroups, 128, []state.Descriptor{state.Describe("n", state.KindValue, counts)})
	if err != nil {
		t.Fatal(err)
	}
	panes := opened.(*Panes[int64])
	fill := func(at int64, n int) (began, ended int64) {
		pane := panes.pane(at)
		key, hash, cell := []int64{0}, []uint64{0}, make([]unsafe.Pointer, 1)
		for i := range n {
			key[0] = int64(i)
			if bad := keys.Hash(key, hash); bad >= 0 {
				t.Fatal("a number is no key")
			}
			pane.Upsert(0, key, hash, cell, nil)
			if i == 0 {
				began = pane.index.bytes
			}
		}
		if got := pane.Len(); got != int64(n) {
			t.Fatalf("pane %d has %d keys of %d", at, got, n)
		}
		return began, pane.index.bytes
	}
	if began, ended := fill(0, 2000); began >= ended {
		t.Fatalf("the first pane has %d bytes from its first key on", ended)
	}
	began, ended := fill(1, 2000)
	if began != ended || ended > 2000*24*3 {
		t.Errorf("the second pane grows from %d to %d bytes", began, ended)
	}
	if _, ended := fill(-5, 1); ended > 4096 {
		t.Errorf("a pane of one key, before which there is none, has %d bytes", ended)
	}
	fill(2, 20_000)
	if began, _ := fill(3, 20_000); began > 4096*24*2 {
		t.Errorf("a pane begins with %d bytes", began)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
