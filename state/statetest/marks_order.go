package statetest

import (
	"math"
	"math/rand"
	"testing"

	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// taken marks, does what happens before anything is copied, and compares the tables.
func (m *marked) taken(kind snapshot.MarkKind, meanwhile func()) {
	m.t.Helper()
	k := m.mark(kind)
	meanwhile()
	m.written(k)
}

func nothing() {}

// removedMarks removes pairs of maps, and whole maps, that are new since the mark before, after a mark and before they are copied; the next
// mark must not have them.
func removedMarks(t *testing.T, open Make[int64]) {
	if open == nil {
		return
	}
	const keys, some = 3000, 100
	s := &suite[int64]{make: open, codec: plainKeys[int64](t).Codec, key: int64Key}
	sub := s.open(t, keys)
	m := &marked{t: t, part: sub.backend, source: rand.New(rand.NewSource(1)), change: nothing}
	from := 0
	each := func(f func(i int)) func() {
		return func() {
			for i := from; i < from+some; i++ {
				sub.seek(i)
				f(i)
			}
		}
	}
	for i := range keys {
		sub.seek(i)
		sub.f.Count.Set(int64(i)) // so much that it is not copied at once
	}
	m.taken(snapshot.MarkFull, nothing)
	put := func(i int) { sub.f.Counts.Put("goes", int64(i)) }
	remove := each(func(int) { sub.f.Counts.Remove("goes") })
	clearSome := each(func(i int) {
		if i%2 == 0 {
			sub.f.Counts.Clear()
		}
	})
	// What is exported and what the marks have may be wrong alike.
	gone := func() {
		t.Helper()
		if n := len(exported(t, sub.backend, suiteGroups)); n != keys {
			t.Fatalf("%d entries are there instead of %d: pairs that were removed", n, keys)
		}
	}
	for _, kind := range []snapshot.MarkKind{snapshot.MarkChanges, snapshot.MarkCanonical, snapshot.MarkFull} {
		// Of these keys nothing of the map was ever marked; then something was.
		for range 2 {
			each(put)()
			m.taken(kind, remove)
			m.taken(snapshot.MarkChanges, nothing)
			gone()
		}
		from += some
		for range 2 {
			each(put)()
			m.taken(kind, clearSome)
			m.taken(snapshot.MarkChanges, remove)
			m.taken(snapshot.MarkChanges, nothing)
			gone()
		}
		from += some
	}
}

// spilledMarks registers more and more timers, none of which is taken, so that they leave memory between two marks of changes. One in the middle
// is a savepoint's, which must not take away what the next mark has to tell.
func spilledMarks(t *testing.T, open MakeTimers[int64]) {
	if open == nil {
		return
	}
	const each = 300
	s := newTimerSubject(t, open, plainKeys[int64](t), int64Key, 50, suiteGroups)
	m := &marked{t: t, part: s.timers, source: s.source, change: nothing}
	at := int64(0)
	register := func() {
		for i := range each {
			at += 1 + s.source.Int63n(1000)
			s.register(i%len(s.keys), at)
		}
	}
	register()
	m.taken(snapshot.MarkFull, nothing)
	for round := range 12 {
		register()
		if round%3 == 1 {
			m.taken(snapshot.MarkCanonical, register)
		}
		m.taken(snapshot.MarkChanges, register)
	}
	m.taken(snapshot.MarkChanges, func() { s.take(math.MaxInt64/2, each) })
	m.taken(snapshot.MarkChanges, nothing)
}
