package stream_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/state"
)

var evens = stream.NewOutputTag[string]("evens")

// lastOf emits a number once no other of its key has come within ten milliseconds of event time.
type lastOf struct {
	Last state.Value[int64] `state:"last"`
}

func (f *lastOf) Process(ctx *stream.KeyedContext[string], in int64, _ stream.Collector[string]) error {
	if in%2 == 0 {
		evens.Emit(ctx, fmt.Sprint(in))
	}
	if before, ok := f.Last.Get(); ok {
		ctx.DeleteEventTimeTimer(before + 10)
	}
	f.Last.Set(in)
	ctx.RegisterEventTimeTimer(in + 10)
	return nil
}

func (f *lastOf) OnTimer(ctx *stream.OnTimerContext[string], out stream.Collector[string]) error {
	last, _ := f.Last.Get()
	out.Collect(fmt.Sprint(ctx.Key(), last, "@", ctx.Timestamp()))
	f.Last.Clear()
	return nil
}

func TestTimersAndSideOutputsInAJob(t *testing.T) {
	for _, reuse := range []string{"true", "false"} {
		env, err := stream.NewEnvironment("timers", "pipeline.object-reuse="+reuse)
		if err != nil {
			t.Fatal(err)
		}
		env.SetParallelism(2)
		numbers := stream.From(env, collection.From([]int64{1, 2, 3, 14, 16, 45}).Timestamps(func(n int64) int64 { return n }))
		keyed := stream.KeyBy(numbers, func(n int64) string { return []string{"even", "odd"}[n%2] })
		lasts := stream.Process(keyed, func() *lastOf { return new(lastOf) })
		sides := stream.SideOutput(lasts, evens)
		both := stream.Union(lasts, stream.Map(sides, func(s string) string { return "side " + s }), sides.Rebalance())
		got, err := stream.ExecuteAndCollect(context.Background(), both)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		// Without watermarks before the end, all timers fire there: one for each key.
		want := []string{"14", "16", "2", "even16@26", "odd45@55", "side 14", "side 16", "side 2"}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("object reuse %s: got %q, want %q", reuse, got, want)
		}
	}
}
