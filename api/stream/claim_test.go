package stream_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/embedded"
)

// claimKeys are so many that the first snapshot's tables are files that later snapshots name.
const (
	claimKeys    = 20_000
	claimRecords = claimKeys + 20_000
)

// claimJob counts records by key, each key once at first and a few of them again and again from then on.
func claimJob(t *testing.T, records int64, rate float64, each func(int64) error, options ...string) (*stream.Environment, *highest) {
	t.Helper()
	env, err := stream.NewEnvironment("claim", append([]string{
		"parallelism.default=2", "restart-strategy.type=fixed-delay", "restart-strategy.fixed-delay.delay=5ms",
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	numbers := stream.From(env, datagen.Generate(records, func(i int64) int64 { return i }).Rate(rate))
	byKey := stream.KeyBy(numbers, func(v int64) int64 {
		if v < claimKeys {
			return v
		}
		return v % 100
	})
	h := &highest{seen: map[int64]int64{}}
	stream.To(stream.Process[int64, int64, [2]int64](byKey, func() *tally { return &tally{fail: each} }), h)
	return env, h
}

// A job that claims the snapshot which it starts from adds to its files, and deletes those that it needs no more: after that snapshot is
// subsumed it can still go on from its own.
func TestAClaimedSnapshotBecomesTheJobs(t *testing.T) {
	for _, backend := range []string{"hashmap", "pebble"} {
		for _, kind := range []string{"savepoint", "checkpoint"} {
			t.Run(backend+"/"+kind, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				dir := t.TempDir()
				location := snapshotToClaim(ctx, t, dir, backend, kind)
				var failed atomic.Bool
				again, h := claimJob(t, claimRecords, 20_000, func(v int64) error {
					if v > claimRecords-5_000 && failed.CompareAndSwap(false, true) {
						return errOnce
					}
					return nil
				}, "state.backend.type="+backend, "execution.checkpointing.interval=20ms", "execution.checkpointing.dir="+filepath.Join(dir, "second"),
					"execution.state-recovery.path="+location, "execution.state-recovery.claim-mode=CLAIM", "restart-strategy.fixed-delay.attempts=3")
				if _, err := again.Execute(ctx); err != nil {
					t.Fatal(err)
				}
				if !failed.Load() {
					t.Error("the job has not failed")
				}
				for key := range int64(100) {
					if want := int64(1 + (claimRecords-claimKeys)/100); h.seen[key] != want {
						t.Errorf("key %d was counted %d times, want %d", key, h.seen[key], want)
					}
				}
				if _, err := os.Stat(filepath.Join(location, "_metadata")); !os.IsNotExist(err) {
					t.Errorf("the snapshot is still there after the job has ended: %v", err)
				}
			})
		}
	}
}

// snapshotToClaim runs a job until all keys have come, and returns where its last snapshot is.
func snapshotToClaim(ctx context.Context, t *testing.T, dir, backend, kind string) string {
	t.Helper()
	all := make(chan struct{})
	var seen atomic.Int64
	first, _ := claimJob(t, claimRecords, 20_000, func(int64) error {
		if seen.Add(1) == claimKeys+100 {
			close(all)
		}
		return nil
	}, "state.backend.type="+backend, "execution.checkpointing.interval=20ms", "execution.checkpointing.dir="+filepath.Join(dir, "first"),
		"execution.checkpointing.externalized-checkpoint-retention=RETAIN_ON_CANCELLATION")
	client, err := first.ExecuteAsync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	select {
	case <-all:
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
	if kind == "savepoint" {
		location, err := client.Savepoint(ctx, embedded.Savepoint{Directory: dir, Stop: true})
		if err != nil {
			t.Fatal(err)
		}
		return location
	}
	if _, err := client.Checkpoint(ctx, false); err != nil {
		t.Fatal(err)
	}
	if err := client.Cancel(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Wait(ctx); !errors.Is(err, embedded.ErrCanceled) {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil { // what came of a checkpoint that was under way is removed by then
		t.Fatal(err)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "first", "*", "chk-*", "_metadata"))
	if err != nil || len(kept) == 0 {
		t.Fatalf("the canceled job has left no checkpoint (%v)", err)
	}
	return filepath.Dir(slices.MaxFunc(kept, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) }))
}
