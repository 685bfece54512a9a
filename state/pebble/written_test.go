package pebble

import (
	"fmt"
	"testing"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// The set never denies a key that it has, whatever room it has; it stays in its room, tells most other keys apart as long as
// it is not given up, and gives all its memory back.
func TestWrittenKeys(t *testing.T) {
	for _, c := range []struct {
		room, keys int64
		givenUp    bool
		passing    float64
	}{
		{0, 10, true, 1},
		{63, 10, true, 1},
		{64, 100, false, 0.5},
		{4 << 10, 2000, false, 0.05},
		{4 << 10, 10_000, false, 0.4},
		{4 << 10, 200_000, true, 1},
		{1 << 20, 800_000, false, 0.15},
	} {
		t.Run(fmt.Sprintf("%d keys in %d bytes", c.keys, c.room), func(t *testing.T) {
			tables := &budget{limit: 8 << 20}
			room, w := room{tables: tables, most: c.room}, written{}
			var marks []uint64
			for key := int64(0); key < c.keys; key++ {
				marks = append(marks, keygroup.HashWord(uint64(key)))
				if len(marks) == 100 || key == c.keys-1 {
					w.add(marks, 16, &room)
					marks = marks[:0]
				}
				if room.used > c.room || tables.limit != 8<<20-room.used || room.used != w.bytes() {
					t.Fatalf("%d bytes are used, counted %d, the tables have %d", w.bytes(), room.used, tables.limit)
				}
			}
			passing := 0
			for key := int64(0); key < 2*c.keys; key++ {
				lacks := w.lacks(keygroup.HashWord(uint64(key)))
				if key < c.keys && lacks {
					t.Fatalf("key %d is denied", key)
				}
				if key >= c.keys && !lacks {
					passing++
				}
			}
			if w.givenUp != c.givenUp {
				t.Errorf("given up: %t", w.givenUp)
			}
			if part := float64(passing) / float64(c.keys); part > c.passing || c.givenUp && part < 1 {
				t.Errorf("%.3f of the other keys pass, want at most %.3f", part, c.passing)
			}
			if w.leave(&room); room.used != 0 || tables.limit != 8<<20 {
				t.Errorf("%d bytes are not given back", room.used)
			}
		})
	}
}

// New keys are not looked for in files once something was written, neither in batches nor alone.
func TestNewKeysAreNotRead(t *testing.T) {
	db := openDatabase(t, Options{Memory: 4 << 20})
	s := newSubject(t, db)
	const keys = 100_000
	for i := range keys {
		s.seek(fmt.Sprint("old ", i))
		s.f.Name.Set("some name or other")
	}
	if !s.backend.cold || s.backend.written.givenUp {
		t.Fatal("nothing was written, or the set of keys was given up")
	}
	read := 0
	for i := range keys {
		s.seek(fmt.Sprint("new ", i))
		if s.backend.settle(); *s.backend.hot.Note()&unknown(0) != 0 {
			read++
		}
		s.backend.hot.Discard()
	}
	if read > keys/10 {
		t.Errorf("%d of %d new keys would be read", read, keys)
	}
	closeAll(t, db, s)
}

// Backends and panes that come and go leave room for the sets of those to come.
func TestRoomComesBack(t *testing.T) {
	db := openDatabase(t, Options{Memory: 256 << 10})
	s := newSubject(t, db)
	panes, err := NewPanes(db, intKeys(t), []state.Descriptor{countDescriptor(t)})
	if err != nil {
		t.Fatal(err)
	}
	for at := range int64(20) {
		for i := range int64(4000) {
			pane := panes.Pane(at)
			pane.Seek(i, keygroup.HashWord(uint64(i)))
			*(*int64)(must(pane.Value(0).Store())) = at
		}
		if at >= 2 {
			panes.Drop(at - 2)
		}
	}
	if db.room.used == 0 {
		t.Error("nothing was written")
	}
	panes.Drop(18)
	panes.Drop(19)
	panes.Close()
	closeAll(t, db, s)
	if db.room.used != 0 || db.budget.limit != db.shares.tables || db.budget.used != 0 || len(db.budget.members) != 0 {
		t.Errorf("left: %d bytes of room, %d of tables, %d members, limit %d of %d",
			db.room.used, db.budget.used, len(db.budget.members), db.budget.limit, db.shares.tables)
	}
}

func must[T any](value T, _ bool) T { return value }
