package statetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// RunExchange moves state from one kind of backend to another, whole and by ranges of key groups, and checks that nothing is
// lost, changed or accepted that is damaged. The two may be the same.
func RunExchange(t *testing.T, from, to Backends) {
	exchange(t, "int64", from.Int64, to.Int64, int64Key)
	exchange(t, "string", from.String, to.String, stringKey)
	exchange(t, "pair", from.Pair, to.Pair, pairKey)
	exchange(t, "wide", from.Wide, to.Wide, wideKey)
	exchange(t, "mixed", from.Mixed, to.Mixed, mixedKey)
}

func exchange[K comparable](t *testing.T, name string, from, to Make[K], key func(int) K) {
	t.Run(name, func(t *testing.T) {
		source := &suite[K]{make: from, codec: plainKeys[K](t).Codec, key: key}
		target := &suite[K]{make: to, codec: source.codec, key: key}
		t.Run("all", func(t *testing.T) { moveAll(t, source, target) })
		t.Run("ranges", func(t *testing.T) { moveRanges(t, source, target) })
		t.Run("long lists and maps", func(t *testing.T) { moveLarge(t, source, target) })
		t.Run("damaged entries", func(t *testing.T) { moveDamaged(t, target) })
		t.Run("composite keys", func(t *testing.T) { moveComposite(t, source, target) })
	})
}

// fill does random operations on n keys.
func (s *subject[K]) fill(operations int) model {
	m := model{}
	for range operations {
		i := s.source.Intn(len(s.keys))
		s.seek(i)
		s.step(m.at(i))
	}
	return m
}

func (s *subject[K]) read(entries []entry) {
	s.t.Helper()
	for _, e := range entries {
		if err := s.backend.Import(e.key, e.value); err != nil {
			s.t.Fatal(err)
		}
	}
}

// sortMaps makes the model's maps be in order of their keys, as they are after a move.
func (m model) sortMaps() {
	for _, state := range m {
		slices.Sort(state.order)
	}
}

func moveAll[K comparable](t *testing.T, source, target *suite[K]) {
	a, b := source.open(t, 300), target.open(t, 300)
	m := a.fill(6000)
	entries := exported(t, a.backend, suiteGroups)
	a.checkAll(m)
	b.read(entries)
	m.sortMaps()
	b.checkAll(m)
	if again := exported(t, b.backend, suiteGroups); !sameEntries(again, entries) {
		t.Fatal("what is imported is exported differently")
	}
	for range 3000 { // and life goes on
		i := b.source.Intn(len(b.keys))
		b.seek(i)
		b.step(m.at(i))
	}
	b.checkAll(m)
}

func moveRanges[K comparable](t *testing.T, source, target *suite[K]) {
	a := source.open(t, 300)
	m := a.fill(6000)
	m.sortMaps()
	whole := exported(t, a.backend, keygroup.Range{First: 0, Last: maxParallelism - 1})
	var parts []entry
	for _, groups := range []keygroup.Range{{First: 4, Last: 4}, {First: 5, Last: 9}, {First: 10, Last: maxParallelism - 1}} {
		entries := exported(t, a.backend, groups)
		parts = append(parts, entries...)
		b := target.open(t, 300)
		b.read(entries)
		part := model{}
		for i, hash := range b.hashes {
			if groups.Contains(keygroup.Group(hash, maxParallelism)) {
				part[i] = m.at(i)
			}
		}
		b.checkAll(part)
	}
	if !sameEntries(parts, whole) {
		t.Fatal("the parts are not the whole")
	}
}

func moveLarge[K comparable](t *testing.T, source, target *suite[K]) {
	a, b := source.open(t, 2), target.open(t, 2)
	a.seek(1)
	m := model{}
	for n := range 20_000 {
		a.f.Items.Add(fmt.Sprint("item ", n))
		m.at(1).items = append(m.at(1).items, fmt.Sprint("item ", n))
		if n%10 == 0 {
			a.f.Counts.Put(fmt.Sprint(n), int64(n))
			m.at(1).put(fmt.Sprint(n), int64(n))
		}
	}
	b.read(exported(t, a.backend, suiteGroups))
	m.sortMaps()
	b.checkAll(m)
	b.seek(1)
	b.f.Items.Add("one more")
	m.at(1).items = append(m.at(1).items, "one more")
	b.checkAll(m)
}

func moveDamaged[K comparable](t *testing.T, target *suite[K]) {
	a, b := target.open(t, 20), target.open(t, 20)
	a.fill(600)
	for _, e := range exported(t, a.backend, suiteGroups) {
		kind := b.kinds[int(e.key[3])]
		refuse(t, b.backend, "no key", e.key[:4], e.value)
		refuse(t, b.backend, "no state", e.key[:3], e.value)
		for _, at := range []int{0, 1, 2} {
			spoilt := slices.Clone(e.key)
			spoilt[at] ^= 0x10
			refuse(t, b.backend, "another group or state", spoilt, e.value)
		}
		if kind != state.KindMap { // the end of which key is that of the map's
			refuse(t, b.backend, "a longer key", append(slices.Clone(e.key), 0), e.value)
		}
		if len(e.value) > 0 && (kind != state.KindList || e.value[len(e.value)-1] != 0) { // an empty element ends the list
			refuse(t, b.backend, "a cut "+kind.String(), e.key, e.value[:len(e.value)-1])
		}
		if kind != state.KindList {
			refuse(t, b.backend, "a longer "+kind.String(), e.key, append(slices.Clone(e.value), 0))
		}
	}
}

// moveComposite moves state of keys whose hashes are not those of their codec.
func moveComposite[K comparable](t *testing.T, source, target *suite[K]) {
	spoilt := func(s *suite[K]) *suite[K] {
		copied := *s
		copied.hash = func(keys []K, hashes []uint64) {
			s.codec.Hash(keys, hashes)
			for i := range hashes {
				hashes[i] ^= 0x1234_5678
			}
		}
		return &copied
	}
	a, b := spoilt(source).open(t, 200), spoilt(target).open(t, 200)
	m := a.fill(2000)
	b.read(exported(t, a.backend, suiteGroups))
	m.sortMaps()
	b.checkAll(m)
}

// FuzzImport feeds bytes to Import, which must refuse or take them, and all state must be readable or fail as state does
// afterwards.
func FuzzImport(f *testing.F, open Make[string]) {
	f.Add([]byte{0, 5, 0, 0, 'a', 0, 1}, []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add([]byte{0, 5, 0, 3, 'a', 0, 1}, []byte{1, 'x', 2, 'y', 'z'})
	f.Add([]byte{0, 5, 0, 4, 'a', 0, 1, 'm', 0, 1}, []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		s := &suite[string]{make: open, codec: plainKeys[string](t).Codec, key: stringKey}
		sub := s.open(t, 1)
		if sub.backend.Import(key, value) != nil {
			return
		}
		defer func() {
			if failed := recover(); failed != nil {
				if _, ok := failed.(*state.Failure); !ok {
					panic(failed)
				}
			}
		}()
		sub.backend.Each(state.AnyColumn, func(string) bool {
			sub.f.Items.Slice()
			for range sub.f.Counts.All() {
				break
			}
			sub.f.Name.Get()
			sub.f.Text.Get()
			sub.f.Mean.Get()
			sub.f.Flag.Get()
			return true
		})
	})
}
