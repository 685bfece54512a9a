package process

import (
	"slices"
	"time"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/operatorstate"
	"github.com/weir-stream/weir/state"
)

// timersName is what the timers of a function are called in snapshots.
const timersName = "function/timers"

// keyedFunction is a user's function on a keyed stream with its state, timers and outputs.
//
//	made --open--> in use --close--> closed
type keyedFunction[K comparable, Out any] struct {
	ctx      *operator.Context
	function any
	keys     state.Keys[K]
	buffer   *operator.Buffer[Out]
	sides    *operator.SideOutputs

	store *keyed.Store
	// backend is nil for a function without keyed state, timers and onTimer for one without timers.
	backend state.Backend[K]
	timers  *keyed.TimerService[K]
	onTimer operator.TimerFunction[K, Out]
	context *operator.KeyedContext[K]
	// fireEvent and fireProcessing call onTimer.
	fireEvent, fireProcessing func(key K, hash uint64, at int64) error
	opened                    bool
	// without are the function's states without keys.
	without []state.OperatorField

	// clock is what state sees of the clock, which is looked at once a batch; nil if no state expires.
	clock *batchClock
	// nextTimer and nextCleaning are when the clock is to call for timers and for the removal of expired state.
	nextTimer, nextCleaning int64
}

// UserFunction implements operator.FunctionCaller.
func (f *keyedFunction[K, Out]) UserFunction() any { return f.function }

// batchClock is a clock that stands still between two looks at it.
type batchClock struct {
	clock.Clock
	now time.Time
}

func (c *batchClock) look()          { c.now = c.Clock.Now() }
func (c *batchClock) Now() time.Time { return c.now }

func newKeyedFunction[K comparable, Out any](ctx *operator.Context, out operator.Outputs, next operator.Input[Out], keys codec.Key[K], function any) keyedFunction[K, Out] {
	onTimer, _ := function.(operator.TimerFunction[K, Out])
	return keyedFunction[K, Out]{
		nextTimer: operator.NoCall, nextCleaning: operator.NoCall, ctx: ctx, function: function, keys: state.Keys[K]{Codec: keys}, onTimer: onTimer,
		buffer: operator.NewBuffer(next, ctx.RecordsOut), sides: operator.NewSideOutputs(ctx, out),
	}
}

func (f *keyedFunction[K, Out]) open() (err error) {
	fields, err := Fields(f.function)
	if err != nil {
		return err
	}
	if f.store, err = keyed.OpenStore(f.storeContext(fields)); err != nil {
		return err
	}
	if len(fields) > 0 {
		if f.backend, err = keyed.Fields(f.store, f.keys, fields); err != nil {
			return err
		}
		f.clean()
	}
	if f.without, err = operatorstate.Open(f.ctx, f.function); err != nil {
		return err
	}
	f.store.WithoutKeys(f.without)
	f.openTimers()
	if err := f.store.Restore(); err != nil {
		return err
	}
	if f.timers != nil {
		f.timers.Restored()
	}
	f.opened = true
	return open(f.ctx, f.function)
}

// storeContext is the operator's context as its store sees it: with the function's clock, and sharing the one call that an
// operator has.
func (f *keyedFunction[K, Out]) storeContext(fields []state.Field) *operator.Context {
	ctx := *f.ctx
	if slices.ContainsFunc(fields, func(field state.Field) bool { return field.Descriptor.TTL.Duration > 0 }) {
		f.clock = &batchClock{Clock: ctx.Clock}
		f.clock.look()
		ctx.Clock = f.clock
	}
	ctx.CallAt = func(at int64) {
		f.nextTimer = at
		f.ctx.CallAt(min(at, f.nextCleaning))
	}
	return &ctx
}

// look takes the time, for state that expires.
func (f *keyedFunction[K, Out]) look() {
	if f.clock != nil {
		f.clock.look()
	}
}

// clean removes some of the state that has expired.
func (f *keyedFunction[K, Out]) clean() {
	if f.clock == nil {
		return
	}
	if next := f.store.Clean(); next != f.nextCleaning {
		f.nextCleaning = next
		f.ctx.CallAt(min(next, f.nextTimer))
	}
}

func (f *keyedFunction[K, Out]) openTimers() {
	var timers operator.KeyedTimers[K]
	if f.onTimer != nil {
		f.timers = keyed.NewTimerService(f.store, timersName, f.keys)
		timers = f.timers
	}
	f.context = operator.NewKeyedContext(f.ctx, f.function, f.sides, timers, f.eachKey)
	event := operator.NewOnTimerContext(f.context, operator.EventTime)
	processing := operator.NewOnTimerContext(f.context, operator.ProcessingTime)
	f.fireEvent = func(key K, hash uint64, at int64) error { return f.fire(event, key, hash, at, at) }
	f.fireProcessing = func(key K, hash uint64, at int64) error {
		return f.fire(processing, key, hash, at, element.NoTimestamp)
	}
}

func (f *keyedFunction[K, Out]) eachKey(visit func(K) bool) {
	if f.backend != nil {
		f.backend.Each(state.AnyColumn, visit)
	}
}

// fire calls OnTimer for one timer; what it emits has that timestamp.
func (f *keyedFunction[K, Out]) fire(ctx *operator.OnTimerContext[K], key K, hash uint64, at, timestamp int64) error {
	if f.backend != nil {
		f.backend.Seek(key, hash)
	}
	ctx.AtTimer(key, hash, at, timestamp)
	f.buffer.At(timestamp)
	if err := f.onTimer.OnTimer(ctx, f.buffer.Collector()); err != nil {
		return err
	}
	return f.buffer.Err()
}

// advance does what a watermark causes.
func (f *keyedFunction[K, Out]) advance(at int64) (err error) {
	f.context.SetWatermark(at)
	if f.timers == nil {
		return nil
	}
	defer f.ctx.Guard(&err)
	f.look()
	if err := f.timers.AdvanceWatermark(at, f.fireEvent); err != nil {
		return err
	}
	return f.flush()
}

// OnProcessingTime implements operator.Timed.
func (f *keyedFunction[K, Out]) OnProcessingTime(now int64) (err error) {
	defer f.ctx.Guard(&err)
	f.look()
	f.nextTimer, f.nextCleaning = operator.NoCall, operator.NoCall // no call is pending now
	f.clean()
	if f.timers == nil {
		return nil
	}
	if err := f.timers.AdvanceProcessingTime(now, f.fireProcessing); err != nil {
		return err
	}
	return f.flush()
}

// leaveKey makes no key current.
func (f *keyedFunction[K, Out]) leaveKey() {
	if f.backend != nil {
		f.backend.Prepare(nil, nil)
	}
	f.context.LeaveKey()
}

// flush hands on what was emitted.
func (f *keyedFunction[K, Out]) flush() error {
	f.context.LeaveKey()
	f.buffer.At(element.NoTimestamp)
	if err := f.buffer.Flush(); err != nil {
		return err
	}
	return f.sides.Flush()
}

// each calls a function for every record of a batch, with the record's key current. Of the forms that the parameter could have, an
// interface is the one that is called without a detour.
func each[K comparable, In, Out any](f *keyedFunction[K, Out], keys *keyed.Keys[K, In], batch *element.Batch[In], function operator.KeyedProcessFunction[K, In, Out]) error {
	all, hashes, err := keys.Of(batch)
	if err != nil {
		return err
	}
	backend, context, buffer, out := f.backend, f.context, f.buffer, f.buffer.Collector()
	if backend != nil {
		backend.Prepare(all, hashes)
	}
	f.look()
	urgent, timestamps := f.ctx.Urgent(), batch.Timestamps
	context.AtKeys(all, hashes, timestamps)
	for i, v := range batch.Values {
		if operator.Waits(urgent) {
			if err := f.ctx.GiveWay(); err != nil {
				return err
			}
		}
		if backend != nil {
			backend.SeekAt(i)
		}
		context.AtRecord(i)
		if len(timestamps) > 0 {
			buffer.At(timestamps[i])
		}
		if err := function.Process(context, v, out); err != nil {
			return err
		}
		if err := buffer.Err(); err != nil {
			return err
		}
	}
	f.clean()
	return f.flush()
}

func (f *keyedFunction[K, Out]) finish() (err error) {
	last, ok := f.function.(operator.KeyedFinisher[K, Out])
	if !ok {
		return nil
	}
	f.look()
	f.leaveKey()
	if err := last.Finish(f.context, f.buffer.Collector()); err != nil {
		return err
	}
	return f.flush()
}

// Mark implements operator.Stateful.
func (f *keyedFunction[K, Out]) Mark(kind snapshot.MarkKind) (operator.Capture, error) {
	return f.store.Mark(kind)
}

func (f *keyedFunction[K, Out]) close() error {
	if f.store == nil {
		return nil
	}
	defer f.store.Close()
	if !f.opened {
		return nil // Open has not come as far as the function
	}
	return closeFunction(f.function)
}
