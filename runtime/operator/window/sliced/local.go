package sliced

import (
	"errors"
	"unsafe"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
)

// Partial is what one subtask has of one key in one slice: what records become that are aggregated before they are shuffled.
// Its timestamp is the start of the slice.
type Partial[K comparable, Acc any] struct {
	Key K
	Acc Acc
}

// CheckPartial says why records of these windows cannot be aggregated before the shuffle; nil if they can.
func (c *Config[K, In, Acc, Out]) CheckPartial() error {
	switch {
	case c.ProcessingTime:
		return errors.New("the windows are of processing time, which a record gets behind the shuffle")
	case c.Lateness > 0:
		return errors.New("late records fire their windows one by one")
	case c.Late.Name != "":
		return errors.New("the late output has single records")
	case c.Merge == nil:
		return errors.New("the aggregate has no Merge")
	}
	return nil
}

// Global is the window of partials: it goes behind the shuffle, with Local before it.
func (c Config[K, In, Acc, Out]) Global() Config[K, Partial[K, Acc], Acc, Out] {
	merge := c.Merge
	return Config[K, Partial[K, Acc], Acc, Out]{
		Stream: keyed.Stream[K, Partial[K, Acc]]{Selector: func(p Partial[K, Acc]) K { return p.Key }, Key: c.Key},
		Size:   c.Size, Slide: c.Slide, Offset: c.Offset, Accumulators: c.Accumulators, Merge: merge, New: c.New,
		Add: func(acc *Acc, fresh bool, p Partial[K, Acc]) {
			if fresh {
				*acc = p.Acc
				return
			}
			merge(acc, &p.Acc)
		},
	}
}

// Local makes the operator that aggregates before the shuffle. It emits Partials, with the hashes of their keys, and
// holds back those of a slice at most until the watermark that lets the slice's first window fire; also before anything else that
// the other subtasks' watermarks need not wait for: idleness, a snapshot, the end. So no window behind the shuffle misses a
// record that it would have had without the operator.
//
// The memory it takes is bounded. Where it does not make records fewer, it hands on a partial for each for a while, and then
// tries again.
func (c Config[K, In, Acc, Out]) Local() operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		if err := errors.Join(c.check(), c.CheckPartial()); err != nil {
			return operator.Instance{}, err
		}
		l := &local[K, In, Acc]{
			Base: operator.NewBase[Partial[K, Acc]](ctx, out), slicing: newSlicing(c.Size, c.Slide, c.Offset),
			keys: keyed.Keys[K, In]{Stream: c.Stream}, addTo: c.Add, watermark: element.NoWatermark,
			limit: max(partialBytes/int(unsafe.Sizeof(held[K, Acc]{})), partialsLeast),
		}
		return operator.Instance{Operator: l, Inputs: []any{operator.Input[In](l)}}, nil
	}
}

const (
	// partialBytes bounds the memory of held partials, what their pointers lead to left out.
	partialBytes  = 4 << 20
	partialsLeast = 1024
	// Of so many records at least half must go into the partials of others, or else so many are handed on singly.
	trialRecords  = 1 << 16
	singleRecords = 1 << 20
	emitBatch     = 1024
)

type local[K comparable, In, Acc any] struct {
	operator.Base[Partial[K, Acc]]
	slicing
	keys  keyed.Keys[K, In]
	addTo func(acc *Acc, fresh bool, in In)
	split splitter[K]

	current   slice
	watermark int64
	idle      bool
	// tables has a table for each slice that has partials, n is how many partials that is, and limit how many may be.
	tables   []*partials[K, Acc]
	n, limit int
	spare    []*partials[K, Acc]
	out      element.Batch[Partial[K, Acc]]
	// Since the trial began sent partials have left, of records; singles is how many are to be handed on singly.
	records, sent, singles int
}

func (l *local[K, In, Acc]) Process(batch *element.Batch[In]) (err error) {
	defer l.Ctx.Guard(&err)
	n := batch.Len()
	if n == 0 {
		return nil
	}
	l.Ctx.RecordsIn.Add(uint64(n))
	keys, hashes, err := l.keys.Of(batch)
	if err != nil {
		return err
	}
	if len(batch.Timestamps) == 0 || batch.Timestamps[0] == element.NoTimestamp {
		return noTimestamp()
	}
	if !l.current.contains(batch.Timestamps[0]) {
		l.current = l.of(batch.Timestamps[0])
	}
	if allWithin(l.current, batch.Timestamps) {
		err = l.add(l.current, batch.Values, nil, keys, hashes)
	} else if !l.split.by(&l.slicing, batch.Timestamps, keys, hashes) {
		return noTimestamp()
	} else {
		for _, p := range l.split.parts {
			to := p.from + p.n
			if err = l.add(p.slice, batch.Values, l.split.places[p.from:to], l.split.keys[p.from:to], l.split.hashes[p.from:to]); err != nil {
				break
			}
		}
	}
	if err != nil {
		return err
	}
	if l.idle || l.n > l.limit {
		return l.flush(never)
	}
	return l.flush(l.watermark) // slices of late records
}

// add adds records of one slice.
func (l *local[K, In, Acc]) add(s slice, values []In, places []int32, keys []K, hashes []uint64) error {
	if !s.inWindow() {
		return nil
	}
	if l.singles > 0 {
		l.singles -= len(keys)
		return l.handOn(s, values, places, keys, hashes)
	}
	t := l.table(s)
	t.records += len(keys)
	before, urgent := len(t.all), l.Ctx.Urgent()
	for i, key := range keys {
		if operator.Waits(urgent) {
			if err := l.Ctx.GiveWay(); err != nil {
				return err
			}
		}
		h, fresh := t.find(key, hashes[i])
		place := i
		if places != nil {
			place = int(places[i])
		}
		l.addTo(&h.acc, fresh, values[place])
	}
	l.n += len(t.all) - before
	return nil
}

// handOn emits a partial for each record.
func (l *local[K, In, Acc]) handOn(s slice, values []In, places []int32, keys []K, hashes []uint64) error {
	urgent := l.Ctx.Urgent()
	for i, key := range keys {
		if operator.Waits(urgent) {
			if err := l.Ctx.GiveWay(); err != nil {
				return err
			}
		}
		place := i
		if places != nil {
			place = int(places[i])
		}
		l.out.Values = append(l.out.Values, Partial[K, Acc]{Key: key})
		l.addTo(&l.out.Values[len(l.out.Values)-1].Acc, true, values[place])
		l.out.Hashes, l.out.Timestamps = append(l.out.Hashes, hashes[i]), append(l.out.Timestamps, s.start)
	}
	return l.emitBatch()
}

func (l *local[K, In, Acc]) emit(p Partial[K, Acc], hash uint64, at int64) error {
	l.out.Values, l.out.Hashes = append(l.out.Values, p), append(l.out.Hashes, hash)
	l.out.Timestamps = append(l.out.Timestamps, at)
	if len(l.out.Values) < emitBatch {
		return nil
	}
	return l.emitBatch()
}

func (l *local[K, In, Acc]) emitBatch() error {
	if len(l.out.Values) == 0 {
		return nil
	}
	err := l.Emit(&l.out)
	clear(l.out.Values) // what they hold is kept no longer than the batch
	l.out.Reset()
	return err
}

// table returns the table of a slice, made if there is none.
func (l *local[K, In, Acc]) table(s slice) *partials[K, Acc] {
	for i := len(l.tables) - 1; i >= 0; i-- {
		if l.tables[i].slice.start == s.start {
			return l.tables[i]
		}
	}
	t := &partials[K, Acc]{}
	if n := len(l.spare); n > 0 {
		t, l.spare = l.spare[n-1], l.spare[:n-1]
	}
	t.slice = s
	l.tables = append(l.tables, t)
	return t
}

// flush emits the partials of all slices whose first window fires at a watermark.
func (l *local[K, In, Acc]) flush(watermark int64) error {
	kept := l.tables[:0]
	var err error
	for _, t := range l.tables {
		if t.slice.firstEnd-1 > watermark || err != nil {
			kept = append(kept, t)
			continue
		}
		for i := range t.all {
			if err = l.emit(Partial[K, Acc]{t.all[i].key, t.all[i].acc}, t.all[i].hash, t.slice.start); err != nil {
				break
			}
		}
		l.n -= len(t.all)
		l.records, l.sent = l.records+t.records, l.sent+len(t.all)
		t.reset()
		if len(l.spare) < 2 {
			l.spare = append(l.spare, t)
		}
	}
	clear(l.tables[len(kept):])
	l.tables = kept
	if err == nil {
		err = l.emitBatch()
	}
	if l.records >= trialRecords {
		if 2*l.sent > l.records {
			l.singles = singleRecords
		}
		l.records, l.sent = 0, 0
	}
	return err
}

// Watermark emits what the windows behind the shuffle need before they may fire.
func (l *local[K, In, Acc]) Watermark(at int64) (err error) {
	defer l.Ctx.Guard(&err)
	l.watermark = max(l.watermark, at)
	if err := l.flush(l.watermark); err != nil {
		return err
	}
	return l.Next.Watermark(at)
}

// Idle emits everything: windows may fire while this subtask is idle.
func (l *local[K, In, Acc]) Idle(idle bool) (err error) {
	defer l.Ctx.Guard(&err)
	l.idle = idle
	if err := l.flush(never); err != nil {
		return err
	}
	return l.Next.Idle(idle)
}

// PrepareBarrier emits everything, so that there is no state.
func (l *local[K, In, Acc]) PrepareBarrier(ident.CheckpointID) (err error) {
	defer l.Ctx.Guard(&err)
	return l.flush(never)
}

// Finish emits everything.
func (l *local[K, In, Acc]) Finish() (err error) {
	defer l.Ctx.Guard(&err)
	return l.flush(never)
}

// partials is the accumulators of one slice: entries in the order of their making, and an open-addressing index of them.
type partials[K comparable, Acc any] struct {
	slice slice
	// records is how many have been added.
	records int
	all     []held[K, Acc]
	// index has places in all, counted from 1; 0 is free.
	index []int32
}

type held[K comparable, Acc any] struct {
	hash uint64
	key  K
	acc  Acc
}

// leastIndex is the least length of an index, a power of two as are all.
const leastIndex = 1024

// find returns the entry of a key, made if there is none. It is valid until the next find.
func (t *partials[K, Acc]) find(key K, hash uint64) (h *held[K, Acc], fresh bool) {
	if 2*len(t.all) >= len(t.index) {
		t.grow()
	}
	mask := uint64(len(t.index) - 1)
	at := hash & mask
	for t.index[at] != 0 {
		if h := &t.all[t.index[at]-1]; h.hash == hash && h.key == key {
			return h, false
		}
		at = (at + 1) & mask
	}
	t.all = append(t.all, held[K, Acc]{hash: hash, key: key})
	t.index[at] = int32(len(t.all))
	return &t.all[len(t.all)-1], true
}

func (t *partials[K, Acc]) grow() {
	t.index = make([]int32, max(2*len(t.index), leastIndex))
	mask := uint64(len(t.index) - 1)
	for i := range t.all {
		at := t.all[i].hash & mask
		for t.index[at] != 0 {
			at = (at + 1) & mask
		}
		t.index[at] = int32(i + 1)
	}
}

func (t *partials[K, Acc]) reset() {
	clear(t.all)
	clear(t.index)
	t.all, t.records = t.all[:0], 0
}
