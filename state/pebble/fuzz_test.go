package pebble

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
	"github.com/weir-stream/weir/state/statetest"
)

func FuzzImport(f *testing.F) {
	statetest.FuzzImport(f, func(keys state.Keys[string], groups keygroup.Range, maxParallelism int) (state.Backend[string], error) {
		db, err := Open(Options{Memory: 4 << 10, Groups: groups, MaxParallelism: maxParallelism})
		if err != nil {
			return nil, err
		}
		return closing[string]{NewBackend(db, keys), db}, nil
	})
}

// closing is a backend that closes its database with itself.
type closing[K any] struct {
	state.Backend[K]
	db *Database
}

func (c closing[K]) Close() {
	c.Backend.Close()
	if err := c.db.Close(); err != nil {
		panic(err)
	}
}

// What a part accepts it has afterwards, byte for byte, in memory and in Pebble; what it refuses it does not have.
func FuzzImportAndExport(f *testing.F) {
	seeds := openEverything(f, vfs.NewMem())
	seeds.s.seek("a")
	seeds.s.f.Count.Set(7)
	seeds.s.f.Name.Set("name")
	seeds.s.f.Items.Add("one")
	seeds.s.f.Items.Add("")
	seeds.s.f.Counts.Put(3, 4)
	*(*int64)(must(seeds.pane(-3, 5).Value(0).Store())) = 9
	seeds.timer.Register("t", keygroup.HashString("t"), 1234)
	for i, part := range seeds.parts() {
		err := part.Export(allGroups, func(key, value []byte) error {
			f.Add(byte(i), bytes.Clone(key), bytes.Clone(value))
			return nil
		})
		if err != nil {
			f.Fatal(err)
		}
	}
	if err := seeds.close(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which byte, key, value []byte) {
		e := openEverything(t, vfs.NewMem())
		defer func() {
			if err := e.close(); err != nil {
				t.Error(err)
			}
		}()
		part := e.parts()[int(which)%len(e.parts())]
		accepted := part.Import(key, value) == nil
		for _, where := range []string{"in memory", "in Pebble"} {
			entries := 0
			err := part.Export(allGroups, func(k, v []byte) error {
				if entries++; !accepted || !bytes.Equal(k, key) || !bytes.Equal(v, value) {
					t.Errorf("%s: %x %x came of %x %x, accepted: %t", where, k, v, key, value, accepted)
				}
				return nil
			})
			if err != nil || accepted && entries != 1 && len(value) > 0 {
				t.Fatalf("%s: %d entries, %v", where, entries, err)
			}
			e.spill()
		}
	})
}

// Rows with damaged values end in a Failure, or in some value.
func FuzzStored(f *testing.F) {
	for column := range byte(4) {
		f.Add(column, []byte{})
		f.Add(column, []byte{1, 'x', 0, 0, 0, 0, 0, 0})
		f.Add(column, []byte{0xff, 0xff, 0xff, 0xff, 0x7f})
	}
	f.Fuzz(func(t *testing.T, column byte, value []byte) {
		db := openDatabase(t, Options{Memory: 64 << 10})
		s := newSubject(t, db)
		defer closeAll(t, db, s)
		b := s.backend
		c := &b.columns[int(column)%len(b.columns)]
		s.seek("a")
		row := b.appendRow(nil, c)
		if c.Kind == state.KindMap {
			row = append(row, 0x80, 0, 0, 0, 0, 0, 0, 1)
		}
		if err := db.store().db.Set(row, value, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
		b.cold = true
		b.writing()
		b.write()
		defer func() {
			if failed := recover(); failed != nil {
				if _, ok := failed.(*state.Failure); !ok {
					panic(failed)
				}
			}
		}()
		b.Prepare([]string{"a"}, []uint64{keygroup.HashString("a")})
		b.SeekAt(0)
		s.f.Count.Get()
		s.f.Name.Get()
		s.f.Items.Slice()
		s.f.Counts.Get(1)
		for range s.f.Counts.All() {
			continue
		}
	})
}
