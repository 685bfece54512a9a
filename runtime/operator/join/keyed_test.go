package join

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/runtime/operator/process"
	"github.com/weir-stream/weir/state"
)

func openKeyed(t *testing.T, ttl time.Duration) (ctx *operator.Context, left, right operator.Input[record], out *operatortest.Recorder[string]) {
	ctx = operatortest.Context(t, "join")
	ctx.CallAt = func(int64) {}
	pair := func(l, r record, out operator.Collector[string]) error {
		out.Collect(fmt.Sprint(l.Key, " ", l.N, " ", r.N))
		return nil
	}
	stream := byKey(t)
	instance, out := operatortest.Open[string](t, ctx, process.KeyedCo(stream, stream, func() operator.KeyedCoProcessFunction[int64, record, record, string] {
		return NewKeyed[int64](pair, state.TTL{Duration: ttl})
	}))
	return ctx, instance.Inputs[0].(operator.Input[record]), instance.Inputs[1].(operator.Input[record]), out
}

func send(t *testing.T, in operator.Input[record], records ...record) {
	t.Helper()
	if err := in.Process(operatortest.Batch(records...)); err != nil {
		t.Fatal(err)
	}
}

func TestKeyedJoinPairsAllOfAKey(t *testing.T) {
	_, left, right, out := openKeyed(t, 0)
	send(t, left, record{1, 10}, record{2, 20})
	send(t, right, record{1, 11}, record{1, 12}, record{3, 31})
	send(t, left, record{1, 13}, record{3, 32})
	want := []string{"1 10 11", "1 10 12", "1 13 11", "1 13 12", "3 32 31"}
	if got := out.Values(); !slices.Equal(got, want) {
		t.Errorf("paired %q, want %q", got, want)
	}
}

func TestKeyedJoinForgetsAfterItsTime(t *testing.T) {
	ctx, left, right, out := openKeyed(t, time.Second)
	send(t, left, record{1, 10})
	ctx.Clock.(*clock.Manual).Advance(600 * time.Millisecond)
	send(t, left, record{1, 11})
	ctx.Clock.(*clock.Manual).Advance(600 * time.Millisecond)
	send(t, right, record{1, 12})
	if got, want := out.Values(), []string{"1 11 12"}; !slices.Equal(got, want) {
		t.Errorf("paired %q, want %q", got, want)
	}
}
