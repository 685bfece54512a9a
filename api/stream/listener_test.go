package stream_test

import (
	"context"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/runtime/failpoint"
)

// notified is a function that counts what it is told of checkpoints.
type notified struct{ complete, aborted *atomic.Int64 }

func (n notified) Process(_ *stream.ProcessContext, v int64, out stream.Collector[int64]) error {
	out.Collect(v)
	return nil
}

func (n notified) NotifyCheckpointComplete(int64) error {
	n.complete.Add(1)
	return nil
}

func (n notified) NotifyCheckpointAborted(int64) error {
	n.aborted.Add(1)
	return nil
}

// notifiedWindow is a window function that is told, too.
type notifiedWindow struct{ notified }

func (notifiedWindow) Process(_ *stream.WindowContext[int64], counts iter.Seq[int64], out stream.Collector[int64]) error {
	for n := range counts {
		out.Collect(n)
	}
	return nil
}

// TestFunctionsAreToldOfCheckpoints has the first checkpoint fail and later ones succeed.
func TestFunctionsAreToldOfCheckpoints(t *testing.T) {
	var failed atomic.Bool
	defer failpoint.Arm(func(p failpoint.Point) error {
		if p == failpoint.Describing && failed.CompareAndSwap(false, true) {
			return errOnce
		}
		return nil
	})()
	var each, windows notified
	for _, n := range []*notified{&each, &windows} {
		*n = notified{new(atomic.Int64), new(atomic.Int64)}
	}
	env, err := stream.NewEnvironment("listeners", "parallelism.default=1", "execution.checkpointing.tolerable-failed-checkpoints=10")
	if err != nil {
		t.Fatal(err)
	}
	env.EnableCheckpointing(10 * time.Millisecond)
	numbers := datagen.Generate(4000, func(i int64) int64 { return i }).Rate(20_000)
	timed := stream.From(env, numbers, stream.BoundedOutOfOrderness(0, func(v int64) int64 { return v }))
	passed := stream.ProcessEach(timed, func() notified { return each })
	perWindow := stream.Window(stream.KeyBy(passed, func(int64) int64 { return 0 }), window.Tumbling(100*time.Millisecond))
	counts := stream.AggregateWith(perWindow, window.Count[int64](), func() notifiedWindow { return notifiedWindow{windows} })
	stream.To(counts, discard.Sink[int64]())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := env.Execute(ctx); err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]notified{"process function": each, "window function": windows} {
		if n.complete.Load() < 2 || n.aborted.Load() != 1 {
			t.Errorf("the %s was told of %d complete and %d aborted checkpoints", name, n.complete.Load(), n.aborted.Load())
		}
	}
}

type wrongListener struct{ notified }

func (wrongListener) NotifyCheckpointComplete(uint64) {}

func TestAListenerOfAnotherSignatureIsRefused(t *testing.T) {
	env, err := stream.NewEnvironment("listeners")
	if err != nil {
		t.Fatal(err)
	}
	numbers := stream.From(env, datagen.Generate(1, func(i int64) int64 { return i }))
	stream.To(stream.ProcessEach(numbers, func() wrongListener { return wrongListener{} }), discard.Sink[int64]())
	if _, err := env.Execute(context.Background()); err == nil || !strings.Contains(err.Error(), "NotifyCheckpointComplete") {
		t.Errorf("the error is %v", err)
	}
}
