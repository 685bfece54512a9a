package table

import (
	"math"
	"math/rand"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// counters is a table of counts by number.
func counters(t testing.TB, groups int) (*Table[int64], *state.Value[int64], func(key int64)) {
	t.Helper()
	keys, err := codec.ForKey[int64]()
	if err != nil {
		t.Fatal(err)
	}
	f := &struct{ Count state.Value[int64] }{}
	fields, err := state.Fields(f)
	if err != nil {
		t.Fatal(err)
	}
	table := New(state.Keys[int64]{Codec: keys}, keygroup.Range{Last: uint16(groups - 1)}, groups)
	if err := table.Open([]state.Descriptor{fields[0].Descriptor}); err != nil {
		t.Fatal(err)
	}
	fields[0].Bind(table, 0, nil)
	one, hash := make([]int64, 1), make([]uint64, 1)
	return table, &f.Count, func(key int64) {
		one[0] = key
		keys.Hash(one, hash)
		table.Seek(key, hash[0])
	}
}

// TestEpochsGoRound changes keys so seldom that the numbers of epochs have come round since.
func TestEpochsGoRound(t *testing.T) {
	table, count, seek := counters(t, 2)
	const keys, numbers, marks = 40, int(lastEpoch), 2*int(lastEpoch) + 100
	for key := range int64(keys) {
		seek(key)
		count.Set(0)
	}
	copied := func(kind snapshot.MarkKind) int {
		var r rows.Rows
		if !table.Mark(kind, &r).Copy(math.MaxInt) {
			t.Fatal("not done")
		}
		return r.Len()
	}
	if n := copied(snapshot.MarkFull); n != keys {
		t.Fatalf("%d entries, want %d", n, keys)
	}
	for mark := 1; mark < marks; mark++ {
		changed := 1
		seek(0)
		count.Set(int64(mark))
		// Key k is changed at mark k and whenever the same number of an epoch, or one of the next, comes again.
		for key := int64(1); key < keys; key++ {
			if round := mark % numbers; int64(round) == key || mark > numbers && int64(round)+int64(mark/numbers) == key {
				seek(key)
				count.Set(int64(mark))
				changed++
			}
		}
		if n := copied(snapshot.MarkChanges); n != changed {
			t.Fatalf("mark %d has %d entries, want %d", mark, n, changed)
		}
	}
	if n := copied(snapshot.MarkCanonical); n != keys {
		t.Fatalf("%d entries, want %d", n, keys)
	}
}

// TestManyCanonicalMarks takes so many savepoints between two checkpoints that changes are not noted any more.
func TestManyCanonicalMarks(t *testing.T) {
	table, count, seek := counters(t, 2)
	copied := func(kind snapshot.MarkKind) *rows.Rows {
		var r rows.Rows
		if !table.Mark(kind, &r).Copy(math.MaxInt) {
			t.Fatal("not done")
		}
		return &r
	}
	seek(1)
	count.Set(1)
	copied(snapshot.MarkFull)
	for n := range int(farBehind) + 10 {
		if n == 5 {
			seek(2)
			count.Set(2)
		}
		if n == int(farBehind)+5 {
			seek(1)
			count.Clear()
		}
		copied(snapshot.MarkCanonical)
	}
	if r := copied(snapshot.MarkChanges); r.Len() != 1 || len(r.Ranges()) != 2 {
		t.Errorf("%d entries and %d deleted ranges, want everything instead", r.Len(), len(r.Ranges()))
	}
	if r := copied(snapshot.MarkChanges); r.Len() != 0 {
		t.Errorf("%d entries have changed since", r.Len())
	}
}

// TestWhatComesAndGoesLeavesNoTrace sets and clears state between two marks.
func TestWhatComesAndGoesLeavesNoTrace(t *testing.T) {
	table, count, seek := counters(t, 8)
	var r rows.Rows
	table.Mark(snapshot.MarkFull, &r).Drop()
	for key := range int64(10_000) {
		seek(key)
		count.Set(key)
		count.Clear()
	}
	if !table.Mark(snapshot.MarkChanges, &r).Copy(math.MaxInt) || !r.Empty() {
		t.Errorf("%d rows of state that was never in a snapshot", r.Len())
	}
}

// BenchmarkMark marks a table of a million counts of which one in a hundred was changed, and copies them.
func BenchmarkMark(b *testing.B) {
	const keys = 1 << 20
	table, count, seek := counters(b, 128)
	for key := range int64(keys) {
		seek(key)
		count.Set(key)
	}
	table.Mark(snapshot.MarkFull, new(rows.Rows)).Drop()
	random := rand.New(rand.NewSource(1))
	n := 0
	for b.Loop() {
		b.StopTimer()
		for range keys / 100 {
			seek(random.Int63n(keys))
			count.Set(1)
		}
		b.StartTimer()
		var r rows.Rows
		for c := table.Mark(snapshot.MarkChanges, &r); !c.Copy(64 << 10); {
		}
		n += r.Len()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/entry")
}

// BenchmarkMarkEverything copies a table of a million counts.
func BenchmarkMarkEverything(b *testing.B) {
	const keys = 1 << 20
	table, count, seek := counters(b, 128)
	for key := range int64(keys) {
		seek(key)
		count.Set(key)
	}
	for b.Loop() {
		var r rows.Rows
		for c := table.Mark(snapshot.MarkFull, &r); !c.Copy(64 << 10); {
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/keys, "ns/entry")
}
