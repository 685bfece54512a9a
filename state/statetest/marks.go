package statetest

import (
	"fmt"
	"math"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/state"
)

// RunMarks marks state in the middle of random operations and copies it while they go on: what the tables have together is compared with
// what was there at the mark.
func RunMarks(t *testing.T, backends Backends, panes PaneSets, timers TimerSets) {
	t.Run("int64", func(t *testing.T) { backendMarks(t, backends.Int64, plainKeys[int64](t), int64Key) })
	t.Run("string", func(t *testing.T) { backendMarks(t, backends.String, plainKeys[string](t), stringKey) })
	t.Run("wide", func(t *testing.T) { backendMarks(t, backends.Wide, plainKeys[Wide](t), wideKey) })
	t.Run("one value", func(t *testing.T) {
		valueMarks(t, backends.Int64, plainKeys[int64](t), int64Key, (*rand.Rand).Int63)
		valueMarks(t, backends.String, plainKeys[string](t), stringKey, func(r *rand.Rand) string { return strings.Repeat("v", r.Intn(60)) })
	})
	t.Run("many keys", func(t *testing.T) { manyMarks(t, backends.Int64) })
	t.Run("removals before the copy", func(t *testing.T) { removedMarks(t, backends.Int64) })
	t.Run("timers that leave memory", func(t *testing.T) { spilledMarks(t, timers.Int64) })
	t.Run("equal lower halves of hashes", func(t *testing.T) {
		backendMarks(t, backends.Int64, collide(plainKeys[int64](t)), int64Key)
	})
	t.Run("panes", func(t *testing.T) {
		paneMarks(t, panes.Int64, plainKeys[int64](t), int64Key)
		paneMarks(t, panes.String, plainKeys[string](t), stringKey)
		paneValueMarks(t, panes.Int64, plainKeys[int64](t), int64Key)
		paneValueMarks(t, panes.String, plainKeys[string](t), stringKey)
	})
	t.Run("timers", func(t *testing.T) {
		timerMarks(t, timers.Int64, plainKeys[int64](t), int64Key)
		timerMarks(t, timers.String, plainKeys[string](t), stringKey)
	})
}

// marked is state that is marked again and again while it changes.
type marked struct {
	t      *testing.T
	part   state.Durable
	source *rand.Rand
	// change does a random operation.
	change func()
	// tables are those of the marks that were not canonical, from the last one of everything on; broken says that one of them is missing.
	tables [][]byte
	broken bool
	// small is how many marks had fewer rows than there are entries.
	small int
}

// taken is a capture and what it should have.
type taken struct {
	kind    snapshot.MarkKind
	rows    *rows.Rows
	capture state.Capture
	want    []entry
}

func (m *marked) mark(kind snapshot.MarkKind) *taken {
	k := &taken{kind: kind, rows: new(rows.Rows), want: exported(m.t, m.part, suiteGroups)}
	k.capture = m.part.Mark(kind, k.rows)
	return k
}

// run marks n times.
func (m *marked) run(n, changes int) {
	m.t.Helper()
	r := m.source
	var before *taken // is not copied to its end when the next mark comes
	for range n {
		for range r.Intn(changes) {
			m.change()
		}
		kind := snapshot.MarkChanges
		switch r.Intn(10) {
		case 0:
			kind = snapshot.MarkFull
		case 1, 2:
			kind = snapshot.MarkCanonical
		}
		if m.broken && kind == snapshot.MarkChanges {
			kind = snapshot.MarkFull
		}
		k := m.mark(kind)
		if before != nil {
			m.written(before)
			before = nil
		}
		switch r.Intn(12) {
		case 0:
			before = k
			continue
		case 1:
			k.capture.Copy(r.Intn(1000))
			m.change()
			k.capture.Drop()
			if m.source.Intn(2) == 0 {
				k.rows.Release()
			}
			m.broken = m.broken || kind != snapshot.MarkCanonical
			continue
		}
		left := changes // so that copying a few bytes at a time comes to an end
		for work := 1 + r.Intn(1<<r.Intn(16)); !k.capture.Copy(work); {
			for range min(left, r.Intn(1+changes/4)) {
				m.change()
				left--
			}
		}
		m.written(k)
	}
}

// written makes a table of what was copied, and compares.
func (m *marked) written(k *taken) {
	m.t.Helper()
	if !k.capture.Copy(math.MaxInt) {
		m.t.Fatal("a capture is not done at once")
	}
	if k.kind == snapshot.MarkChanges && k.rows.Len() < len(k.want) {
		m.small++
	}
	table := m.table(k.rows)
	tables := [][]byte{table}
	switch {
	case k.kind == snapshot.MarkFull:
		m.tables, m.broken = tables, false
	case k.kind == snapshot.MarkChanges && m.broken:
		return
	case k.kind == snapshot.MarkChanges:
		m.tables = append(m.tables, table)
		tables = m.tables
	}
	if got := merged(m.t, tables); !sameEntries(got, k.want) {
		m.t.Fatalf("mark %d of %d tables: %s", k.kind, len(tables), difference(got, k.want))
	}
}

// table makes a table of rows in another goroutine, while the state changes.
func (m *marked) table(r *rows.Rows) (table []byte) {
	m.t.Helper()
	made := make(chan error)
	go func() {
		defer r.Release()
		w := sstable.NewWriter()
		err := w.AddRows(r)
		if err == nil {
			table, err = w.Finish()
		}
		made <- err
	}()
	for range m.source.Intn(20) {
		m.change()
	}
	if err := <-made; err != nil {
		m.t.Fatal(err)
	}
	return table
}

func merged(t *testing.T, tables [][]byte) (all []entry) {
	t.Helper()
	var chain snapshot.Chain
	chain.Groups = suiteGroups
	for _, table := range tables {
		chain.Tables = append(chain.Tables, snapshot.LocalTable{Ref: snapshot.Inline(table), Groups: suiteGroups})
	}
	err := sstable.ReadChain(chain, suiteGroups, func(key, value []byte) error {
		all = append(all, entry{slices.Clone(key), slices.Clone(value)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// difference describes the first entry that differs.
func difference(got, want []entry) string {
	for i := range got {
		if i == len(want) || !slices.Equal(got[i].key, want[i].key) || !slices.Equal(got[i].value, want[i].value) {
			if i == len(want) {
				return fmt.Sprintf("%d entries, want %d: too much from %x on", len(got), len(want), got[i].key)
			}
			return fmt.Sprintf("%d entries, want %d: entry %d is %x=%x, want %x=%x", len(got), len(want), i, got[i].key, got[i].value, want[i].key, want[i].value)
		}
	}
	return fmt.Sprintf("%d entries, want %d", len(got), len(want))
}

func backendMarks[K comparable](t *testing.T, open Make[K], keys state.Keys[K], key func(int) K) {
	if open == nil {
		return
	}
	for seed := range seeds(3) {
		s := &suite[K]{make: open, codec: keys.Codec, key: key, hash: keys.Hash}
		sub := s.open(t, []int{5, 60, 700}[seed%3])
		sub.source = rand.New(rand.NewSource(seed))
		model := model{}
		m := &marked{t: t, part: sub.backend, source: sub.source, change: func() {
			i := sub.source.Intn(len(sub.keys))
			sub.seek(i)
			sub.step(model.at(i))
		}}
		m.run(40, 300)
		sub.checkAll(model)
		m.restored(func() state.Durable { return s.open(t, 1).backend })
	}
}

// restored reads the tables of a last mark of everything into another part.
func (m *marked) restored(open func() state.Durable) {
	m.t.Helper()
	k := m.mark(snapshot.MarkFull)
	m.written(k)
	for range 50 {
		m.change()
	}
	k = m.mark(snapshot.MarkChanges)
	m.written(k)
	into := open()
	for _, e := range merged(m.t, m.tables) {
		if err := into.Import(e.key, e.value); err != nil {
			m.t.Fatal(err)
		}
	}
	if got := exported(m.t, into, suiteGroups); !sameEntries(got, k.want) {
		m.t.Fatalf("after a restore: %s", difference(got, k.want))
	}
}

// manyMarks has so many keys that segments split while they are marked and copied.
func manyMarks(t *testing.T, open Make[int64]) {
	if open == nil {
		return
	}
	s := &suite[int64]{make: open, codec: plainKeys[int64](t).Codec, key: int64Key}
	sub := s.open(t, 60_000)
	next := 0
	m := &marked{t: t, part: sub.backend, source: rand.New(rand.NewSource(1))}
	m.change = func() {
		for range 20 {
			i := m.source.Intn(max(next, 1))
			if m.source.Intn(3) > 0 && next < len(sub.keys) {
				i = next
				next++
			}
			sub.seek(i)
			if m.source.Intn(40) == 0 {
				sub.f.Count.Clear()
			} else {
				sub.f.Count.Set(m.source.Int63n(1000))
			}
		}
	}
	m.run(24, 400)
	if next < 20_000 {
		t.Errorf("only %d keys were used", next)
	}
	if m.small == 0 {
		t.Error("every mark of changes has as many rows as there are entries")
	}
}

func paneMarks[K comparable](t *testing.T, open MakePanes[K], keys state.Keys[K], key func(int) K) {
	if open == nil {
		return
	}
	for seed := range seeds(2) {
		s := newPaneSubject(t, open, keys, key, []int{20, 400}[seed%2], suiteGroups)
		s.source = rand.New(rand.NewSource(seed))
		pane := int64(-2)
		m := &marked{t: t, part: s.panes, source: s.source}
		m.change = func() {
			at := pane + s.source.Int63n(4)
			switch s.source.Intn(12) {
			case 0:
				s.drop(at)
			case 1:
				if s.source.Intn(4) == 0 {
					pane++
				}
			case 2, 3, 4:
				s.write(at)
			default:
				s.count(at, 1+s.source.Intn(8))
			}
		}
		m.run(40, 100)
		s.check()
		m.restored(func() state.Durable { return newPaneSubject(t, open, keys, key, 1, suiteGroups).panes })
	}
}

func timerMarks[K comparable](t *testing.T, open MakeTimers[K], keys state.Keys[K], key func(int) K) {
	if open == nil {
		return
	}
	for seed := range seeds(3) {
		s := newTimerSubject(t, open, keys, key, []int{10, 300}[seed%2], suiteGroups)
		s.source = rand.New(rand.NewSource(seed))
		r, now := s.source, int64(0)
		spread := []int64{10, 5000, math.MaxInt32}[seed%3]
		m := &marked{t: t, part: s.timers, source: r}
		m.change = func() {
			i, at := r.Intn(len(s.keys)), now+r.Int63n(spread)
			switch r.Intn(12) {
			case 0, 1, 2, 3, 4:
				s.register(i, at)
			case 5:
				s.register(i, now-r.Int63n(20))
			case 6, 7:
				if least, ok := s.least(); ok {
					s.remove(i, least)
				}
				s.remove(i, at)
			case 8:
				for id, hash := range s.model {
					s.timers.Delete(id.key, hash, id.at)
					delete(s.model, id)
					if r.Intn(2) == 0 { // registered again
						s.timers.Register(id.key, hash, id.at)
						s.model[id] = hash
					}
					break
				}
			case 9:
				if r.Intn(10) == 0 {
					now += r.Int63n(spread/4 + 1)
				}
				s.take(now, 1+r.Intn(5)) // perhaps not all of one time
			case 10:
				if r.Intn(20) == 0 {
					for len(s.take(now, 10)) > 0 {
					}
				}
			}
		}
		m.run(50, 250)
		s.check()
		m.restored(func() state.Durable { return newTimerSubject(t, open, keys, key, 1, suiteGroups).timers })
	}
}
