package watermark

import (
	"time"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Assign makes the operator that gives the records of a stream new event times and makes watermarks from them, with a
// periodic tick every interval of processing time, or none if interval is 0. Watermarks and idleness from before it
// are dropped, but for the end of event time.
func Assign[T any](strategy Strategy[T], interval time.Duration) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		a := &assigner[T]{Base: operator.NewBase[T](ctx, out), strategy: strategy, interval: interval.Milliseconds(), tracker: strategy.NewTracker()}
		if interval > 0 {
			a.interval = max(1, a.interval)
		}
		a.emitter = NewEmitter(a.Next)
		return operator.Instance{Operator: a, Inputs: []any{operator.Input[T](a)}}, nil
	}
}

type assigner[T any] struct {
	operator.Base[T]
	strategy Strategy[T]
	interval int64 // milliseconds
	tracker  *Tracker[T]
	emitter  Emitter
	// out has the batch in hand with the new event times, part is what of it is emitted at once.
	out, part  element.Batch[T]
	timestamps []int64
}

// Open sets the first tick.
func (a *assigner[T]) Open() error {
	if a.interval > 0 && a.strategy.Ticks() {
		a.Ctx.CallAt(a.Ctx.Now() + a.interval)
	}
	return nil
}

// Process implements operator.Input.
func (a *assigner[T]) Process(batch *element.Batch[T]) (err error) {
	defer a.Ctx.Guard(&err)
	a.Ctx.RecordsIn.Add(uint64(batch.Len()))
	a.out.Values, a.out.Timestamps = batch.Values, batch.Timestamps
	if a.strategy.Stamps() {
		a.out.Timestamps = operator.Resize(&a.timestamps, batch.Len())
		a.strategy.Stamp(a.out.Values, a.out.Timestamps)
	}
	sent := 0
	for seen := 0; seen < a.out.Len(); {
		n, said := a.tracker.Observe(a.out.Values[seen:], from(a.out.Timestamps, seen))
		if seen += n; len(said) == 0 {
			continue
		}
		a.out.View(sent, seen, &a.part)
		sent = seen
		if err := a.Emit(&a.part); err != nil {
			return err
		}
		if err := a.emitter.EmitAll(said); err != nil {
			return err
		}
	}
	switch sent {
	case a.out.Len():
		return nil
	case 0:
		return a.Emit(&a.out)
	}
	a.out.View(sent, a.out.Len(), &a.part)
	return a.Emit(&a.part)
}

// from leaves out the first n timestamps, if there are any.
func from(timestamps []int64, n int) []int64 {
	if len(timestamps) == 0 {
		return nil
	}
	return timestamps[n:]
}

// Watermark implements operator.Input.
func (a *assigner[T]) Watermark(at int64) error {
	if at != element.MaxWatermark {
		return nil
	}
	return a.emitter.Emit(element.Event{Kind: element.Watermark, Time: at})
}

// Idle implements operator.Input.
func (a *assigner[T]) Idle(bool) error { return nil }

// OnProcessingTime implements operator.Timed: it is the tick.
func (a *assigner[T]) OnProcessingTime(now int64) (err error) {
	defer a.Ctx.Guard(&err)
	a.Ctx.CallAt(now + a.interval)
	return a.emitter.EmitAll(a.tracker.Tick(a.Ctx.Clock.Nanos() - BackPressured(a.Ctx)))
}

// BackPressured is how many nanoseconds the subtask of an operator could not go on, since what follows takes nothing; 0 where
// the subtask does not tell.
func BackPressured(ctx *operator.Context) int64 {
	if t, ok := ctx.Task.(interface{ BackPressured() time.Duration }); ok {
		return t.BackPressured().Nanoseconds()
	}
	return 0
}
