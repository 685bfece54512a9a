package stream_test

import (
	"context"
	"iter"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/state"
)

// idle is a window function that does nothing.
type idle[In any] struct{}

func (idle[In]) Process(*stream.WindowContext[string], iter.Seq[In], stream.Collector[sale]) error {
	return nil
}

type listing[In any] struct {
	idle[In]
	Inner struct {
		Seen state.OperatorList[int64] `state:"list"`
	}
}

type broadcasting[In any] struct {
	idle[In]
	Rules state.Broadcast[string, int64] `state:"rules"`
}

type keeping[In any] struct {
	idle[In]
	Seen state.Value[int64] `state:"seen"`
}

type openedWithout[In any] struct{ idle[In] }

func (openedWithout[In]) Open() error { return nil }

type closedWithout[In any] struct{ idle[In] }

func (closedWithout[In]) Close() {}

type clearedByAnother[In any] struct{ idle[In] }

func (clearedByAnother[In]) Clear(*stream.WindowContext[int64]) error { return nil }

type onTimer[In any] struct{ idle[In] }

func (onTimer[In]) OnTimer(*stream.OnTimerContext[string], stream.Collector[sale]) error { return nil }

// wellMade has all the optional methods.
type wellMade[In any] struct{ keeping[In] }

func (*wellMade[In]) Open(stream.RuntimeContext) error          { return nil }
func (*wellMade[In]) Close() error                              { return nil }
func (*wellMade[In]) Clear(*stream.WindowContext[string]) error { return nil }

// waiting is a trigger that never fires.
type waiting struct{}

func (waiting) OnElement(*window.TriggerContext, int64) window.TriggerResult {
	return window.Continue
}
func (waiting) OnEventTime(*window.TriggerContext, int64) window.TriggerResult {
	return window.Continue
}
func (waiting) OnProcessingTime(*window.TriggerContext, int64) window.TriggerResult {
	return window.Continue
}
func (waiting) Clear(*window.TriggerContext) {}

type listingTrigger struct {
	waiting
	Seen state.UnionList[int64] `state:"union"`
}

type keepingTrigger struct {
	waiting
	Seen state.Value[int64] `state:"seen"`
}

type mergingWithout struct{ waiting }

func (mergingWithout) OnMerge() {}

type wrappingOne struct{ waiting }

func (wrappingOne) Wrapped() window.Trigger { return waiting{} }

type openedTrigger struct{ waiting }

func (openedTrigger) Open(stream.RuntimeContext) error { return nil }

// windowed is how a window function is used.
type windowed = func(w stream.WindowedStream[string, sale])

func processing[F stream.ProcessWindowFunction[string, sale, sale]](f func() F) windowed {
	return func(w stream.WindowedStream[string, sale]) {
		stream.To(stream.ProcessWindow[string, sale, sale](w, f), discard.Sink[sale]())
	}
}

func aggregating[F stream.ProcessWindowFunction[string, int64, sale]](f func() F) windowed {
	return func(w stream.WindowedStream[string, sale]) {
		stream.To(stream.AggregateWith[string, sale, int64, int64, sale](w, sumOf(), f), discard.Sink[sale]())
	}
}

func reducing[F stream.ProcessWindowFunction[string, sale, sale]](f func() F) windowed {
	return func(w stream.WindowedStream[string, sale]) {
		first := func(a, _ sale) sale { return a }
		stream.To(stream.ReduceWindowWith[string, sale, sale](w, first, f), discard.Sink[sale]())
	}
}

func triggering(f func() window.Trigger) windowed {
	return func(w stream.WindowedStream[string, sale]) {
		stream.To(stream.Aggregate(w.Trigger(f), sumOf()), discard.Sink[int64]())
	}
}

func pointer[T any]() *T  { return new(T) }
func value[T any]() (v T) { return v }
func trigger[T window.Trigger]() func() window.Trigger {
	return func() window.Trigger { var t T; return t }
}

// TestMisuseOfWindowFunctionsIsRefused with each of the operators that windows may have.
func TestMisuseOfWindowFunctionsIsRefused(t *testing.T) {
	const list, copied, never = `"list" without keys`, "not a pointer", "never be called"
	for name, c := range map[string]struct {
		apply windowed
		want  []string // nil if it is fine
	}{
		"process":               {processing(pointer[wellMade[sale]]), nil},
		"aggregate":             {aggregating(pointer[wellMade[int64]]), nil},
		"reduce":                {reducing(pointer[wellMade[sale]]), nil},
		"process, list":         {processing(pointer[listing[sale]]), []string{"Window Process", "listing", list, "process function behind"}},
		"aggregate, list":       {aggregating(pointer[listing[int64]]), []string{"Window Aggregate", "listing", list}},
		"reduce, list":          {reducing(pointer[listing[sale]]), []string{"Window Reduce", "listing", list}},
		"process, broadcast":    {processing(pointer[broadcasting[sale]]), []string{"Window Process", "broadcasting", `"rules"`}},
		"process, copy":         {processing(value[keeping[sale]]), []string{"Window Process", "Seen", copied, "return a *"}},
		"aggregate, copy":       {aggregating(value[keeping[int64]]), []string{"Window Aggregate", "Seen", copied}},
		"aggregate, list, copy": {aggregating(value[listing[int64]]), []string{"Window Aggregate", "Inner.Seen", copied}},
		"reduce, copy":          {reducing(value[keeping[sale]]), []string{"Window Reduce", "Seen", copied}},
		"process, Open":         {processing(value[openedWithout[sale]]), []string{"Window Process", "openedWithout", "Open is func() error", never, "RuntimeContext"}},
		"aggregate, Open":       {aggregating(value[openedWithout[int64]]), []string{"Window Aggregate", "openedWithout", never}},
		"reduce, Close":         {reducing(value[closedWithout[sale]]), []string{"Window Reduce", "Close is func() and", never, "func() error"}},
		"aggregate, Clear":      {aggregating(value[clearedByAnother[int64]]), []string{"Window Aggregate", "Clear", never, "WindowContext[string]"}},
		"process, OnTimer":      {processing(value[onTimer[sale]]), []string{"Window Process", "OnTimer", "a window never calls"}},
		"trigger":               {triggering(trigger[waiting]()), nil},
		"trigger, list":         {triggering(func() window.Trigger { return new(listingTrigger) }), []string{"Window Aggregate", "trigger *stream_test.listingTrigger", `"union"`, "state.Value"}},
		"trigger within, list":  {triggering(window.Purging(func() window.Trigger { return new(listingTrigger) })), []string{"listingTrigger", `"union"`}},
		"trigger, copy":         {triggering(trigger[keepingTrigger]()), []string{"trigger stream_test.keepingTrigger", copied}},
		"trigger, OnMerge":      {triggering(trigger[mergingWithout]()), []string{"mergingWithout", "OnMerge is func() and", "func(*operator.TriggerContext)"}},
		"trigger, Wrapped":      {triggering(trigger[wrappingOne]()), []string{"wrappingOne", "Wrapped", "func() []operator.Trigger"}},
		"trigger, Open":         {triggering(trigger[openedTrigger]()), []string{"openedTrigger", "Open", "a window never calls"}},
	} {
		for kind, assigner := range map[string]window.Assigner{"tumbling": window.Tumbling(ms), "session": window.Session(ms)} {
			if kind == "session" && strings.HasPrefix(name, "trigger") {
				continue // most of these could not merge
			}
			t.Run(name+", "+kind, func(t *testing.T) {
				env, err := stream.NewEnvironment("misuse")
				if err != nil {
					t.Fatal(err)
				}
				env.SetParallelism(1)
				c.apply(stream.Window(stream.KeyBy(stream.From(env, oneSale(), inOrder()), sale.item), assigner))
				_, err = env.Execute(context.Background())
				if (err == nil) != (c.want == nil) {
					t.Fatalf("got %v, want an error with %q", err, c.want)
				}
				for _, part := range c.want {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%v\nlacks %q", err, part)
					}
				}
			})
		}
	}
}
