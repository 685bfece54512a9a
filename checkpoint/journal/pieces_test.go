package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/file"
	"github.com/weir-stream/weir/runtime/ident"
)

// What killed writers have left goes, what somebody may be writing stays.
func TestPiecesOfKilledWritersAreCollected(t *testing.T) {
	dir, job := t.TempDir(), ident.Derive("job", "pieces")
	j, err := New(func(location string) (storage.Store, error) {
		return file.Open(strings.TrimPrefix(location, "file://"))
	}, dir, job)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	left, written := filepath.Join(dir, job.String(), "shared", ".writing-1"), filepath.Join(dir, job.String(), "shared", ".writing-2")
	if err := os.MkdirAll(filepath.Dir(left), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, at := range map[string]time.Time{left: now.Add(-2 * time.Hour), written: now} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.CollectPieces(t.Context(), now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what was left is there: %v", err)
	}
	if _, err := os.Stat(written); err != nil {
		t.Errorf("what is being written is gone: %v", err)
	}
}
