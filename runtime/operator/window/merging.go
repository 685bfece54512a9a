package window

import (
	"math"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// noTimer is the Timer of a session that has none.
const noTimer = math.MaxInt64

// mergeAll puts the records of a batch into windows that merge.
func (o *windowing[K, In, Out]) mergeAll(batch *element.Batch[In], keys []K, hashes []uint64) error {
	o.setTime()
	o.perKey.Prepare(keys, hashes)
	urgent := o.Ctx.Urgent()
	for i, value := range batch.Values {
		if operator.Waits(urgent) {
			if err := o.Ctx.GiveWay(); err != nil {
				return err
			}
		}
		timestamp := batch.TimestampAt(i)
		if err := o.assign(value, timestamp); err != nil {
			return err
		}
		o.perKey.SeekAt(i)
		o.oneHash[0] = hashes[i]
		o.current = o.sessions.load(o.current)
		skipped := true
		for _, w := range o.assigned {
			late, err := o.merge(keys[i], w, timestamp)
			if err != nil {
				return err
			}
			skipped = skipped && late
		}
		if skipped {
			o.skip(value, timestamp)
		} else {
			o.sessions.store(o.current)
		}
	}
	return nil
}

// merge puts the record at hand into the session of its key that its window w becomes part of.
func (o *windowing[K, In, Out]) merge(key K, w operator.Window, timestamp int64) (late bool, err error) {
	var at int
	at, o.merged = o.current.add(w, o.merged[:0])
	s := &o.current[at]
	if o.isLate(s.window()) {
		o.current.remove(at)
		return true, nil
	}
	contents, actual := place(key, o.oneHash[0], s.state()), place(key, o.oneHash[0], s.window())
	if len(o.merged) > 0 {
		o.mergeInto(key, actual, contents)
	}
	o.seek(contents)
	fresh := o.contents.add(o.record, timestamp)
	if o.standard != customTrigger {
		return false, o.onSessionElement(s)
	}
	o.seek(actual)
	result := o.onElement(timestamp, fresh)
	o.windows.Seek(contents.key, contents.hash)
	if err := o.act(result); err != nil {
		return false, err
	}
	o.registerCleanup()
	return false, nil
}

// mergeInto moves to the session what the merged ones had: the trigger's state, then the contents.
func (o *windowing[K, In, Out]) mergeInto(key K, actual, contents placed[K]) {
	if o.standard == customTrigger {
		o.seek(actual)
		o.triggering.At(actual.window())
		o.trigger.(operator.MergingTrigger).OnMerge(o.triggering)
		for _, s := range o.merged {
			o.seek(place(key, o.oneHash[0], s.window()))
			o.clearTrigger()
			o.deleteCleanup()
			o.clearTriggerState()
		}
	}
	for _, s := range o.merged[1:] {
		o.seek(place(key, o.oneHash[0], s.state()))
		o.contents.lift()
		o.seek(contents)
		o.contents.drop()
	}
}

// clearTriggerState clears the trigger's state of the window at hand. Its contents, in the first column, may be those of a
// session.
func (o *windowing[K, In, Out]) clearTriggerState() {
	for _, clear := range o.clearers[1:] {
		clear()
	}
}

// onSessionTime is called for a timer of a session, with its key current.
func (o *windowing[K, In, Out]) onSessionTime(p placed[K], at int64, domain operator.TimeDomain) error {
	o.current = o.sessions.load(o.current)
	if o.standard != customTrigger {
		return o.onLazyTimer(p, at)
	}
	i := o.current.of(p.window())
	if i < 0 {
		return nil // a timer that the trigger has not taken back when the window was merged
	}
	s := o.current[i]
	contents := place(p.key.Key, o.oneHash[0], s.state())
	o.seek(p)
	result := o.askAt(at, domain)
	o.windows.Seek(contents.key, contents.hash)
	if err := o.act(result); err != nil {
		return err
	}
	if !o.isCleanup(p.window(), at, domain) {
		return nil
	}
	o.contents.clear()
	o.seek(p)
	o.clearTrigger()
	o.clearTriggerState()
	return o.closeSession(i)
}

// closeSession tells the function that the session at hand goes, and forgets it.
func (o *windowing[K, In, Out]) closeSession(at int) error {
	if o.clearing != nil {
		o.function.At(o.hand.key.Key, o.current[at].window())
		if err := o.clearing.Clear(o.function); err != nil {
			return err
		}
	}
	o.current.remove(at)
	o.sessions.store(o.current)
	return nil
}
