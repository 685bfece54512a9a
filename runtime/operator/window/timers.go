package window

import (
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// onEventTime is called when the watermark has reached a timer.
func (o *windowing[K, In, Out]) onEventTime(key state.Windowed[K], hash uint64, at int64) error {
	return o.onTime(placed[K]{key, hash}, at, operator.EventTime)
}

// onProcessingTime is called when the clock has reached a timer.
func (o *windowing[K, In, Out]) onProcessingTime(key state.Windowed[K], hash uint64, at int64) error {
	return o.onTime(placed[K]{key, hash}, at, operator.ProcessingTime)
}

func (o *windowing[K, In, Out]) onTime(p placed[K], at int64, domain operator.TimeDomain) error {
	if o.merges {
		o.seekKey(p.key.Key)
		return o.onSessionTime(p, at, domain)
	}
	o.seek(p)
	if err := o.act(o.askAt(at, domain)); err != nil {
		return err
	}
	if o.isCleanup(p.window(), at, domain) {
		return o.cleanUp()
	}
	return nil
}

// isCleanup reports whether a timer is the one at which the window goes.
func (o *windowing[K, In, Out]) isCleanup(w operator.Window, at int64, domain operator.TimeDomain) bool {
	return domain == o.config.Assigner.TimeDomain() && at == o.cleanupTime(w)
}

// seekKey makes a key current, where there is state of keys.
func (o *windowing[K, In, Out]) seekKey(key K) {
	if o.perKey != nil {
		o.oneKey[0] = key
		_ = o.config.Key.Hash(o.oneKey[:], o.oneHash[:]) // a key that equals itself, or it had no window
		o.perKey.Seek(key, o.oneHash[0])
	}
}

// seek makes a window the one at hand.
func (o *windowing[K, In, Out]) seek(p placed[K]) {
	o.hand = p
	o.windows.Seek(p.key, p.hash)
}

// askAt asks the trigger about a timer of the window at hand.
func (o *windowing[K, In, Out]) askAt(at int64, domain operator.TimeDomain) operator.TriggerResult {
	switch o.standard {
	case endOfEventTime:
		if domain == operator.EventTime && at == o.hand.window().MaxTimestamp() {
			return operator.Fire
		}
		return operator.Continue
	case endOfProcessingTime:
		if domain == operator.ProcessingTime {
			return operator.Fire
		}
		return operator.Continue
	}
	o.triggering.At(o.hand.window())
	if domain == operator.EventTime {
		return o.trigger.OnEventTime(o.triggering, at)
	}
	return o.trigger.OnProcessingTime(o.triggering, at)
}

// cleanUp drops the window at hand with all that is kept for it.
func (o *windowing[K, In, Out]) cleanUp() error {
	o.contents.clear()
	o.clearTrigger()
	if o.clearing != nil {
		o.seekKey(o.hand.key.Key)
		o.function.At(o.hand.key.Key, o.hand.window())
		if err := o.clearing.Clear(o.function); err != nil {
			return err
		}
	}
	o.clearState()
	return nil
}

// clearTrigger takes back the timers of the window at hand, which is the current key.
func (o *windowing[K, In, Out]) clearTrigger() {
	o.triggering.At(o.hand.window())
	o.trigger.Clear(o.triggering)
}

// clearState clears what is kept at the current key, also what a trigger has forgotten.
func (o *windowing[K, In, Out]) clearState() {
	for _, clear := range o.clearers {
		clear()
	}
}

// triggerTimers gives a trigger the timers of the window at hand.
type triggerTimers[K comparable, In, Out any] windowing[K, In, Out]

func (t *triggerTimers[K, In, Out]) RegisterEvent(at int64) {
	t.timers.RegisterEvent(t.hand.key, t.hand.hash, at)
}

func (t *triggerTimers[K, In, Out]) DeleteEvent(at int64) {
	t.timers.DeleteEvent(t.hand.key, t.hand.hash, at)
}

func (t *triggerTimers[K, In, Out]) RegisterProcessing(at int64) {
	t.timers.RegisterProcessing(t.hand.key, t.hand.hash, at)
}

func (t *triggerTimers[K, In, Out]) DeleteProcessing(at int64) {
	t.timers.DeleteProcessing(t.hand.key, t.hand.hash, at)
}

// EachMerged implements operator.TriggerTimers.
func (t *triggerTimers[K, In, Out]) EachMerged(visit func(operator.Window)) {
	o := (*windowing[K, In, Out])(t)
	into := o.hand
	for _, s := range o.merged {
		o.seek(place(into.key.Key, o.oneHash[0], s.window()))
		visit(s.window())
	}
	o.seek(into)
}
