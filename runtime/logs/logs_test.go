package logs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFilesAreBoundedAndRotated(t *testing.T) {
	f := Folder{Path: filepath.Join(t.TempDir(), "logs"), Megabytes: 1, Backups: 2}
	w, err := f.Open("job.out")
	if err != nil {
		t.Fatal(err)
	}
	line := bytes.Repeat([]byte("x"), 300<<10)
	for range 30 {
		if n, err := w.Write(line); n != len(line) || err != nil {
			t.Fatalf("wrote %d: %v", n, err)
		}
	}
	if n, err := w.Write(make([]byte, 5<<20)); n != 5<<20 || err != nil {
		t.Fatalf("of a write that is larger than a file %d bytes were taken: %v", n, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := f.List()
	// Files that were rotated in the same millisecond count as one backup: of the 14 made here some are gone in any case.
	if err != nil || len(files) < 2 || len(files) > 8 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		if file.Size > 1<<20 {
			t.Errorf("%s has %d bytes", file.Name, file.Size)
		}
	}
}

func TestAFileGoesOnWhereTheLastProcessEnded(t *testing.T) {
	f := Folder{Path: t.TempDir(), Megabytes: 1, Backups: 1}
	for _, text := range []string{"one ", "two"} {
		w, err := f.Open("a.log")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r, err := f.Read("a.log")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if data, err := io.ReadAll(r); string(data) != "one two" || err != nil {
		t.Errorf("read %q: %v", data, err)
	}
}

func TestNamesThatLeadOutAreRefused(t *testing.T) {
	parent := t.TempDir()
	f := Folder{Path: filepath.Join(parent, "logs"), Megabytes: 1, Backups: 1}
	if err := errors.Join(os.Mkdir(f.Path, 0o700), os.WriteFile(filepath.Join(parent, "secret"), nil, 0o600), os.Symlink("../secret", filepath.Join(f.Path, "link"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../secret", "/etc/passwd", "..", ".", "", "a/b", "link", "missing"} {
		r, err := f.Read(name)
		if err == nil {
			r.Close()
			t.Errorf("%q could be read", name)
		}
		if strings.ContainsAny(name, "/") {
			if _, err := f.Open(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q to be written: %v", name, err)
			}
		}
	}
}
