package stream_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/embedded"
)

// Draining a job loses nothing that its source has emitted, though batches were on their way through three tasks.
func TestDrainDeliversWhatTheSourceHasEmitted(t *testing.T) {
	env, err := stream.NewEnvironment("drained", "parallelism.default=3")
	if err != nil {
		t.Fatal(err)
	}
	var emitted atomic.Int64
	numbers := stream.From(env, datagen.Generate(datagen.Unbounded, func(index int64) int64 {
		emitted.Add(1)
		return index
	}).Rate(200_000))
	mapped := stream.Map(numbers.Rebalance(), func(n int64) int64 { return n })
	counts := stream.Count(stream.KeyBy(mapped, func(n int64) int64 { return n }))
	kept := stream.Collect(counts)

	job, err := env.ExecuteAsync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	var got []int64
	for len(got) < 10_000 {
		n, ok, err := kept.Next(t.Context())
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		got = append(got, n.Key)
	}
	if err := job.Drain(context.Background(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := job.Wait(t.Context()); !errors.Is(err, embedded.ErrCanceled) {
		t.Fatalf("a drained job ends with %v, want %v", err, embedded.ErrCanceled)
	}
	rest, err := kept.Records()
	if !errors.Is(err, embedded.ErrCanceled) {
		t.Fatal(err)
	}
	for _, n := range rest {
		got = append(got, n.Key)
	}
	slices.Sort(got)
	if int64(len(got)) != emitted.Load() || int64(len(slices.Compact(got))) != emitted.Load() {
		t.Errorf("the source has emitted %d records, %d have arrived", emitted.Load(), len(got))
	}
}
