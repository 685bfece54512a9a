package window

import (
	"errors"
	"math"
	"time"

	"github.com/weir-stream/weir/state"
)

// ContinuousEventTime fires each time the watermark passes a multiple of interval since 1970, and at the end of the window. A
// watermark that passes several at once fires the window that many times. On a global window of bounded input it would
// never come to an end, and is refused.
func ContinuousEventTime(interval time.Duration) NewTrigger {
	return func() Trigger {
		t := &continuousEvent{continuous{domain: InEventTime}}
		t.interval, t.problem = positive("interval", interval)
		return t
	}
}

// ContinuousProcessingTime fires each time the clock passes a multiple of interval since 1970, as long as there is a window.
func ContinuousProcessingTime(interval time.Duration) NewTrigger {
	return func() Trigger {
		t := &continuousProcessing{continuous{domain: InProcessingTime}}
		t.interval, t.problem = positive("interval", interval)
		return t
	}
}

// continuous is what both have in common: the time of the next firing, which is registered as a timer.
type continuous struct {
	Next     state.Value[int64] `state:"next"`
	interval int64
	domain   TimeDomain
	problem  error
}

func (t *continuous) Check() error { return t.problem }

// begin sets the first firing, if none is set: at the next multiple of the interval or, for times before 1970, at the one after
// that, as in Flink.
func (t *continuous) begin(ctx *TriggerContext, now int64) {
	if _, set := t.Next.Get(); set {
		return
	}
	next := t.after(ctx, now-now%t.interval)
	t.Next.Set(next)
	t.timer(ctx, next)
}

// goOn reports whether this is the time of the next firing, and sets the one after it. None comes after that at the end of
// the window; that it was the last remains known.
func (t *continuous) goOn(ctx *TriggerContext, at int64) bool {
	if next, set := t.Next.Get(); !set || next != at {
		return false
	}
	next := t.after(ctx, at)
	t.Next.Set(next)
	if next > at {
		t.timer(ctx, next)
	}
	return true
}

// after is an interval later, or the end of the window if that comes first.
func (t *continuous) after(ctx *TriggerContext, at int64) int64 {
	end := ctx.Window().MaxTimestamp()
	if at > end-t.interval {
		return end
	}
	return at + t.interval
}

func (t *continuous) timer(ctx *TriggerContext, at int64) {
	if t.domain == InEventTime {
		ctx.RegisterEventTimeTimer(at)
	} else {
		ctx.RegisterProcessingTimeTimer(at)
	}
}

func (t *continuous) clear(ctx *TriggerContext) {
	next, set := t.Next.Get()
	if !set {
		return
	}
	if t.domain == InEventTime {
		ctx.DeleteEventTimeTimer(next)
	} else {
		ctx.DeleteProcessingTimeTimer(next)
	}
	t.Next.Clear()
}

// merge keeps the earliest of the next firings.
func (t *continuous) merge(ctx *TriggerContext) {
	earliest := int64(math.MaxInt64)
	some := false
	ctx.EachMerged(func(Window) {
		if next, set := t.Next.Get(); set {
			earliest, some = min(earliest, next), true
		}
	})
	if some {
		t.Next.Set(earliest)
		t.timer(ctx, earliest)
	}
}

type continuousEvent struct{ continuous }

func (t *continuousEvent) FiresContinuously(domain TimeDomain) bool { return domain == InEventTime }

func (t *continuousEvent) OnElement(ctx *TriggerContext, timestamp int64) TriggerResult {
	end := ctx.Window().MaxTimestamp()
	if end <= ctx.CurrentWatermark() {
		return Fire
	}
	if timestamp == math.MinInt64 {
		panic(errors.New("a continuous trigger in event time got a record without a timestamp: assign timestamps with a watermark strategy"))
	}
	ctx.RegisterEventTimeTimer(end)
	t.begin(ctx, timestamp)
	return Continue
}

func (t *continuousEvent) OnEventTime(ctx *TriggerContext, at int64) TriggerResult {
	end := ctx.Window().MaxTimestamp()
	if at == end {
		return Fire
	}
	if end == math.MaxInt64 && ctx.CurrentWatermark() == math.MaxInt64 {
		// Event time has ended, and the window has not: it fires once more and not at each of the intervals that are left.
		t.clear(ctx)
		return Continue
	}
	if t.goOn(ctx, at) {
		return Fire
	}
	return Continue
}

func (t *continuousEvent) OnProcessingTime(*TriggerContext, int64) TriggerResult { return Continue }

func (t *continuousEvent) Clear(ctx *TriggerContext) { t.clear(ctx) }

func (t *continuousEvent) OnMerge(ctx *TriggerContext) { t.merge(ctx) }

type continuousProcessing struct{ continuous }

func (t *continuousProcessing) OnElement(ctx *TriggerContext, _ int64) TriggerResult {
	t.begin(ctx, ctx.CurrentProcessingTime())
	return Continue
}

func (t *continuousProcessing) OnEventTime(*TriggerContext, int64) TriggerResult { return Continue }

func (t *continuousProcessing) OnProcessingTime(ctx *TriggerContext, at int64) TriggerResult {
	if t.goOn(ctx, at) {
		return Fire
	}
	return Continue
}

func (t *continuousProcessing) Clear(ctx *TriggerContext) { t.clear(ctx) }

func (t *continuousProcessing) OnMerge(ctx *TriggerContext) { t.merge(ctx) }
