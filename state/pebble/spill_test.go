package pebble

import (
	"errors"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

var allGroups = keygroup.Range{First: 0, Last: 127}

// function has one state of each kind of cell.
type function struct {
	Count  state.Value[int64]
	Name   state.Value[string]
	Items  state.List[string]
	Counts state.Map[int64, int64]
}

// subject is a backend of string keys with a bound function.
type subject struct {
	db      *Database
	backend *Backend[string]
	f       function
}

func stringKeys(tb testing.TB) state.Keys[string] {
	keys, err := codec.ForKey[string]()
	if err != nil {
		tb.Fatal(err)
	}
	return state.Keys[string]{Codec: keys}
}

func openDatabase(t testing.TB, o Options) *Database {
	t.Helper()
	if o.MaxParallelism = 128; o.Groups == (keygroup.Range{}) {
		o.Groups = allGroups
	}
	db, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func newSubject(t testing.TB, db *Database) *subject {
	t.Helper()
	s := &subject{db: db, backend: newBackend(db, stringKeys(t))}
	fields, err := state.Fields(&s.f)
	if err != nil {
		t.Fatal(err)
	}
	var descriptors []state.Descriptor
	for i := range fields {
		fields[i].Descriptor.Number = uint16(len(db.budget.members)*100 + i)
		descriptors = append(descriptors, fields[i].Descriptor)
	}
	if err := s.backend.Open(descriptors); err != nil {
		t.Fatal(err)
	}
	for i, field := range fields {
		field.Bind(s.backend, state.Column(i), nil)
	}
	return s
}

func (s *subject) seek(key string) { s.backend.Seek(key, keygroup.HashString(key)) }

func closeAll(t testing.TB, db *Database, subjects ...*subject) {
	t.Helper()
	for _, s := range subjects {
		s.backend.Close()
	}
	if err := db.Close(); err != nil { // also of iterators that were left open
		t.Fatal(err)
	}
}

// What fits into memory leaves nothing below, however it is used.
func TestNothingSpilled(t *testing.T) {
	files := vfs.NewMem()
	db := openDatabase(t, Options{Folder: "state", Memory: 64 << 20, files: files})
	s := newSubject(t, db)
	for i := range 20_000 {
		s.seek(fmt.Sprint("key ", i%5000))
		s.f.Count.Set(int64(i))
		s.f.Items.Add("item")
		s.f.Counts.Put(int64(i), 1)
	}
	s.backend.Each(state.AnyColumn, func(string) bool { s.f.Items.Clear(); return true })
	if err := s.backend.Export(allGroups, func(_, _ []byte) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if names, err := files.List("state"); err != nil || len(names) > 0 {
		t.Fatalf("files %v, %v", names, err)
	}
	closeAll(t, db, s)
}

// A list is visited to its end though the visitor adds so much to other state of its key that it would be written out.
func TestAVisitedListStays(t *testing.T) {
	db := openDatabase(t, Options{Folder: t.TempDir() + "/state", Memory: 128 << 10})
	s := newSubject(t, db)
	s.seek("key")
	const items = 3000
	for i := range items {
		s.f.Items.Add(fmt.Sprint("item ", i))
	}
	seen := 0
	for item := range s.f.Items.Get() {
		if want := fmt.Sprint("item ", seen); item != want {
			t.Fatalf("%q comes, want %q", item, want)
		}
		for n := range 10 {
			s.f.Counts.Put(int64(seen*10+n), 1)
		}
		seen++
	}
	if seen != items {
		t.Errorf("%d items of %d were visited", seen, items)
	}
	if db.budget.members[0].visited != 0 {
		t.Error("the visit has not ended")
	}
	closeAll(t, db, s)
}

// Large maps and lists of few keys, beside others that push them out of memory, on real files.
func TestLargeCollections(t *testing.T) {
	db := openDatabase(t, Options{Folder: t.TempDir() + "/state", Memory: 128 << 10})
	s := newSubject(t, db)
	source := rand.New(rand.NewSource(3))
	counts := [3]map[int64]int64{{}, {}, {}}
	var items [3][]string
	var visits int
	for step := range 60_000 {
		k := source.Intn(3)
		key := fmt.Sprint("large ", k)
		s.seek(key)
		at := int64(source.Intn(4000))
		switch op := source.Intn(1000); {
		case op < 500:
			s.f.Counts.Put(at, int64(step))
			counts[k][at] = int64(step)
		case op < 700:
			s.f.Counts.Remove(at)
			delete(counts[k], at)
		case op < 850:
			got, ok := s.f.Counts.Get(at)
			if want, has := counts[k][at]; got != want || ok != has {
				t.Fatalf("step %d: %s[%d] is %d %t, want %d %t", step, key, at, got, ok, want, has)
			}
		case op < 900:
			item := strings.Repeat("i", source.Intn(100)) + fmt.Sprint(step)
			s.f.Items.Add(item)
			items[k] = append(items[k], item)
		case op < 902:
			if got := s.f.Items.Slice(); !slices.Equal(got, items[k]) {
				t.Fatalf("step %d: the list of %s has %d elements, want %d, or they differ", step, key, len(got), len(items[k]))
			}
		case op < 903:
			if got := s.f.Counts.Len(); got != len(counts[k]) {
				t.Fatalf("step %d: %s has %d pairs, want %d", step, key, got, len(counts[k]))
			}
		case op < 905:
			visits++
			seen := map[int64]int64{}
			for at, n := range s.f.Counts.All() {
				seen[at] = n
				if len(seen) == 10 { // one that is visited already, one that may be, one that is new
					s.f.Counts.Remove(at)
					delete(counts[k], at)
					s.f.Counts.Put(at+1, 7)
					counts[k][at+1] = 7
					s.f.Counts.Put(5000, 8)
					counts[k][5000] = 8
				}
			}
			if len(seen) < len(counts[k])-2 || len(seen) > len(counts[k])+1 {
				t.Fatalf("step %d: %d pairs are visited of %d", step, len(seen), len(counts[k]))
			}
			if got := maps.Collect(s.f.Counts.All()); !maps.Equal(got, counts[k]) {
				t.Fatalf("step %d: %s has %d pairs, want %d, or they differ", step, key, len(got), len(counts[k]))
			}
		case op == 905 && step%8 == 0:
			s.f.Counts.Clear()
			clear(counts[k])
		case op == 906 && step%8 == 0:
			s.f.Items.Clear()
			items[k] = nil
		default:
			s.seek(fmt.Sprint("other ", at))
			s.f.Name.Set(strings.Repeat("n", 100))
		}
	}
	if visits == 0 || !s.backend.cold {
		t.Fatal("nothing was tested")
	}
	closeAll(t, db, s)
}

// Tables stay within their share, whatever the sizes of values.
func TestMemoryIsBounded(t *testing.T) {
	const memory = 8 << 20
	db := openDatabase(t, Options{Memory: memory})
	s := newSubject(t, db)
	source := rand.New(rand.NewSource(5))
	var most int64
	for i := range 150_000 {
		s.seek(fmt.Sprint("a key of some length ", source.Intn(100_000)))
		switch {
		case i < 50_000:
			s.f.Name.Set(strings.Repeat("n", source.Intn(300)))
		case i < 100_000:
			s.f.Items.Add(strings.Repeat("i", source.Intn(900)))
		default:
			s.f.Counts.Put(int64(source.Intn(20)), 1)
		}
		if i%1000 == 0 {
			most = max(most, s.backend.Bytes())
		}
	}
	if limit := db.shares.tables * 5 / 4; most > limit {
		t.Errorf("the tables have taken %d bytes, their share is %d", most, db.shares.tables)
	}
	if !s.backend.cold {
		t.Error("everything was in memory")
	}
	closeAll(t, db, s)
}

// A backend that is not called any more makes room for another one, and keeps its current key.
func TestIdleBackendMakesRoom(t *testing.T) {
	db := openDatabase(t, Options{Memory: 1 << 20})
	idle, busy := newSubject(t, db), newSubject(t, db)
	for i := range 4000 {
		idle.seek(fmt.Sprint("idle ", i))
		idle.f.Count.Set(int64(i))
	}
	before := idle.backend.member.used
	for i := range patience + 10_000 {
		busy.seek(fmt.Sprint("busy ", i%8000))
		busy.f.Count.Set(int64(i))
	}
	if after := idle.backend.member.used; after > before/2 {
		t.Errorf("the idle backend takes %d bytes after %d", after, before)
	}
	if n, ok := idle.f.Count.Get(); !ok || n != 3999 || idle.backend.CurrentKey() != "idle 3999" {
		t.Errorf("its current key has %d %t", n, ok)
	}
	for i := range 4000 {
		idle.seek(fmt.Sprint("idle ", i))
		if n, ok := idle.f.Count.Get(); !ok || n != int64(i) {
			t.Fatalf("key %d has %d %t", i, n, ok)
		}
	}
	closeAll(t, db, idle, busy)
}

// A disk that fails ends in a Failure, for reads and for writes, and not in waiting.
func TestFailingDisk(t *testing.T) {
	for _, what := range []string{"reads", "writes"} {
		t.Run(what, func(t *testing.T) {
			var broken atomic.Bool
			kinds := map[string][]errorfs.OpKind{"reads": {errorfs.OpFileReadAt, errorfs.OpFileRead}, "writes": {errorfs.OpCreate}}[what]
			inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
				if broken.Load() && slices.Contains(kinds, op.Kind) && strings.HasSuffix(op.Path, ".sst") {
					return errorfs.ErrInjected
				}
				return nil
			})
			db := openDatabase(t, Options{Folder: "state", Memory: 256 << 10, files: errorfs.Wrap(vfs.NewMem(), inject)})
			s := newSubject(t, db)
			failure := func() (failure *state.Failure) {
				defer func() { failure, _ = recover().(*state.Failure) }()
				for i := range 200_000 {
					if i == 5000 {
						broken.Store(true)
					}
					s.seek(fmt.Sprint("key ", i*7919%20_000))
					s.f.Count.Update(func(n *int64) { *n++ })
					s.f.Name.Set(strings.Repeat("n", 200))
				}
				return nil
			}()
			if failure == nil || !errors.Is(failure, errorfs.ErrInjected) {
				t.Fatalf("failed with %v", failure)
			}
			broken.Store(false)
			s.backend.Close()
			_ = db.Close()
		})
	}
}

// A batch that has hits, misses, absent keys and the same key twice.
func TestUpsertAfterSpill(t *testing.T) {
	db := openDatabase(t, Options{Memory: 64 << 10})
	backend := newBackend(db, intKeys(t))
	if err := backend.Open([]state.Descriptor{countDescriptor(t)}); err != nil {
		t.Fatal(err)
	}
	source := rand.New(rand.NewSource(9))
	counts := map[int64]int64{}
	for round := range 300 {
		keys, hashes := make([]int64, 1+source.Intn(400)), make([]uint64, 400)
		for i := range keys {
			keys[i] = int64(source.Intn(100 + round*100))
		}
		hashes = hashes[:len(keys)]
		backend.keys.Codec.Hash(keys, hashes)
		cells, fresh := make([]unsafe.Pointer, len(keys)), make([]bool, len(keys))
		backend.Upsert(0, keys, hashes, cells, fresh)
		for i, key := range keys {
			n, had := counts[key]
			if got := *(*int64)(cells[i]); got != n || fresh[i] == had {
				t.Fatalf("round %d: key %d has %d, fresh %t, want %d %t", round, key, got, fresh[i], n, !had)
			}
			*(*int64)(cells[i])++
			counts[key]++
		}
	}
	if !backend.cold || backend.Len() != int64(len(counts)) {
		t.Fatalf("%d keys, want %d; spilled: %t", backend.Len(), len(counts), backend.cold)
	}
	backend.Close()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func countDescriptor(tb testing.TB) state.Descriptor {
	values, err := codec.For[int64]()
	if err != nil {
		tb.Fatal(err)
	}
	return state.Describe("count", state.KindValue, values)
}
