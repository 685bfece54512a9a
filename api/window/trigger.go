package window

import (
	"fmt"
	"time"

	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// NewTrigger makes a trigger for each subtask. The functions of this package that return one have the triggers of Flink; a
// user's own is a func() Trigger likewise.
type NewTrigger = func() Trigger

// EventTime fires when the watermark passes the end of the window, and after that at once for each record that is late but
// allowed. It is the default in event time.
func EventTime() NewTrigger { return func() Trigger { return operator.EventTimeTrigger{} } }

// ProcessingTime fires when the clock passes the end of the window. It is the default in processing time.
func ProcessingTime() NewTrigger { return func() Trigger { return operator.ProcessingTimeTrigger{} } }

// Never does not fire.
func Never() NewTrigger { return func() Trigger { return never{} } }

// silent is a trigger that does nothing, for others to begin with.
type silent struct{}

func (silent) OnElement(*TriggerContext, int64) TriggerResult        { return Continue }
func (silent) OnEventTime(*TriggerContext, int64) TriggerResult      { return Continue }
func (silent) OnProcessingTime(*TriggerContext, int64) TriggerResult { return Continue }
func (silent) Clear(*TriggerContext)                                 {}

type never struct{ silent }

func (never) OnMerge(*TriggerContext) {}

// EveryCount fires at every n-th record of a window. It does not fire at the window's end. Windows that merge add up their
// counts, and fire at the next record.
func EveryCount(n int64) NewTrigger { return func() Trigger { return &countTrigger{n: n} } }

type countTrigger struct {
	silent
	Count state.Value[int64] `state:"count"`
	n     int64
}

func (t *countTrigger) Check() error {
	if t.n <= 0 {
		return fmt.Errorf("a count of %d: it must be positive", t.n)
	}
	return nil
}

func (t *countTrigger) OnElement(*TriggerContext, int64) TriggerResult {
	count, _ := t.Count.Get()
	count++
	if count >= t.n {
		t.Count.Clear()
		return Fire
	}
	t.Count.Set(count)
	return Continue
}

func (t *countTrigger) Clear(*TriggerContext) { t.Count.Clear() }

func (t *countTrigger) OnMerge(ctx *TriggerContext) {
	var sum int64
	ctx.EachMerged(func(Window) {
		count, _ := t.Count.Get()
		sum += count
	})
	if sum > 0 {
		t.Count.Set(sum)
	}
}

// Purging empties the window each time that the other trigger fires.
func Purging(nested NewTrigger) NewTrigger {
	return func() Trigger { return &purging{nested()} }
}

type purging struct{ nested Trigger }

func (t *purging) Wrapped() []Trigger { return []Trigger{t.nested} }

func purge(r TriggerResult) TriggerResult {
	if r.IsFire() {
		return FireAndPurge
	}
	return r
}

func (t *purging) OnElement(ctx *TriggerContext, timestamp int64) TriggerResult {
	return purge(t.nested.OnElement(ctx, timestamp))
}

func (t *purging) OnEventTime(ctx *TriggerContext, at int64) TriggerResult {
	return purge(t.nested.OnEventTime(ctx, at))
}

func (t *purging) OnProcessingTime(ctx *TriggerContext, at int64) TriggerResult {
	return purge(t.nested.OnProcessingTime(ctx, at))
}

func (t *purging) Clear(ctx *TriggerContext) { t.nested.Clear(ctx) }

func (t *purging) OnMerge(ctx *TriggerContext) { merge(t.nested, ctx) }

// merge has a trigger merge that, as the runtime has checked, can.
func merge(t Trigger, ctx *TriggerContext) { t.(MergingTrigger).OnMerge(ctx) }

// Delta fires when a record differs from the one at the last firing by more than threshold; the first record of a window
// only sets it. Delta is given the record at the last firing and the new one, and is shared by the subtasks of a process. T needs
// an encoding.
func Delta[T any](threshold float64, delta func(last, current T) float64) NewTrigger {
	return func() Trigger { return &deltaTrigger[T]{threshold: threshold, delta: delta} }
}

type deltaTrigger[T any] struct {
	silent
	Reads[T]
	Last      state.Value[T] `state:"last"`
	threshold float64
	delta     func(last, current T) float64
}

func (t *deltaTrigger[T]) OnElement(ctx *TriggerContext, _ int64) TriggerResult {
	current := t.Value(ctx)
	last, fired := t.Last.Get()
	switch {
	case !fired:
		t.Last.Set(current)
	case t.delta(last, current) > t.threshold:
		t.Last.Set(current)
		return Fire
	}
	return Continue
}

func (t *deltaTrigger[T]) Clear(*TriggerContext) { t.Last.Clear() }

// Timeout has the window fire, besides when the other trigger does, a time after its first record by the clock. As in Flink it also
// fires when the window goes: what a count has not fired for by the end of an event-time window is not lost.
func Timeout(nested NewTrigger, after time.Duration, options ...TimeoutOption) NewTrigger {
	return func() Trigger {
		t := &timeout{nested: nested()}
		t.after, t.problem = positive("timeout", after)
		for _, option := range options {
			switch option {
			case ResetByRecord:
				t.reset = true
			case ClearOnTimeout:
				t.clears = true
			}
		}
		return t
	}
}

// TimeoutOption changes what Timeout does.
type TimeoutOption uint8

// The options.
const (
	// ResetByRecord counts the time from the last record.
	ResetByRecord TimeoutOption = iota
	// ClearOnTimeout has the other trigger begin anew after a timeout: an event-time trigger then no longer fires at the
	// end of the window. Without it, and without ResetByRecord, a window times out once.
	ClearOnTimeout
)

type timeout struct {
	At     state.Value[int64] `state:"timeout"`
	nested Trigger

	after         int64
	reset, clears bool
	problem       error
}

func (t *timeout) Wrapped() []Trigger { return []Trigger{t.nested} }
func (t *timeout) Check() error       { return t.problem }

func (t *timeout) OnElement(ctx *TriggerContext, timestamp int64) TriggerResult {
	result := t.nested.OnElement(ctx, timestamp)
	if result.IsFire() {
		t.Clear(ctx)
		return result
	}
	at, running := t.At.Get()
	if running && t.reset {
		ctx.DeleteProcessingTimeTimer(at)
		running = false
	}
	if !running {
		at = ctx.CurrentProcessingTime() + t.after
		t.At.Set(at)
		ctx.RegisterProcessingTimeTimer(at)
	}
	return result
}

func (t *timeout) OnEventTime(ctx *TriggerContext, at int64) TriggerResult {
	return t.fire(ctx, t.nested.OnEventTime(ctx, at))
}

func (t *timeout) OnProcessingTime(ctx *TriggerContext, at int64) TriggerResult {
	return t.fire(ctx, t.nested.OnProcessingTime(ctx, at))
}

// fire is what any timer of the window comes to, whether it was that of the timeout or one of the other trigger or that at which
// the window goes. Flink's ProcessingTimeoutTrigger does not tell them apart either.
func (t *timeout) fire(ctx *TriggerContext, nested TriggerResult) TriggerResult {
	if t.clears {
		t.Clear(ctx)
	}
	return nested | Fire
}

func (t *timeout) Clear(ctx *TriggerContext) {
	if at, running := t.At.Get(); running {
		ctx.DeleteProcessingTimeTimer(at)
		t.At.Clear()
	}
	t.nested.Clear(ctx)
}

// Early has a window in event time fire, besides at its end and for late records, whenever the other trigger says so before its
// end: early results. Late records fire it at once, unless Late says otherwise.
func Early(early NewTrigger) NewTrigger { return EarlyAndLate(early, nil) }

// Late has a window in event time fire at its end, and after that when the other trigger says so, and not for every late
// record.
func Late(late NewTrigger) NewTrigger { return EarlyAndLate(nil, late) }

// EarlyAndLate is Early and Late in one; either may be nil.
func EarlyAndLate(early, late NewTrigger) NewTrigger {
	return func() Trigger {
		t := &earlyAndLate{early: Never()(), late: EveryCount(1)()}
		if early != nil {
			t.early = early()
		}
		if late != nil {
			t.late = late()
		}
		return t
	}
}

type earlyAndLate struct{ early, late Trigger }

func (t *earlyAndLate) Wrapped() []Trigger { return []Trigger{t.early, t.late} }

// inCharge is the trigger for the time being.
func (t *earlyAndLate) inCharge(ctx *TriggerContext) Trigger {
	if ctx.Window().MaxTimestamp() <= ctx.CurrentWatermark() {
		return t.late
	}
	return t.early
}

func (t *earlyAndLate) OnElement(ctx *TriggerContext, timestamp int64) TriggerResult {
	if end := ctx.Window().MaxTimestamp(); end > ctx.CurrentWatermark() {
		ctx.RegisterEventTimeTimer(end)
	}
	return t.inCharge(ctx).OnElement(ctx, timestamp)
}

func (t *earlyAndLate) OnEventTime(ctx *TriggerContext, at int64) TriggerResult {
	if at == ctx.Window().MaxTimestamp() {
		t.early.Clear(ctx)
		return Fire
	}
	if at < ctx.Window().MaxTimestamp() {
		return t.early.OnEventTime(ctx, at)
	}
	return t.late.OnEventTime(ctx, at)
}

func (t *earlyAndLate) OnProcessingTime(ctx *TriggerContext, at int64) TriggerResult {
	return t.inCharge(ctx).OnProcessingTime(ctx, at)
}

func (t *earlyAndLate) Clear(ctx *TriggerContext) {
	ctx.DeleteEventTimeTimer(ctx.Window().MaxTimestamp())
	t.early.Clear(ctx)
	t.late.Clear(ctx)
}

func (t *earlyAndLate) OnMerge(ctx *TriggerContext) {
	if end := ctx.Window().MaxTimestamp(); end > ctx.CurrentWatermark() {
		ctx.RegisterEventTimeTimer(end)
	}
	merge(t.early, ctx)
	merge(t.late, ctx)
}
