package stream_test

import (
	"context"
	"iter"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/runtime/embedded"
	"github.com/weir-stream/weir/runtime/failpoint"
)

// TestWindowsFireAfterARestoreWithSubtasksThatHadFinished has more subtasks than the source has splits: those without finish, are part of
// a checkpoint as finished ones, and must not hold back the watermark of the others when the job goes on from it.
func TestWindowsFireAfterARestoreWithSubtasksThatHadFinished(t *testing.T) {
	dir := t.TempDir()
	const records, perWindow = 20_000, 100
	var completed atomic.Int64
	defer failpoint.Arm(func(p failpoint.Point) error {
		if p == failpoint.Completed {
			completed.Add(1)
		}
		return nil
	})()
	job := func(perSecond float64, fail func(int64) error, options ...string) (*stream.Environment, *highest) {
		env, err := stream.NewEnvironment("windows", append(options, "execution.checkpointing.dir="+filepath.Join(dir, "checkpoints"),
			"restart-strategy.type=fixed-delay", "restart-strategy.fixed-delay.delay=1ms")...)
		if err != nil {
			t.Fatal(err)
		}
		numbers := datagen.Generate(records, func(i int64) int64 { return i }).Rate(perSecond)
		timed := stream.From(env, numbers, stream.BoundedOutOfOrderness(0, func(v int64) int64 { return v }))
		checked := stream.MapErr(timed, func(v int64) (int64, error) { return v, fail(v) })
		all := stream.Window(stream.KeyBy(checked, func(int64) int64 { return 0 }), window.Tumbling(perWindow*time.Millisecond))
		counts := stream.AggregateWith(all, window.Count[int64](), func() windowCount { return windowCount{} })
		h := &highest{seen: map[int64]int64{}}
		stream.To(counts, h)
		return env, h
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	env, before := job(20_000, func(int64) error { return nil }, "parallelism.default=2")
	client, err := env.ExecuteAsync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var location string
	for location == "" { // until all tasks run
		if location, err = client.Savepoint(ctx, embedded.Savepoint{Directory: dir, Stop: true}); ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Await(ctx); err != nil {
		t.Fatal(err)
	}
	completed.Store(0)
	var failed atomic.Bool
	again, after := job(20_000, func(int64) error {
		if completed.Load() >= 2 && failed.CompareAndSwap(false, true) {
			return errOnce
		}
		return nil
	}, "parallelism.default=3", "execution.checkpointing.interval=20ms", "execution.state-recovery.path="+location)
	if _, err := again.Execute(ctx); err != nil {
		t.Fatal(err)
	}
	if !failed.Load() {
		t.Error("the job has not failed")
	}
	for start := int64(0); start < records; start += perWindow {
		if n := max(before.seen[start], after.seen[start]); n != perWindow {
			t.Errorf("the window at %d has %d records", start, n)
		}
	}
}

// windowCount emits when a window begins and what it has.
type windowCount struct{}

func (windowCount) Process(ctx *stream.WindowContext[int64], counts iter.Seq[int64], out stream.Collector[[2]int64]) error {
	for n := range counts {
		out.Collect([2]int64{ctx.Window().Start, n})
	}
	return nil
}
