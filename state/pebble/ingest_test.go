package pebble

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tables "github.com/cockroachdb/pebble/v2/sstable"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	changes "github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// contents are all entries of some key groups, in order.
func (e *everything) contents(t *testing.T, groups keygroup.Range) (all []string) {
	t.Helper()
	for _, part := range e.parts() {
		err := part.Export(groups, func(key, value []byte) error {
			all = append(all, fmt.Sprintf("%x=%x", key, value))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(all)
	return all
}

// table marks all parts, and makes a table of them, in a file of the folder, or inline if it is "".
func (e *everything) table(t *testing.T, kind snapshot.MarkKind, folder string) snapshot.LocalTable {
	t.Helper()
	var marked changes.Rows
	for _, part := range e.parts() {
		for capture := part.Mark(kind, &marked); !capture.Copy(10_000); {
		}
	}
	defer marked.Release()
	made := snapshot.LocalTable{Groups: e.db.options.Groups, Changes: kind == snapshot.MarkChanges}
	w := sstable.NewWriter()
	if folder != "" {
		file, err := os.CreateTemp(folder, "table")
		if err != nil {
			t.Fatal(err)
		}
		made.Path, w = filepath.Clean(file.Name()), sstable.NewFileWriter(file)
	}
	if err := w.AddRows(&marked); err != nil {
		t.Fatal(err)
	}
	bytes, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	made.Ref = snapshot.Inline(bytes)
	return made
}

// takeIn opens everything over the tables of chains.
func takeIn(t *testing.T, groups keygroup.Range, chains ...snapshot.Chain) *everything {
	t.Helper()
	e := openEverythingOf(t, Options{Folder: t.TempDir(), Memory: 128 << 10, Groups: groups})
	t.Cleanup(func() {
		if err := e.close(); err != nil {
			t.Error(err)
		}
	})
	if taken, err := e.db.Ingest(chains); err != nil || !taken {
		t.Fatalf("taken in: %t, %v", taken, err)
	}
	for _, part := range e.parts() {
		part.(Adopter).Adopt()
	}
	return e
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range want {
		if i == len(got) || got[i] != want[i] {
			t.Fatalf("%s: %d entries, want %d; entry %d is to be %s", what, len(got), len(want), i, want[i])
		}
	}
	t.Fatalf("%s: %d entries, want %d", what, len(got), len(want))
}

// The tables of marks are taken in as they are, by any ranges of key groups, and life goes on as if they had been read.
func TestTablesAreTakenIn(t *testing.T) {
	folder := t.TempDir()
	e := openEverythingOf(t, Options{Folder: t.TempDir(), Memory: 128 << 10})
	defer e.close()
	chain := snapshot.Chain{Groups: allGroups}
	for n, kind := range []snapshot.MarkKind{snapshot.MarkFull, snapshot.MarkChanges, snapshot.MarkChanges, snapshot.MarkCanonical, snapshot.MarkChanges} {
		if failed := e.work(8000>>n, func(int) {}); failed != nil {
			t.Fatal(failed)
		}
		into := folder
		if n == 2 {
			into = ""
		}
		table := e.table(t, kind, into)
		if kind != snapshot.MarkCanonical {
			chain.Tables = append(chain.Tables, table)
		}
	}
	want := e.contents(t, allGroups)
	whole := takeIn(t, allGroups, chain)
	same(t, "whole", whole.contents(t, allGroups), want)

	var parts []snapshot.Chain
	for _, groups := range []keygroup.Range{{First: 0, Last: 40}, {First: 41, Last: 100}, {First: 101, Last: 127}} {
		share := snapshot.Chain{Groups: groups}
		for _, table := range chain.Tables {
			table.Groups = groups
			share.Tables = append(share.Tables, table)
		}
		part := takeIn(t, groups, share)
		same(t, groups.String(), part.contents(t, groups), e.contents(t, groups))
		parts = append(parts, snapshot.Chain{Groups: groups, Tables: []snapshot.LocalTable{part.table(t, snapshot.MarkCanonical, folder)}})
	}
	joined := takeIn(t, allGroups, parts...)
	same(t, "joined", joined.contents(t, allGroups), want)
	middle := keygroup.Range{First: 30, Last: 110}
	same(t, "middle", takeIn(t, middle, parts...).contents(t, middle), e.contents(t, middle))

	read := openEverythingOf(t, Options{Folder: t.TempDir(), Memory: 1 << 30})
	defer read.close()
	err := sstable.ReadChain(chain, allGroups, func(key, value []byte) error {
		part := 0
		if number := int(key[2])<<8 | int(key[3]); number >= 800 {
			part = 1 + (number-800)/100
		}
		return read.parts()[part].Import(key, value)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, is := range []*everything{whole, joined, read} {
		if failed := is.work(6000, func(int) {}); failed != nil {
			t.Fatal(failed)
		}
	}
	after := read.contents(t, allGroups)
	same(t, "whole, used", whole.contents(t, allGroups), after)
	same(t, "joined, used", joined.contents(t, allGroups), after)
}

// What does not count is refused if it would be taken in.
func TestTablesWithMoreThanCountsAreRead(t *testing.T) {
	e := openEverythingOf(t, Options{Memory: 1 << 30})
	defer e.close()
	if failed := e.work(2000, func(int) {}); failed != nil {
		t.Fatal(failed)
	}
	table := e.table(t, snapshot.MarkCanonical, "")
	table.Groups = keygroup.Range{First: 0, Last: 63}
	into := openEverythingOf(t, Options{Memory: 1 << 30})
	defer into.close()
	taken, err := into.db.Ingest([]snapshot.Chain{{Groups: allGroups, Tables: []snapshot.LocalTable{table}}})
	if taken || err != nil || into.db.engine != nil {
		t.Fatalf("taken in: %t, %v", taken, err)
	}
}

// A filter that has lost bits would have keys missed: it is refused when it is first needed, and the table with it.
func TestADamagedFilterIsRefused(t *testing.T) {
	w, keys := sstable.NewWriter(), [][]byte(nil)
	for n := range 2000 {
		keys = append(keys, fmt.Appendf(nil, "\x00\x00\x00\x00key %06d", n))
		if err := w.Add(keys[n], []byte("value")); err != nil {
			t.Fatal(err)
		}
	}
	table, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	reader, err := tables.NewMemReader(table, tables.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	layout, err := reader.Layout()
	if err != nil || len(layout.Filter) != 1 {
		t.Fatalf("%d filters, %v", len(layout.Filter), err)
	}
	for _, damaged := range []bool{false, true} {
		if damaged {
			filter := table[layout.Filter[0].Offset:][:layout.Filter[0].Length]
			clear(filter[:len(filter)/2])
		}
		db := openDatabase(t, Options{Folder: t.TempDir(), Memory: 1 << 20})
		if err := db.ingest(snapshot.LocalTable{Ref: snapshot.Inline(table)}, 1); err != nil {
			t.Fatal(err)
		}
		for _, absent := range []bool{true, false} { // with the filters of the last level, and without
			found := 0
			failed := func() (failed any) {
				defer func() { failed = recover() }()
				for _, key := range keys {
					if db.get(key, absent, func([]byte) {}) {
						found++
					}
				}
				return nil
			}()
			if failure, refused := failed.(*state.Failure); refused != (damaged && absent) || refused && !strings.Contains(failure.Error(), "checksum") {
				t.Errorf("damaged %t, absent %t: %v", damaged, absent, failed)
			}
			if failed == nil && found != len(keys) {
				t.Errorf("damaged %t, absent %t: %d keys of %d are found", damaged, absent, found, len(keys))
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
