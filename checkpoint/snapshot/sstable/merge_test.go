package sstable

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/state/keygroup"
)

// write makes a table of rows, in a file if folder is not "".
func write(t testing.TB, r *rows.Rows, folder string) ([]byte, string) {
	t.Helper()
	w, path := NewWriter(), ""
	if folder != "" {
		file, err := os.CreateTemp(folder, "table")
		if err != nil {
			t.Fatal(err)
		}
		w, path = NewFileWriter(file), file.Name()
	}
	if err := w.AddRows(r); err != nil {
		t.Fatal(err)
	}
	table, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return table, path
}

// TestChainsAgainstAModel writes random changes to several tables and reads what is left of them.
func TestChainsAgainstAModel(t *testing.T) {
	folder := t.TempDir()
	for seed := range int64(60) {
		random := rand.New(rand.NewSource(seed))
		key := func() []byte {
			return []byte{0, byte(random.Intn(8)), 0, byte(random.Intn(2)), byte(random.Intn(12)), byte(random.Intn(4))}[:5+random.Intn(2)]
		}
		model := map[string]string{}
		all := keygroup.Range{First: 0, Last: 7}
		chain := snapshot.Chain{Groups: all}
		for n := range 1 + random.Intn(6) {
			var r rows.Rows
			local := snapshot.LocalTable{Groups: all, Changes: n > 0}
			if n > 0 && random.Intn(3) == 0 { // a table that counts only in some groups
				local.Groups.First = uint16(random.Intn(6))
				local.Groups.Last = local.Groups.First + uint16(random.Intn(2))
			}
			counts := func(k []byte) bool { return local.Groups.Contains(uint16(k[1])) }
			for range random.Intn(4) {
				from, to := key(), key()
				r.DeleteRange(from, to)
				for k := range model {
					if k >= string(from) && k < string(to) && counts([]byte(k)) {
						delete(model, k)
					}
				}
			}
			for i := range random.Intn(150) {
				k := key()
				if n > 0 && random.Intn(3) == 0 {
					r.Delete(k)
					if counts(k) {
						delete(model, string(k))
					}
					continue
				}
				value := fmt.Sprint(n, " ", i)
				if random.Intn(3) == 0 {
					r.Merge(k, []byte(value))
					if counts(k) {
						model[string(k)] += value
					}
					continue
				}
				r.Set(k, []byte(value))
				if counts(k) {
					model[string(k)] = value
				}
			}
			if random.Intn(2) == 0 {
				table, _ := write(t, &r, "")
				local.Ref = snapshot.Inline(table)
			} else {
				_, local.Path = write(t, &r, folder)
				local.Ref = &snapshot.FileRef{Name: "shared/x"}
			}
			chain.Tables = append(chain.Tables, local)
		}
		for _, groups := range []keygroup.Range{all, {First: 0, Last: 0}, {First: 3, Last: 5}, {First: 7, Last: 9}} {
			var got, want []string
			err := ReadChain(chain, groups, func(key, value []byte) error {
				got = append(got, fmt.Sprintf("%x=%s", key, value))
				return nil
			})
			for _, k := range slices.Sorted(maps.Keys(model)) {
				if groups.Contains(uint16(k[1])) {
					want = append(want, fmt.Sprintf("%x=%s", k, model[k]))
				}
			}
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("seed %d, groups %s: %v\n%v\nwant\n%v", seed, groups, err, got, want)
			}
		}
	}
}

func TestDamagedFilesAreNamed(t *testing.T) {
	folder := t.TempDir()
	var r rows.Rows
	for n := range 300 {
		r.Set(at(n), fmt.Append(nil, "value ", n))
	}
	r.DeleteRange(at(1000), at(2000))
	_, path := write(t, &r, folder)
	table, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found, flips := 0, 0
	spoilt := filepath.Join(folder, "spoilt.sst")
	for at := 0; at < len(table); at += 37 {
		flipped := bytes.Clone(table)
		flipped[at] ^= 1 << (at % 8)
		if err := os.WriteFile(spoilt, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		flips++
		if err := readFile(spoilt); err != nil {
			found++
			if !strings.Contains(err.Error(), spoilt) || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("a flipped bit at %d: %v", at, err)
			}
		}
	}
	if found < flips*9/10 {
		t.Errorf("%d of %d flipped bits are found", found, flips)
	}
	for _, n := range []int{1, 20, len(table) / 2, len(table) - 1} {
		if err := os.WriteFile(spoilt, table[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := readFile(spoilt); err == nil || !strings.Contains(err.Error(), spoilt) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if err := readFile(filepath.Join(folder, "missing")); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a missing file: %v", err)
	}
}

func readFile(path string) error {
	table, err := Open(path)
	if err != nil {
		return err
	}
	defer table.Close()
	return Merge([]Part{{Table: table}}, func(_, _ []byte) error { return nil })
}

func TestWriterRefusesDisorder(t *testing.T) {
	for name, add := range map[string]func(w *Writer) error{
		"an entry before":   func(w *Writer) error { return w.Add([]byte("a"), nil) },
		"a deletion again":  func(w *Writer) error { return w.Delete([]byte("c")) },
		"an empty range":    func(w *Writer) error { return w.DeleteRange([]byte("x"), []byte("x")) },
		"ranges that cross": func(w *Writer) error { return w.DeleteRange([]byte("g"), []byte("z")) },
	} {
		w := NewWriter()
		if err := w.Add([]byte("c"), nil); err != nil {
			t.Fatal(err)
		}
		if err := w.DeleteRange([]byte("f"), []byte("h")); err != nil {
			t.Fatal(err)
		}
		if add(w) == nil {
			t.Errorf("%s is taken", name)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzMerge(f *testing.F) {
	var r rows.Rows
	r.Set([]byte{0, 1, 2}, []byte("v"))
	r.Delete([]byte{0, 2})
	r.DeleteRange([]byte{0, 3}, []byte{0, 4})
	table, _ := write(f, &r, "")
	f.Add(table, []byte{})
	f.Add(table, table)
	f.Add([]byte("no table"), table)
	f.Fuzz(func(t *testing.T, older, newer []byte) {
		chain := snapshot.Chain{Groups: keygroup.Range{Last: 5}, Tables: []snapshot.LocalTable{
			{Ref: snapshot.Inline(older), Groups: keygroup.Range{Last: 5}}, {Ref: snapshot.Inline(newer), Groups: keygroup.Range{Last: 5}, Changes: true},
		}}
		var last []byte
		_ = ReadChain(chain, chain.Groups, func(key, _ []byte) error {
			if last != nil && bytes.Compare(last, key) >= 0 {
				t.Fatalf("%x after %x", key, last)
			}
			last = bytes.Clone(key)
			return nil
		})
	})
}
