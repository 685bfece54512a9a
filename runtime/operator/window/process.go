package window

import (
	"fmt"
	"math"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// visits are the windows of the records of a batch: every record once for each window of it that is not late.
type visits[K comparable] struct {
	keys    []state.Windowed[K]
	hashes  []uint64
	records []int32
}

func (v *visits[K]) reset() {
	v.keys, v.hashes, v.records = v.keys[:0], v.hashes[:0], v.records[:0]
}

func (v *visits[K]) add(p placed[K], record int) {
	v.keys, v.hashes, v.records = append(v.keys, p.key), append(v.hashes, p.hash), append(v.records, int32(record))
}

// Process implements operator.Input.
func (o *windowing[K, In, Out]) Process(batch *element.Batch[In]) (err error) {
	defer o.Ctx.Guard(&err)
	o.Ctx.RecordsIn.Add(uint64(batch.Len()))
	keys, hashes, err := o.keys.Of(batch)
	if err != nil {
		return err
	}
	if o.merges {
		err = o.mergeAll(batch, keys, hashes)
	} else if err = o.assignAll(batch, keys, hashes); err == nil {
		err = o.visitAll(batch)
	}
	if err != nil {
		return err
	}
	return o.flush()
}

// assignAll fills visits with the windows of all records, and puts out those records that are late.
func (o *windowing[K, In, Out]) assignAll(batch *element.Batch[In], keys []K, hashes []uint64) error {
	o.setTime()
	o.visits.reset()
	for i, value := range batch.Values {
		timestamp := batch.TimestampAt(i)
		if err := o.assign(value, timestamp); err != nil {
			return err
		}
		skipped := true
		for _, w := range o.assigned {
			if o.isLate(w) {
				continue
			}
			skipped = false
			o.visits.add(place(keys[i], hashes[i], w), i)
		}
		if skipped {
			o.skip(value, timestamp)
		}
	}
	return nil
}

// assign fills assigned with the windows of a record.
func (o *windowing[K, In, Out]) assign(value In, timestamp int64) error {
	at := timestamp
	switch {
	case !o.eventTime:
		at = o.now
	case timestamp == element.NoTimestamp:
		return fmt.Errorf("a record has no timestamp, but its windows are in event time: %T: "+
			"assign timestamps with a watermark strategy before the window, or use windows in processing time", value)
	}
	o.record, o.assigning.Timestamp = value, at
	o.assigned = o.config.Assigner.Assign(o.assigning, o.assigned[:0])
	return nil
}

// visitAll puts records into their windows and asks the trigger for each.
func (o *windowing[K, In, Out]) visitAll(batch *element.Batch[In]) error {
	v := &o.visits
	o.windows.Prepare(v.keys, v.hashes)
	urgent := o.Ctx.Urgent()
	for i, record := range v.records {
		if operator.Waits(urgent) {
			if err := o.Ctx.GiveWay(); err != nil {
				return err
			}
		}
		o.windows.SeekAt(i)
		o.record = batch.Values[record]
		timestamp := batch.TimestampAt(int(record))
		fresh := o.contents.add(o.record, timestamp)
		o.hand = placed[K]{v.keys[i], v.hashes[i]}
		if err := o.act(o.onElement(timestamp, fresh)); err != nil {
			return err
		}
		if fresh || o.standard == customTrigger || o.isEager() { // a trigger may have taken back its timer of that time
			o.registerCleanup()
		}
	}
	return nil
}

// isEager is true while windows may have lost timers that their records would register anew, see eagerUntil.
func (o *windowing[K, In, Out]) isEager() bool {
	if o.eventTime {
		return o.watermark < o.eagerUntil
	}
	return o.now < o.eagerUntil
}

// onElement asks the trigger about a record that was added to the window at hand. The default triggers register a timer with
// the first record: it stays as long as the window has contents.
func (o *windowing[K, In, Out]) onElement(timestamp int64, fresh bool) operator.TriggerResult {
	switch o.standard {
	case endOfEventTime:
		end := o.hand.window().MaxTimestamp()
		if end <= o.watermark {
			return operator.Fire
		}
		if fresh || o.isEager() {
			o.timers.RegisterEvent(o.hand.key, o.hand.hash, end)
		}
		return operator.Continue
	case endOfProcessingTime:
		if fresh || o.isEager() {
			o.timers.RegisterProcessing(o.hand.key, o.hand.hash, o.hand.window().MaxTimestamp())
		}
		return operator.Continue
	}
	o.triggering.At(o.hand.window())
	return o.trigger.OnElement(o.triggering, timestamp)
}

// act does what the trigger wants with the window at hand, whose contents are at the current key.
func (o *windowing[K, In, Out]) act(result operator.TriggerResult) error {
	if result.IsFire() {
		if err := o.fire(o.hand.key.Key, o.hand.window()); err != nil {
			return err
		}
	}
	if result.IsPurge() {
		o.contents.clear()
	}
	return nil
}

// fire calls the function for a window of a key, the contents of which are at the current key of the windows' backend. Where
// windows merge, the key is current in the other backend for the sake of its sessions.
func (o *windowing[K, In, Out]) fire(key K, w operator.Window) error {
	if !o.merges {
		o.seekKey(key)
	}
	o.function.At(key, w)
	o.buffer.At(w.MaxTimestamp())
	if err := o.contents.fire(o.function, o.buffer.Collector()); err != nil {
		return err
	}
	return o.buffer.Err()
}

// isLate reports whether a window has gone for good.
func (o *windowing[K, In, Out]) isLate(w operator.Window) bool {
	return o.eventTime && o.cleanupTime(w) <= o.watermark
}

// cleanupTime is when a window goes: at its end or, in event time, when the allowed lateness is over too.
func (o *windowing[K, In, Out]) cleanupTime(w operator.Window) int64 {
	end := w.MaxTimestamp()
	if !o.eventTime {
		return end
	}
	return plus(end, o.config.Lateness)
}

// plus adds a duration to a time, up to the end of time.
func plus(time, duration int64) int64 {
	if sum := time + duration; sum >= time {
		return sum
	}
	return math.MaxInt64
}

// skip puts out a record that is in no window: to the late output if the record itself is late.
func (o *windowing[K, In, Out]) skip(value In, timestamp int64) {
	if !o.eventTime || plus(timestamp, o.config.Lateness) > o.watermark {
		return
	}
	if o.late == nil {
		o.dropped.Add(1)
		return
	}
	o.late.Collector().CollectAt(value, timestamp)
}

// registerCleanup sets the timer at which the window at hand goes. A window that lasts for ever has none.
func (o *windowing[K, In, Out]) registerCleanup() {
	at := o.cleanupTime(o.hand.window())
	switch {
	case at == math.MaxInt64:
	case o.eventTime:
		o.timers.RegisterEvent(o.hand.key, o.hand.hash, at)
	default:
		o.timers.RegisterProcessing(o.hand.key, o.hand.hash, at)
	}
}

func (o *windowing[K, In, Out]) deleteCleanup() {
	at := o.cleanupTime(o.hand.window())
	switch {
	case at == math.MaxInt64:
	case o.eventTime:
		o.timers.DeleteEvent(o.hand.key, o.hand.hash, at)
	default:
		o.timers.DeleteProcessing(o.hand.key, o.hand.hash, at)
	}
}
