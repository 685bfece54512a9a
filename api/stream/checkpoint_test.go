package stream_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/embedded"
	"github.com/weir-stream/weir/state"
)

// tally counts records by key in state, and fails once when told so.
type tally struct {
	Count state.Value[int64] `state:"count"`
	fail  func(int64) error
}

func (t *tally) Process(_ *stream.KeyedContext[int64], in int64, out stream.Collector[[2]int64]) error {
	if err := t.fail(in); err != nil {
		return err
	}
	n, _ := t.Count.Get()
	t.Count.Set(n + 1)
	out.Collect([2]int64{in % 100, n + 1})
	return nil
}

// highest keeps the highest count of each key that was ever seen.
type highest struct {
	mu   sync.Mutex
	seen map[int64]int64
}

func (h *highest) Name() string { return "highest" }

func (h *highest) NewWriter(connector.WriterContext) (connector.Writer[[2]int64], error) {
	return highestWriter{h}, nil
}

type highestWriter struct{ *highest }

func (highestWriter) Open() error      { return nil }
func (highestWriter) Flush(bool) error { return nil }
func (highestWriter) Close() error     { return nil }

func (w highestWriter) Write(batch *element.Batch[[2]int64]) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range batch.Values {
		w.seen[r[0]] = max(w.seen[r[0]], r[1])
	}
	return nil
}

func (h *highest) check(t *testing.T, each int64) {
	t.Helper()
	if len(h.seen) != 100 {
		t.Errorf("%d keys, want 100", len(h.seen))
	}
	for key, n := range h.seen {
		if n != each {
			t.Errorf("key %d was counted %d times, want %d", key, n, each)
		}
	}
}

func tallyJob(t *testing.T, options []string, records int64, perSecond float64, fail func(int64) error) (*stream.Environment, *highest) {
	t.Helper()
	env, err := stream.NewEnvironment("tally", options...)
	if err != nil {
		t.Fatal(err)
	}
	source := datagen.Generate(records, func(i int64) int64 { return i }).Rate(perSecond)
	byKey := stream.KeyBy(stream.From(env, source), func(v int64) int64 { return v % 100 })
	h := &highest{seen: map[int64]int64{}}
	stream.To(stream.Process[int64, int64, [2]int64](byKey, func() *tally { return &tally{fail: fail} }), h)
	return env, h
}

var errOnce = errors.New("fails once")

func TestAJobGoesOnFromItsLastCheckpoint(t *testing.T) {
	for _, backend := range []string{"hashmap", "pebble"} {
		t.Run(backend, func(t *testing.T) {
			dir := t.TempDir()
			var failed atomic.Bool
			const records = 40_000
			env, h := tallyJob(t, []string{
				"state.backend.type=" + backend, "execution.checkpointing.interval=50ms", "execution.checkpointing.dir=" + dir,
				"restart-strategy.type=fixed-delay", "restart-strategy.fixed-delay.delay=10ms", "parallelism.default=2",
			}, records, 40_000, func(v int64) error {
				if v > records/2 && failed.CompareAndSwap(false, true) {
					return errOnce
				}
				return nil
			})
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if _, err := env.Execute(ctx); err != nil {
				t.Fatal(err)
			}
			if !failed.Load() {
				t.Error("the job has not failed")
			}
			h.check(t, records/100)
		})
	}
}

func TestASavepointIsRestoredElsewhere(t *testing.T) {
	dir := t.TempDir()
	const records = 20_000
	never := func(int64) error { return nil }
	env, _ := tallyJob(t, []string{"execution.checkpointing.dir=" + filepath.Join(dir, "checkpoints"), "parallelism.default=2"}, records, 10_000, never)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := env.ExecuteAsync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var location string
	for location == "" { // until all tasks run
		location, err = client.Savepoint(ctx, embedded.Savepoint{Directory: dir, Stop: true})
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Await(ctx); err != nil {
		t.Fatal(err)
	}
	again, h := tallyJob(t, []string{
		"state.backend.type=pebble", "execution.checkpointing.interval=1s", "execution.state-recovery.path=" + location,
		"execution.checkpointing.dir=" + filepath.Join(dir, "checkpoints"), "parallelism.default=3",
	}, records, 100_000, never)
	if _, err := again.Execute(ctx); err != nil {
		t.Fatal(err)
	}
	h.check(t, records/100)
}
