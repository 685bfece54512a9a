package stream_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/embedded"
)

// Behind a function that makes very much of each record, and in front of more than fits, an asynchronous operator keeps
// the order and loses nothing, with few records under way at once.
func TestAsyncUnderBackPressure(t *testing.T) {
	const records, copies, capacity = 3, 10_000, 3
	env, err := stream.NewEnvironment("async", "parallelism.default=1")
	if err != nil {
		t.Fatal(err)
	}
	numbers := stream.From(env, datagen.Generate(records, func(index int64) int64 { return index }))
	many := stream.FlatMap(numbers, func(n int64, out stream.Collector[int64]) error {
		for i := range int64(copies) {
			out.Collect(n*copies + i)
		}
		return nil
	})
	var underWay, most atomic.Int64
	doubled := stream.Async(many, func(_ context.Context, n int64) ([]int64, error) {
		if now := underWay.Add(1); now > most.Load() {
			most.Store(now)
		}
		defer underWay.Add(-1)
		return []int64{2 * n}, nil
	}, stream.AsyncOptions[int64, int64]{Capacity: capacity})
	got, err := stream.ExecuteAndCollect(t.Context(), doubled)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != records*copies {
		t.Fatalf("%d records came, want %d", len(got), records*copies)
	}
	for i, n := range got {
		if n != 2*int64(i) {
			t.Fatalf("record %d is %d", i, n)
		}
	}
	if most.Load() > capacity {
		t.Errorf("%d calls ran at once, want %d at most", most.Load(), capacity)
	}
}

// A job whose asynchronous calls hang is canceled at once: while it takes input, while it waits for room, and at the end of its
// input, where it waits for the results.
func TestAsyncCallsThatHangAreCanceled(t *testing.T) {
	for name, source := range map[string]datagen.Source[int64]{
		"unbounded":    datagen.Generate(datagen.Unbounded, func(index int64) int64 { return index }),
		"end of input": datagen.Generate(5, func(index int64) int64 { return index }),
	} {
		t.Run(name, func(t *testing.T) {
			env, err := stream.NewEnvironment("hanging")
			if err != nil {
				t.Fatal(err)
			}
			env.SetParallelism(1)
			begun := make(chan struct{}, 5)
			stream.Collect(stream.Async(stream.From(env, source), func(ctx context.Context, n int64) ([]int64, error) {
				begun <- struct{}{}
				<-ctx.Done()
				return nil, ctx.Err()
			}, stream.AsyncOptions[int64, int64]{Capacity: 5}))
			job, err := env.ExecuteAsync(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer job.Close()
			for range 5 {
				<-begun
			}
			if err := job.Cancel(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := job.Wait(t.Context()); !errors.Is(err, embedded.ErrCanceled) {
				t.Errorf("the job ended with %v", err)
			}
		})
	}
}

func TestAsyncErrorsFailTheJobByName(t *testing.T) {
	env, err := stream.NewEnvironment("failing")
	if err != nil {
		t.Fatal(err)
	}
	numbers := stream.From(env, datagen.Generate(5, func(index int64) int64 { return index }))
	broken := errors.New("no such host")
	_, err = stream.ExecuteAndCollect(t.Context(), stream.Async(numbers, func(context.Context, int64) ([]int64, error) {
		return nil, broken
	}, stream.AsyncOptions[int64, int64]{}).Name("Look Up"))
	if failed := (*embedded.JobError)(nil); !errors.As(err, &failed) || failed.Operator() != "Look Up" {
		t.Errorf("the job ended with %v", err)
	}
}
