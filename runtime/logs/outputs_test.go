package logs

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOutputsAreBoundedTogether(t *testing.T) {
	folder := Folder{Path: t.TempDir(), Megabytes: 1, Backups: 1}
	outputs := &Outputs{Folder: folder, Prefix: "tm-", Most: 250_000}
	write := func(name string, age time.Duration, size int) {
		path := filepath.Join(folder.Path, name)
		at := time.Now().Add(-age)
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write("tm-oldest.out", 4*time.Hour, 100_000)
	write("tm-running.out", 3*time.Hour, 100_000) // its worker just has nothing to say
	write("tm-running-2026-01-01T00-00-00.000.out", 3*time.Hour, 50_000)
	write("tm-older.log", 2*time.Hour, 100_000)
	write("tm-old.log", time.Hour, 40_000)
	write("other.log", 9*time.Hour, 900_000)
	running, err := outputs.Open("running.out")
	if err != nil {
		t.Fatal(err)
	}
	left := func() (names []string) {
		files, err := folder.List()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			names = append(names, f.Name)
		}
		return names
	}
	want := []string{"other.log", "tm-old.log", "tm-running-2026-01-01T00-00-00.000.out", "tm-running.out"}
	if got := left(); !slices.Equal(got, want) {
		t.Errorf("left are %v", got)
	}
	running.Close()
	running.Close()
	write("tm-new.log", 0, 200_000)
	if _, err := outputs.Open("running2.out"); err != nil {
		t.Fatal(err)
	}
	if got := left(); !slices.Equal(got, []string{"other.log", "tm-new.log", "tm-old.log"}) {
		t.Errorf("when it has ended, left are %v", got)
	}
}

// TestAFloodIsRotatedAway: what one worker writes never takes more than its files may.
func TestAFloodIsRotatedAway(t *testing.T) {
	folder := Folder{Path: t.TempDir(), Megabytes: 1, Backups: 2}
	outputs := &Outputs{Folder: folder, Prefix: "tm-", Most: 1 << 30}
	file, err := outputs.Open("job.out")
	if err != nil {
		t.Fatal(err)
	}
	for range 12 {
		if _, err := file.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(5 * time.Second)
	for {
		files, err := folder.List()
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for _, f := range files {
			total += f.Size
			if !strings.HasPrefix(f.Name, "tm-job") {
				t.Errorf("there is %s", f.Name)
			}
		}
		if total <= 4<<20 { // old ones are removed beside the writing, the last one perhaps with the next rotation
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d files have %d bytes", len(files), total)
		}
	}
}
