package golden

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/offline"
	"github.com/weir-stream/weir/checkpoint/storage/stores"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/embedded"
)

var regenerate = flag.Bool("regenerate", false, "write snapshots of today's format beside those there are")

// What lies in the folder of a golden snapshot.
const (
	// savedName has the snapshot: its folder, and for a checkpoint the files that it shares with others beside it.
	savedName = "saved"
	// beforeName has what had been committed when it was taken.
	beforeName = "before.json.gz"
)

// cases are the snapshots of each version.
var cases = []struct {
	name        string
	backend     string
	parallelism int
	// padding has state outgrow the size up to which hashmap writes no changes.
	padding int
	// checkpoints is how many are taken before the last one; 0 stands for a savepoint.
	checkpoints int
	// chain is how many tables one subtask has of one operator at least.
	chain int
}{
	{"hashmap", "hashmap", 1, 1000, 4, 3},
	{"pebble", "pebble", 2, 16, 2, 1},
	{"savepoint", "hashmap", 2, 16, 0, 1},
}

func TestEveryGoldenSnapshotIsRestored(t *testing.T) {
	want := new(settings).run(t, "parallelism.default=2").lines()
	versions, err := filepath.Glob("testdata/v*")
	if err != nil || len(versions) == 0 {
		t.Fatalf("no golden snapshots: %v", err)
	}
	for _, version := range versions {
		for _, c := range cases {
			for backend, parallelism := range map[string]int{"hashmap": 3, "pebble": 1} {
				t.Run(fmt.Sprintf("%s/%s/on_%s", filepath.Base(version), c.name, backend), func(t *testing.T) {
					dir := t.TempDir()
					if err := os.CopyFS(dir, os.DirFS(filepath.Join(version, c.name))); err != nil {
						t.Fatal(err)
					}
					l := new(settings).run(t, "state.backend.type="+backend, "parallelism.default="+strconv.Itoa(parallelism),
						"execution.checkpointing.dir="+filepath.Join(dir, "new"), "execution.state-recovery.path="+snapshotIn(t, dir))
					before := readBefore(t, dir)
					for id, lines := range before {
						if again, twice := l.Committed[id]; twice && !slices.Equal(again, lines) {
							t.Errorf("committable %s was another one", id)
						}
						l.Committed[id] = lines
					}
					if got := l.lines(); !slices.Equal(got, want) {
						t.Errorf("%d lines, want %d:\n%s", len(got), len(want), differences(got, want))
					}
				})
			}
		}
	}
}

// snapshotIn returns the folder with the metadata.
func snapshotIn(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, savedName, "*", "_metadata"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d snapshots in %s: %v", len(found), dir, err)
	}
	return filepath.Dir(found[0])
}

func readBefore(t *testing.T, dir string) (before map[string][]string) {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, beforeName))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := gzip.NewReader(file)
	if err == nil {
		err = json.NewDecoder(data).Decode(&before)
	}
	if err != nil {
		t.Fatal(err)
	}
	return before
}

func TestRegenerate(t *testing.T) {
	if !*regenerate {
		t.Skip("writes snapshots of today's format if asked to by -regenerate")
	}
	next := 1
	for ; ; next++ {
		if _, err := os.Stat(filepath.Join("testdata", "v"+strconv.Itoa(next))); errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	for _, c := range cases {
		to := filepath.Join("testdata", "v"+strconv.Itoa(next), c.name)
		dir := t.TempDir()
		s := &settings{rate: 400, padding: c.padding, blocked: true}
		env, l := s.environment(t, "state.backend.type="+c.backend, "parallelism.default="+strconv.Itoa(c.parallelism), "execution.checkpointing.data-inline-threshold=1kb", "execution.checkpointing.dir="+filepath.Join(dir, "checkpoints"),
			"execution.checkpointing.externalized-checkpoint-retention=RETAIN_ON_CANCELLATION")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		client, err := env.ExecuteAsync(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var path string
		for i := range c.checkpoints + 1 {
			for s.seen.Load() < int64(records*(i+1)/(c.checkpoints+2)) {
				if err := ctx.Err(); err != nil {
					t.Fatal(err)
				}
			}
			if c.checkpoints > 0 {
				path, err = client.Checkpoint(ctx, false)
			} else {
				path, err = client.Savepoint(ctx, embedded.Savepoint{Directory: filepath.Join(dir, "savepoints")})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := client.Cancel(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Await(ctx); !errors.Is(err, embedded.ErrCanceled) {
			t.Fatal(err)
		}
		client.Close()
		save(t, path, to, c.chain)
		writeBefore(t, l, to)
	}
}

// save copies a snapshot with the files that it needs, and no others.
func save(t *testing.T, path, to string, chain int) {
	t.Helper()
	ctx := t.Context()
	s, err := offline.Open(ctx, stores.New(config.Configuration{}, clock.System()).Open, path)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Summarize(ctx)
	if err != nil {
		t.Fatal(err)
	}
	committables, tables := 0, 0
	for _, op := range sum.Operators {
		committables += len(op.Committables)
		for _, s := range op.Subtasks {
			tables = max(tables, s.Tables)
		}
	}
	if committables == 0 || tables < chain {
		t.Fatalf("%s: %d committables wait in the snapshot, and its longest chain has %d tables: it is of little use", path, committables, tables)
	}
	folder := filepath.Base(path)
	copyFile(t, filepath.Join(path, "_metadata"), filepath.Join(to, savedName, folder, "_metadata"))
	for _, f := range sum.Files {
		root, below := filepath.Dir(path), ""
		if sum.Kind == "savepoint" {
			root, below = path, folder
		}
		copyFile(t, filepath.Join(root, f.Name), filepath.Join(to, savedName, below, f.Name))
	}
}

func writeBefore(t *testing.T, l *ledger, to string) {
	t.Helper()
	file, err := os.Create(filepath.Join(to, beforeName))
	if err != nil {
		t.Fatal(err)
	}
	data := gzip.NewWriter(file)
	if err := errors.Join(json.NewEncoder(data).Encode(l.Committed), data.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	source, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	made, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(made, source)
	if err := errors.Join(err, made.Close()); err != nil {
		t.Fatal(err)
	}
}
