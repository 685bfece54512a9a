package statetest

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// MakePanes makes empty panes with these columns.
type MakePanes[K any] func(keys state.Keys[K], groups keygroup.Range, maxParallelism int, descriptors []state.Descriptor) (state.Panes[K], error)

// PaneSets makes the panes under test for each type of key that the suite uses.
type PaneSets struct {
	Int64  MakePanes[int64]
	String MakePanes[string]
}

// RunPanes runs the suite of panes.
func RunPanes(t *testing.T, sets PaneSets) {
	t.Run("int64", func(t *testing.T) {
		runPanes(t, sets.Int64, plainKeys[int64](t), func(i int) int64 { return int64(i-5) * 7919 })
	})
	t.Run("string", func(t *testing.T) {
		runPanes(t, sets.String, plainKeys[string](t), func(i int) string { return strings.Repeat("k", i%30) + fmt.Sprint(i) })
	})
}

func runPanes[K comparable](t *testing.T, open MakePanes[K], keys state.Keys[K], key func(int) K) {
	t.Run("random operations", func(t *testing.T) { panesRandom(t, open, keys, key) })
	t.Run("come and go", func(t *testing.T) { panesPass(t, open, keys, key) })
	t.Run("export and import", func(t *testing.T) { panesMoved(t, open, keys, key) })
	t.Run("damaged entries", func(t *testing.T) { panesDamaged(t, open, keys, key) })
}

// The columns of the panes under test: a count that is kept inline and a text that is not.
const (
	paneCount = state.Column(iota)
	paneText
)

// paneKey is a key in a pane, by its number.
type paneKey struct {
	pane int64
	key  int
}

type paneSubject[K comparable] struct {
	t      *testing.T
	panes  state.Panes[K]
	counts map[paneKey]int64
	texts  map[paneKey]string
	keys   []K
	hashes []uint64
	source *rand.Rand
}

func newPaneSubject[K comparable](t *testing.T, open MakePanes[K], keys state.Keys[K], key func(int) K, n int, groups keygroup.Range) *paneSubject[K] {
	t.Helper()
	counts, err := codec.For[int64]()
	if err != nil {
		t.Fatal(err)
	}
	texts, err := codec.For[string]()
	if err != nil {
		t.Fatal(err)
	}
	descriptors := []state.Descriptor{state.Describe("count", state.KindValue, counts), state.Describe("text", state.KindReducing, texts)}
	descriptors[paneCount].Number, descriptors[paneText].Number = 9, 3
	panes, err := open(keys, groups, maxParallelism, descriptors)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(panes.Close)
	s := &paneSubject[K]{t: t, panes: panes, counts: map[paneKey]int64{}, texts: map[paneKey]string{}, source: rand.New(rand.NewSource(4))}
	for i := 0; len(s.keys) < n; i++ {
		one, hash := []K{key(i)}, []uint64{0}
		if err := keys.HashesOf(one, hash); err != nil {
			t.Fatal(err)
		}
		if groups.Contains(keygroup.Group(hash[0], maxParallelism)) {
			s.keys, s.hashes = append(s.keys, one[0]), append(s.hashes, hash[0])
		}
	}
	return s
}

// count adds one to the counts of n random keys of a pane.
func (s *paneSubject[K]) count(pane int64, n int) {
	var at []int
	var keys []K
	var hashes []uint64
	for range n {
		i := s.source.Intn(len(s.keys))
		at, keys, hashes = append(at, i), append(keys, s.keys[i]), append(hashes, s.hashes[i])
	}
	cells, fresh := make([]unsafe.Pointer, n), make([]bool, n)
	s.panes.Pane(pane).Upsert(paneCount, keys, hashes, cells, fresh)
	for j, i := range at {
		id := paneKey{pane, i}
		had, ok := s.counts[id]
		if got := *(*int64)(cells[j]); got != had || fresh[j] == ok {
			s.t.Fatalf("%v: count %d, fresh %t, want %d %t", id, got, fresh[j], had, !ok)
		}
		*(*int64)(cells[j])++
		s.counts[id]++
	}
}

// write sets or clears the text of a key.
func (s *paneSubject[K]) write(pane int64) {
	i := s.source.Intn(len(s.keys))
	id := paneKey{pane, i}
	backend := s.panes.Pane(pane)
	backend.Seek(s.keys[i], s.hashes[i])
	if s.source.Intn(4) == 0 {
		backend.Value(paneText).Clear()
		delete(s.texts, id)
		return
	}
	text := strings.Repeat("t", s.source.Intn(60))
	encoded := append([]byte{byte(len(text))}, text...) // as the codec of strings does
	backend.Value(paneText).StoreBytes(encoded)
	s.texts[id] = string(encoded)
}

func (s *paneSubject[K]) drop(pane int64) {
	s.panes.Drop(pane)
	for id := range s.counts {
		if id.pane == pane {
			delete(s.counts, id)
		}
	}
	for id := range s.texts {
		if id.pane == pane {
			delete(s.texts, id)
		}
	}
	if s.panes.Find(pane) != nil {
		s.t.Fatalf("pane %d is there after it was dropped", pane)
	}
}

// check compares all panes with the model, by visiting and by seeking.
func (s *paneSubject[K]) check() {
	s.t.Helper()
	index := map[K]int{}
	for i, key := range s.keys {
		index[key] = i
	}
	all := slices.Clone(s.panes.All())
	if !slices.IsSorted(all) {
		s.t.Fatalf("panes %v are not in order", all)
	}
	counts, texts := 0, 0
	for _, pane := range all {
		backend := s.panes.Find(pane)
		count, text := backend.Value(paneCount), backend.Value(paneText)
		backend.Each(state.AnyColumn, func(key K) bool {
			id := paneKey{pane, index[key]}
			if p := count.Load(); p != nil {
				counts++
				if want := s.counts[id]; *(*int64)(p) != want {
					s.t.Fatalf("%v: count %d, want %d", id, *(*int64)(p), want)
				}
			}
			if encoded, ok := text.LoadBytes(); ok {
				texts++
				if want := s.texts[id]; string(encoded) != want {
					s.t.Fatalf("%v: text %q, want %q", id, encoded, want)
				}
			}
			return true
		})
	}
	if counts != len(s.counts) || texts != len(s.texts) {
		s.t.Fatalf("%d counts and %d texts, want %d and %d", counts, texts, len(s.counts), len(s.texts))
	}
	for id, want := range s.counts {
		backend := s.panes.Find(id.pane)
		if backend == nil {
			s.t.Fatalf("pane %d is missing", id.pane)
		}
		backend.Seek(s.keys[id.key], s.hashes[id.key])
		if p := backend.Value(paneCount).Load(); p == nil || *(*int64)(p) != want {
			s.t.Fatalf("%v is not %d", id, want)
		}
	}
}

func panesRandom[K comparable](t *testing.T, open MakePanes[K], keys state.Keys[K], key func(int) K) {
	s := newPaneSubject(t, open, keys, key, 400, keygroup.Range{First: 4, Last: 11})
	for round := range 600 {
		pane := int64(s.source.Intn(9)-4) * 500
		switch s.source.Intn(8) {
		case 0:
			if s.source.Intn(3) == 0 {
				s.drop(pane)
			}
		case 1, 2, 3:
			s.write(pane)
		default:
			s.count(pane, 1+s.source.Intn(300))
		}
		if round%60 == 0 {
			s.check()
		}
	}
	s.check()
	for _, pane := range slices.Clone(s.panes.All()) {
		s.drop(pane)
	}
	s.check()
	s.count(0, 100)
	s.check()
}

// panesPass is a stream's panes one after the other: the memory must not grow.
func panesPass[K comparable](t *testing.T, open MakePanes[K], keys state.Keys[K], key func(int) K) {
	s := newPaneSubject(t, open, keys, key, 3000, keygroup.Range{First: 0, Last: maxParallelism - 1})
	var early int64
	for pane := range int64(60) {
		s.count(pane, 1500)
		for range 50 {
			s.write(pane)
		}
		if pane >= 5 {
			s.drop(pane - 5)
		}
		if pane == 10 {
			early = s.panes.Bytes()
		}
	}
	if now := s.panes.Bytes(); now > early*3/2 {
		t.Errorf("5 panes take %d bytes at first and %d later", early, now)
	}
	s.check()
	small := newPaneSubject(t, open, keys, key, 100, keygroup.Range{First: 0, Last: maxParallelism - 1})
	before := small.panes.Bytes()
	for pane := range int64(200) {
		small.count(pane, 1)
	}
	if each := (small.panes.Bytes() - before) / 200; each > 8<<10 {
		t.Errorf("a pane of one key takes %d bytes", each)
	}
	small.check()
}

func panesMoved[K comparable](t *testing.T, open MakePanes[K], keys state.Keys[K], key func(int) K) {
	all := keygroup.Range{First: 0, Last: maxParallelism - 1}
	s := newPaneSubject(t, open, keys, key, 300, all)
	for _, pane := range []int64{-500, 0, 500, 1 << 50} {
		s.count(pane, 400)
		for range 100 {
			s.write(pane)
		}
	}
	whole := exported(t, s.panes, all)
	if len(whole) != len(s.counts)+len(s.texts) {
		t.Fatalf("%d entries are exported, want %d", len(whole), len(s.counts)+len(s.texts))
	}
	s.check()
	var parts []entry
	joined := newPaneSubject(t, open, keys, key, 300, all)
	for _, groups := range []keygroup.Range{{First: 0, Last: 6}, {First: 7, Last: maxParallelism - 1}} {
		entries := exported(t, s.panes, groups)
		half := newPaneSubject(t, open, keys, key, 1, groups)
		for _, e := range entries {
			if err := half.panes.Import(e.key, e.value); err != nil {
				t.Fatal(err)
			}
			if err := joined.panes.Import(e.key, e.value); err != nil {
				t.Fatal(err)
			}
		}
		if again := exported(t, half.panes, all); !sameEntries(again, entries) {
			t.Fatal("what is imported is exported differently")
		}
		parts = append(parts, entries...)
	}
	if !sameEntries(parts, whole) {
		t.Fatal("the parts are not the whole")
	}
	joined.counts, joined.texts = s.counts, s.texts
	joined.check()
}

func panesDamaged[K comparable](t *testing.T, open MakePanes[K], keys state.Keys[K], key func(int) K) {
	groups := keygroup.Range{First: 2, Last: 5}
	s := newPaneSubject(t, open, keys, key, 3, groups)
	s.count(500, 3)
	s.write(500)
	for _, e := range exported(t, s.panes, groups) {
		refuse(t, s.panes, "a cut key", e.key[:len(e.key)-1], e.value)
		refuse(t, s.panes, "no key", e.key[:6], e.value)
		refuse(t, s.panes, "a longer key", append(slices.Clone(e.key), 0), e.value)
		refuse(t, s.panes, "a longer value", e.key, append(slices.Clone(e.value), 0))
		refuse(t, s.panes, "a cut value", e.key, e.value[:len(e.value)-1])
		for at, flip := range map[int]byte{1: 1, 0: 1, 3: 0x80} {
			spoilt := slices.Clone(e.key)
			spoilt[at] ^= flip
			refuse(t, s.panes, "another group or state", spoilt, e.value)
		}
	}
}
