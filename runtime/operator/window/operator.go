package window

import (
	"errors"
	"math"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/state"
)

// windowing gathers records in windows. What it does for whom is that of Flink's WindowOperator and EvictingWindowOperator.
//
// The state of a key and window is in one backend, that of a key in another. A record is put into each of its windows that is
// not late, then the trigger is asked. Timers belong to a key and window; those of the trigger and the one at which the
// window goes, its cleanup, are one set, so that a trigger is asked at the cleanup too.
type windowing[K comparable, In, Out any] struct {
	operator.Base[Out]
	config   Config[K, In, Out]
	keys     keyed.Keys[K, In]
	contents contents[K, In, Out]
	trigger  operator.Trigger
	// standard tells the default triggers, which need no state and no context; see action.
	standard standardTrigger
	// eventTime and merges are of the assigner.
	eventTime, merges bool

	buffer  *operator.Buffer[Out]
	sides   *operator.SideOutputs
	late    *operator.Buffer[In]
	dropped *metrics.Counter

	store *keyed.Store
	calls *calls
	// windows is the state of keys and windows, perKey of keys, nil if there is none.
	windows  state.Backend[state.Windowed[K]]
	perKey   state.Backend[K]
	timers   *keyed.TimerService[state.Windowed[K]]
	sessions *sessionSet
	clearers []func()

	record     In
	assigning  *operator.AssignerContext
	triggering *operator.TriggerContext
	function   *operator.WindowContext[K]
	// hand is the window whose timers a trigger is given.
	hand     placed[K]
	clearing operator.WindowClearer[K]
	// watermark and now are the times of the two domains; now is that of the batch or timers at hand.
	watermark, now int64
	// eagerUntil is the time up to which there may be windows whose timers went before a restore: until then every
	// record registers the timers of its window anew, and not only the first one.
	eagerUntil int64
	opened     bool

	assigned []operator.Window
	visits   visits[K]
	oneKey   [1]K
	oneHash  [1]uint64
	current  sessions
	merged   []session
}

// standardTrigger tells the default triggers from others.
type standardTrigger uint8

const (
	customTrigger standardTrigger = iota
	endOfEventTime
	endOfProcessingTime
)

// placed is a window of a key with the stable hash of both.
type placed[K comparable] struct {
	key  state.Windowed[K]
	hash uint64
}

func (p placed[K]) window() operator.Window {
	return operator.Window{Start: p.key.Start, End: p.key.End}
}

func place[K comparable](key K, keyHash uint64, w operator.Window) placed[K] {
	return placed[K]{state.Windowed[K]{Key: key, Start: w.Start, End: w.End}, state.WindowedHash(keyHash, w.Start, w.End)}
}

func newWindowing[K comparable, In, Out any](c Config[K, In, Out], ctx *operator.Context, out operator.Outputs) *windowing[K, In, Out] {
	base := operator.NewBase[Out](ctx, out)
	o := &windowing[K, In, Out]{
		Base: base, config: c, keys: keyed.Keys[K, In]{Stream: c.Stream},
		contents: c.Contents.make(c.Evictor), trigger: c.Trigger(), eventTime: c.Assigner.TimeDomain() == operator.EventTime, merges: c.merges(),
		buffer: operator.NewBuffer(base.Next, ctx.RecordsOut), sides: operator.NewSideOutputs(ctx, out),
		watermark: element.NoWatermark, eagerUntil: math.MinInt64,
	}
	if c.Late.Name != "" {
		o.late = c.Late.Buffer(ctx, out)
	}
	switch o.trigger.(type) {
	case operator.EventTimeTrigger:
		if o.eventTime {
			o.standard = endOfEventTime
		}
	case operator.ProcessingTimeTrigger:
		if !o.eventTime {
			o.standard = endOfProcessingTime
		}
	}
	o.clearing, _ = o.contents.function().(operator.WindowClearer[K])
	o.assigning = operator.NewAssignerContext(&o.record)
	o.triggering = operator.NewTriggerContext(ctx, &o.record, (*triggerTimers[K, In, Out])(o))
	o.function = operator.NewWindowContext[K](ctx, o.sides)
	return o
}

// Open implements operator.Operator.
func (o *windowing[K, In, Out]) Open() (err error) {
	o.dropped = o.Ctx.Metrics.Counter("numLateRecordsDropped")
	states, err := layoutOf(o.trigger, o.contents, o.merges)
	if err != nil {
		return err
	}
	o.sessions = states.set
	o.calls = newCalls(o.Ctx)
	if o.store, err = keyed.OpenStore(o.calls.forTimers()); err != nil {
		return err
	}
	keys := state.Keys[K]{Codec: o.config.Key}
	windowed, err := state.WindowedKeys(keys)
	if err != nil {
		return err
	}
	if o.windows, err = openBackend(o.store, windowed, states.perWindow()); err != nil {
		return err
	}
	if o.perKey, err = openBackend(o.store, keys, states.perKey()); err != nil {
		return err
	}
	o.contents.open(o.windows)
	o.clearers = clearers(o.windows, states.perWindow())
	o.timers = keyed.NewTimerService(o.store, timersName, windowed)
	if err := o.restore(); err != nil {
		return err
	}
	o.calls.clean(o.store.Clean())
	o.opened = true
	if f, ok := o.contents.function().(operator.Opener); ok {
		return f.Open(o.Ctx.Runtime())
	}
	return nil
}

func (o *windowing[K, In, Out]) restore() error {
	if err := o.store.Restore(); err != nil {
		return err
	}
	o.timers.Restored()
	if len(o.Ctx.Restored) > 0 {
		timers := o.timers.Event
		if !o.eventTime {
			timers = o.timers.Processing
		}
		timers.Each(func(_ state.Windowed[K], at int64) bool {
			o.eagerUntil = max(o.eagerUntil, at)
			return true
		})
	}
	return nil
}

// Mark implements operator.Stateful.
func (o *windowing[K, In, Out]) Mark(kind snapshot.MarkKind) (operator.Capture, error) {
	return o.store.Mark(kind)
}

// UserFunction implements operator.FunctionCaller.
func (o *windowing[K, In, Out]) UserFunction() any { return o.contents.function() }

// Close implements operator.Operator.
func (o *windowing[K, In, Out]) Close() (err error) {
	if o.store == nil {
		return nil
	}
	if f, ok := o.contents.function().(operator.Closer); ok && o.opened {
		err = f.Close()
	}
	return errors.Join(err, o.store.Close())
}

// Watermark implements operator.Input.
func (o *windowing[K, In, Out]) Watermark(at int64) error {
	if err := o.advance(at); err != nil {
		return err
	}
	return o.Base.Watermark(at)
}

// advance does what a watermark causes.
func (o *windowing[K, In, Out]) advance(at int64) (err error) {
	defer o.Ctx.Guard(&err)
	o.watermark = max(o.watermark, at)
	o.function.SetWatermark(o.watermark)
	o.setTime()
	if err := o.timers.AdvanceWatermark(at, o.onEventTime); err != nil {
		return err
	}
	return o.flush()
}

// OnProcessingTime implements operator.Timed.
func (o *windowing[K, In, Out]) OnProcessingTime(now int64) (err error) {
	defer o.Ctx.Guard(&err)
	o.calls.come()
	o.calls.clean(o.store.Clean())
	o.now = now
	o.triggering.SetTime(o.watermark, now)
	if err := o.timers.AdvanceProcessingTime(now, o.onProcessingTime); err != nil {
		return err
	}
	return o.flush()
}

// setTime reads the clock for whoever may ask.
func (o *windowing[K, In, Out]) setTime() {
	if o.standard != endOfEventTime {
		o.now = o.Ctx.Now()
	}
	o.triggering.SetTime(o.watermark, o.now)
}

func (o *windowing[K, In, Out]) flush() error {
	if err := o.buffer.Flush(); err != nil {
		return err
	}
	if o.late != nil {
		if err := o.late.Flush(); err != nil {
			return err
		}
	}
	return o.sides.Flush()
}
