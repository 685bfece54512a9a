package session

import (
	"errors"
	"unsafe"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/window/sliced"
	"github.com/weir-stream/weir/state"
)

// open is a session of a key. The first one of a key, in time, is kept in the key's entry, the others beside it.
type open[Acc any] struct {
	Start, End int64
	// Timer is, in a key's first session, the time of the timer that counts: the key is looked at then. It is at or before the
	// time when something is to happen to any of its sessions, and stays where it is while they grow.
	Timer int64
	// Fired says that there is nothing to emit before the next record. More says, in a key's first session, that there are others.
	Fired, More bool
	Acc         Acc
}

// next is when something is to happen to the session.
func (s *open[Acc]) next(lateness int64) int64 {
	if s.Fired {
		return plus(s.End-1, lateness)
	}
	return s.End - 1
}

// plus adds a duration to a time, up to the end of time.
func plus(time, duration int64) int64 {
	if sum := time + duration; sum >= time {
		return sum
	}
	return operator.NoCall
}

// timerBatch is how many timers are taken from their set at once.
const timerBatch = 256

// windows is the operator.
type windows[K comparable, In, Acc, Out any] struct {
	operator.Base[Out]
	config      Config[K, In, Acc, Out]
	lateness    int64
	keys        keyed.Keys[K, In]
	store       *keyed.Store
	descriptors []state.Descriptor
	backend     state.Backend[K]
	first       state.ValueCell
	others      state.ValueCell
	othersCodec codec.Codec[[]open[Acc]]
	timers      state.Timers[K]
	function    sliced.Function[K, Acc, Out]
	out         *operator.Buffer[Out]
	sides       *operator.SideOutputs
	late        *operator.Buffer[In] // nil if there is no late output
	dropped     *metrics.Counter

	watermark int64
	// called is the processing time at which a call is pending.
	called int64
	due    []state.Timer[K]
	firing sliced.Firing[K]

	times    []int64 // of records that come by the clock
	cells    []unsafe.Pointer
	fresh    []bool
	waiting  []int32 // records of the batch that need a look at all sessions of their key
	register []state.Timer[K]
	sessions []open[Acc]
	scratch  []byte
	dueKeys  []K
	dueHash  []uint64
}

// Open opens the state and takes up what was restored.
func (w *windows[K, In, Acc, Out]) Open() (err error) {
	defer w.Ctx.Guard(&err)
	keys := state.Keys[K]{Codec: w.config.Key}
	if w.store, err = keyed.OpenStore(w.Ctx); err != nil {
		return err
	}
	if w.backend, err = keyed.Backend(w.store, keys, w.descriptors); err != nil {
		return err
	}
	w.first, w.others = w.backend.Value(0), w.backend.Value(1)
	w.timers = keyed.Timers(w.store, timersName, keys)
	if err := w.store.Restore(); err != nil {
		return err
	}
	w.call()
	if opener, ok := w.function.(operator.Opener); ok {
		return opener.Open(w.Ctx.Runtime())
	}
	return nil
}

// UserFunction implements operator.FunctionCaller.
func (w *windows[K, In, Acc, Out]) UserFunction() any { return w.function }

// Close closes the function and the state.
func (w *windows[K, In, Acc, Out]) Close() (err error) {
	defer w.Ctx.Guard(&err)
	if closer, ok := w.function.(operator.Closer); ok {
		err = closer.Close()
	}
	if w.store != nil {
		err = errors.Join(err, w.store.Close())
	}
	return err
}

// Mark returns sessions and timers.
func (w *windows[K, In, Acc, Out]) Mark(kind snapshot.MarkKind) (operator.Capture, error) {
	return w.store.Mark(kind)
}

// Process adds records to the sessions of their keys.
func (w *windows[K, In, Acc, Out]) Process(batch *element.Batch[In]) (err error) {
	defer w.Ctx.Guard(&err)
	if batch.Len() == 0 {
		return nil
	}
	w.Ctx.RecordsIn.Add(uint64(batch.Len()))
	keys, hashes, err := w.keys.Of(batch)
	if err != nil {
		return err
	}
	times, late, err := w.timesOf(batch)
	if err != nil {
		return err
	}
	if late {
		for i := range keys {
			if err := w.addSlowly(batch.Values[i], times[i], keys[i], hashes[i]); err != nil {
				return err
			}
		}
	} else if err := w.add(batch.Values, times, keys, hashes); err != nil {
		return err
	}
	w.call()
	return w.flush()
}

// timesOf returns the times of the records, and whether any of them could be late or have a session fire at once.
func (w *windows[K, In, Acc, Out]) timesOf(batch *element.Batch[In]) (times []int64, late bool, err error) {
	if w.config.ProcessingTime {
		times = operator.Resize(&w.times, batch.Len())
		now := w.Ctx.Now()
		for i := range times {
			times[i] = now
		}
		return times, false, nil
	}
	least := operator.NoCall
	for _, at := range batch.Timestamps {
		least = min(least, at)
	}
	if len(batch.Timestamps) == 0 || least == element.NoTimestamp {
		return nil, false, errors.New("a record has no timestamp, so it belongs to no window of event time: assign timestamps and watermarks at or behind the source, or use a window of processing time")
	}
	return batch.Timestamps, plus(least, w.config.Gap)-1 <= w.watermark, nil
}

// add adds records none of which has a session fire at once. What sessions come of them does not depend on their order, so
// those that touch another session of their key than the first, or none, come at the end.
func (w *windows[K, In, Acc, Out]) add(values []In, times []int64, keys []K, hashes []uint64) error {
	cells, fresh := operator.Resize(&w.cells, len(keys)), operator.Resize(&w.fresh, len(keys))
	w.backend.Upsert(0, keys, hashes, cells, fresh)
	w.waiting, w.register = w.waiting[:0], w.register[:0]
	add, gap, urgent := w.config.Add, w.config.Gap, w.Ctx.Urgent()
	for i, cell := range cells {
		if operator.Waits(urgent) {
			if err := w.Ctx.GiveWay(); err != nil {
				return err
			}
		}
		s, at := (*open[Acc])(cell), times[i]
		end := plus(at, gap)
		switch {
		case fresh[i]:
			s.Start, s.End, s.Timer = at, end, end-1
			w.register = append(w.register, state.Timer[K]{Key: keys[i], Hash: hashes[i], At: s.Timer})
		case s.More || at > s.End || s.Start > end:
			w.waiting = append(w.waiting, int32(i))
			continue
		default:
			s.Start, s.End, s.Fired = min(s.Start, at), max(s.End, end), false
			if s.End-1 < s.Timer {
				s.Timer = s.End - 1
				w.register = append(w.register, state.Timer[K]{Key: keys[i], Hash: hashes[i], At: s.Timer})
			}
		}
		add(&s.Acc, fresh[i], values[i])
	}
	for _, t := range w.register {
		w.timers.Register(t.Key, t.Hash, t.At)
	}
	for _, i := range w.waiting {
		if err := w.addSlowly(values[i], times[i], keys[i], hashes[i]); err != nil {
			return err
		}
	}
	return nil
}

// addSlowly adds a record with all sessions of its key at hand.
func (w *windows[K, In, Acc, Out]) addSlowly(value In, at int64, key K, hash uint64) error {
	event := !w.config.ProcessingTime
	w.backend.Seek(key, hash)
	timer := w.load()
	s := open[Acc]{Start: at, End: plus(at, w.config.Gap)}
	from, to := w.touching(&s)
	if from == to && event && plus(s.End-1, w.lateness) <= w.watermark {
		return w.tooLate(value, at)
	}
	for i := from; i < to; i++ {
		other := &w.sessions[i]
		s.Start, s.End = min(s.Start, other.Start), max(s.End, other.End)
		if i == from {
			s.Acc = other.Acc
		} else {
			w.config.Merge(&s.Acc, &other.Acc)
		}
	}
	w.config.Add(&s.Acc, from == to, value)
	s.Fired = event && s.End-1 <= w.watermark
	w.replace(from, to, s)
	w.save(timer, key, hash)
	if s.Fired {
		return w.fire(key, &s)
	}
	return nil
}

// touching returns which sessions overlap or touch one.
func (w *windows[K, In, Acc, Out]) touching(s *open[Acc]) (from, to int) {
	for from < len(w.sessions) && w.sessions[from].End < s.Start {
		from++
	}
	for to = from; to < len(w.sessions) && w.sessions[to].Start <= s.End; to++ {
	}
	return from, to
}

// replace puts a session in the place of some.
func (w *windows[K, In, Acc, Out]) replace(from, to int, s open[Acc]) {
	if from == to {
		w.sessions = append(w.sessions, s)
		copy(w.sessions[from+1:], w.sessions[from:])
		w.sessions[from] = s
		return
	}
	w.sessions[from] = s
	w.sessions = append(w.sessions[:from+1], w.sessions[to:]...)
}

// load reads the sessions of the current key, in order of time, and returns when its timer fires.
func (w *windows[K, In, Acc, Out]) load() (timer int64) {
	w.sessions = w.sessions[:0]
	p := w.first.Load()
	if p == nil {
		return operator.NoCall
	}
	first := *(*open[Acc])(p)
	w.sessions = append(w.sessions, first)
	if first.More {
		encoded, _ := w.others.LoadBytes()
		var others []open[Acc]
		if _, err := w.othersCodec.Decode(encoded, &others); err != nil {
			panic(&state.Failure{State: othersName, Action: "decode a value of", Cause: err})
		}
		w.sessions = append(w.sessions, others...)
	}
	return first.Timer
}

// save writes the sessions of the current key, and sees to it that its timer, which fires at timer, is early enough.
func (w *windows[K, In, Acc, Out]) save(timer int64, key K, hash uint64) {
	if len(w.sessions) == 0 {
		w.first.Clear()
		w.others.Clear()
		return
	}
	next := operator.NoCall
	for i := range w.sessions {
		next = min(next, w.sessions[i].next(w.lateness))
	}
	if next < timer {
		timer = next
		w.timers.Register(key, hash, timer)
	}
	first := &w.sessions[0]
	first.Timer, first.More = timer, len(w.sessions) > 1
	if first.More {
		others := w.sessions[1:]
		w.scratch = w.othersCodec.Append(w.scratch[:0], &others)
		w.others.StoreBytes(w.scratch)
	} else {
		w.others.Clear()
	}
	p, _ := w.first.Store()
	*(*open[Acc])(p) = *first
}

func (w *windows[K, In, Acc, Out]) tooLate(value In, at int64) error {
	if w.late == nil {
		w.dropped.Add(1)
		return nil
	}
	w.late.Collector().CollectAt(value, at)
	return w.late.Err()
}
