package file

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// counted counts the files that are open.
type counted struct {
	partFile
	open *int
}

func (c counted) Close() error { *c.open--; return c.partFile.Close() }

// TestFewFilesAreOpen writes many parts between two checkpoints; all are published, or removed if there is none.
func TestFewFilesAreOpen(t *testing.T) {
	const parts = 5 * mostOpen
	for _, checkpoint := range []bool{true, false} {
		folder, open, most := t.TempDir(), 0, 0
		sink := numbers(folder).Rolling(RollingPolicy{PartSize: 1})
		sink.create = func(path string) (partFile, error) {
			f, err := createFile(path)
			open++
			most = max(most, open)
			return counted{f, &open}, err
		}
		r := newRoller(t, sink, run{"job", 0, 1, 0})
		for i := range parts {
			put(t, r, i)
		}
		if most > mostOpen+1 || most < mostOpen {
			t.Errorf("%d files were open", most)
		}
		want := 0
		if checkpoint {
			want = parts
			mustCommit(t, sink, false, r.prepareDurably()...)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if got := published(t, folder); len(got) != want || len(hidden(t, folder)) > 0 || open != 0 {
			t.Errorf("%d parts are published, want %d; %d hidden, %d open", len(got), want, len(hidden(t, folder)), open)
		}
	}
}

// TestFoldersAreMadeDurably: each folder that has got another one is synced, from the top.
func TestFoldersAreMadeDurably(t *testing.T) {
	root := t.TempDir()
	var done []string
	note := func(what, path string) { done = append(done, what+strings.TrimPrefix(path, root)) }
	mkdir := func(path string, mode os.FileMode) error {
		err := os.Mkdir(path, mode)
		if err == nil {
			note("+", path)
		}
		return err
	}
	sync := func(path string) error { note("!", path); return nil }
	for range 2 { // the second time there is nothing to do
		if err := makeDurably(filepath.Join(root, "a", "b", "c"), mkdir, sync); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"+/a", "!", "+/a/b", "!/a", "+/a/b/c", "!/a/b"}; !slices.Equal(done, want) {
		t.Errorf("%q, want %q", done, want)
	}
	write(t, root, "file", []byte("x"))
	for _, path := range []string{"file", "file/below"} {
		if err := makeDurably(filepath.Join(root, path), mkdir, sync); err == nil {
			t.Errorf("%s was made", path)
		}
	}
}
