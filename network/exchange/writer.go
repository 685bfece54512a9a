package exchange

import (
	"slices"
	"unsafe"

	"github.com/weir-stream/weir/runtime/element"
)

// Limits say how a writer sizes its batches.
type Limits struct {
	// MinRecords and MaxRecords bound the capacity of a batch.
	MinRecords, MaxRecords int
	// Bytes is the budget of all batches of a writer, queued ones included.
	Bytes int
	// Credits is the number of batches that may wait in a channel.
	Credits int
}

// capacity is the number of records of one batch of a writer with that many channels.
func (l Limits) capacity(channels, recordBytes int) int {
	perBatch := l.Bytes / max(1, channels*l.Credits)
	return max(1, min(max(perBatch/max(1, recordBytes), l.MinRecords), l.MaxRecords))
}

// maxPending is how many batches without credit a writer holds before it calls its overflow hook: enough for what a
// batch of input normally expands to, so that a task blocks between two batches and not inside a user's function.
const maxPending = 64

// Output is the producer's side of one edge, whatever the type of its records. The task that owns it calls it.
type Output interface {
	// Blocked reports whether batches wait for credit; the task then takes no more input.
	Blocked() bool
	// Drain publishes what has credit by now and reports whether the output is free again. Where it is not, the
	// consumer's progress wakes the producer.
	Drain() bool
	// FlushIdle is called when the task is about to wait. It publishes the batches that were begun, save those whose
	// channel still holds batches that the consumer has not taken: a record in them could not be worked on any sooner.
	// Those are published by a later call; the consumer's progress wakes the producer for it. This is Nagle's
	// algorithm (RFC 896) with the release of a batch for an acknowledgement: batches stay large under load without a
	// timer, and nothing waits when there is none.
	FlushIdle()
	// FlushOld publishes the batches that were begun before a time of the task's clock.
	FlushOld(before int64)
	// Stamp tells the writer the time at which batches that begin from now on began.
	Stamp(now int64)
	// Broadcast puts an event into every channel, in its place behind the records so far. Events need no credit.
	Broadcast(event element.Event)
	// Send is Broadcast into one of the Channels only, for an event that others do without.
	Send(to int, event element.Event)
	// Channels is how many there are.
	Channels() int
	// AttachProducer has wake called when credit came back.
	AttachProducer(wake func())
	// OnOverflow has wait called, from inside Process, when far more is waiting for credit than should. It returns
	// once the output is no longer blocked, or an error that ends the task.
	OnOverflow(wait func() error)
	// Sent is the number of records handed to channels so far.
	Sent() uint64
	// Moved is how many bytes and batches were published so far, and the latest watermark: encoded records between processes, and records as they are in memory
	// within one.
	Moved() (bytes, batches uint64, watermark int64)
	// InFlight is the number of batches that are published and not yet consumed, or wait for credit.
	InFlight() int
	// Fill is how full the channels are.
	Fill() Fill
}

// Partitioner distributes the records of a batch over the lanes of a writer, by Writer.Put and its bulk forms.
type Partitioner[T any] interface {
	Partition(w *Writer[T], batch *element.Batch[T]) error
}

// Writer is the tail of a chain: it takes its batches and copies the records into the batches of its channels. Process
// never blocks (save through OnOverflow): what has no credit waits in the lane, and the task stops taking input.
type Writer[T any] struct {
	lanes       []lane[T]
	partitioner Partitioner[T]
	capacity    int
	now         int64
	sent        uint64
	// bytes and batches are what went into channels of this process, recordBytes is what a record takes in memory.
	bytes, batches, recordBytes uint64
	watermark                   int64
	// pending counts the slots of all lanes that wait for credit.
	pending  int
	overflow func() error
}

// lane is the writer's end of one channel.
type lane[T any] struct {
	channel *Channel[T]
	// capacity is how many records a batch of this lane has at most.
	capacity int
	// filling is the slot being filled: the free place of the ring, or one of the writer's own when there is none.
	filling *slot[T]
	inRing  bool
	begun   int64
	pending []*slot[T]
	spare   []*slot[T]
	// most is the room that batches have taken so far: a new shell gets it at once, since to grow by and by takes several times the memory.
	most element.Room
}

// NewWriter writes to channels, which must be those of the consumer's subtasks in order.
func NewWriter[T any](channels []*Channel[T], partitioner Partitioner[T], limits Limits) *Writer[T] {
	var zero T
	recordBytes := int(unsafe.Sizeof(zero)) + int(unsafe.Sizeof(uint64(0)))
	w := &Writer[T]{
		lanes:       make([]lane[T], len(channels)),
		partitioner: partitioner,
		capacity:    limits.capacity(len(channels), recordBytes),
		recordBytes: uint64(unsafe.Sizeof(zero)),
		watermark:   element.NoWatermark,
	}
	for i, c := range channels {
		w.lanes[i].channel, w.lanes[i].capacity = c, c.batchSize(w.capacity)
	}
	return w
}

// Channels is the number of consumer subtasks.
func (w *Writer[T]) Channels() int { return len(w.lanes) }

// Process implements operator.Input.
func (w *Writer[T]) Process(batch *element.Batch[T]) error {
	w.sent += uint64(len(batch.Values))
	if err := w.partitioner.Partition(w, batch); err != nil {
		return err
	}
	if w.pending > maxPending+len(w.lanes) && w.overflow != nil {
		return w.overflow()
	}
	return nil
}

// Watermark implements operator.Input.
func (w *Writer[T]) Watermark(at int64) error {
	w.watermark = at
	w.Broadcast(element.Event{Kind: element.Watermark, Time: at})
	return nil
}

// Idle implements operator.Input.
func (w *Writer[T]) Idle(idle bool) error {
	kind := element.Active
	if idle {
		kind = element.Idle
	}
	w.Broadcast(element.Event{Kind: kind})
	return nil
}

// PutRange appends the records [from, to) of batch to one lane.
func (w *Writer[T]) PutRange(to int, batch *element.Batch[T], first, last int) {
	l := &w.lanes[to]
	for first < last {
		s := w.room(l)
		n := min(last-first, l.capacity-len(s.batch.Values))
		s.batch.AppendRange(batch, first, first+n)
		first += n
		if len(s.batch.Values) >= l.capacity {
			w.publish(l)
		}
	}
}

// Put appends record i of batch to one lane.
func (w *Writer[T]) Put(to int, batch *element.Batch[T], i int) {
	w.PutRange(to, batch, i, i+1)
}

// room returns the slot that the lane is filling, beginning one where there is none.
func (w *Writer[T]) room(l *lane[T]) *slot[T] {
	if l.filling != nil {
		return l.filling
	}
	if len(l.pending) == 0 {
		if s := l.channel.free(); s != nil {
			l.begin(s, true, w.now)
			return s
		}
	}
	var s *slot[T]
	if n := len(l.spare); n > 0 {
		s, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		s = new(slot[T])
	}
	l.begin(s, false, w.now)
	return s
}

// begin has the lane fill a shell.
func (l *lane[T]) begin(s *slot[T], inRing bool, now int64) {
	s.reset()
	s.batch.Reserve(l.most)
	l.filling, l.inRing, l.begun = s, inRing, now
}

// publish ends the slot being filled.
func (w *Writer[T]) publish(l *lane[T]) {
	s := l.filling
	l.filling = nil
	l.most.Cover(len(s.batch.Values), len(s.batch.Timestamps), len(s.batch.Hashes))
	if l.inRing {
		w.count(l, s)
		l.channel.publish()
		l.capacity = l.channel.batchSize(w.capacity)
		return
	}
	l.pending = append(l.pending, s)
	w.pending++
	w.drain(l)
}

// drain moves pending slots into the ring as far as there is room, swapping shells so that none is allocated.
func (w *Writer[T]) drain(l *lane[T]) {
	moved := 0
	for _, s := range l.pending {
		place := l.channel.freeFor(s)
		if place == nil {
			break
		}
		*place, *s = *s, *place
		w.count(l, place)
		l.channel.publish()
		l.spare = append(l.spare, s)
		moved++
	}
	if moved > 0 {
		w.pending -= moved
		l.pending = slices.Delete(l.pending, 0, moved)
		l.trimSpare()
	}
}

// trimSpare drops the shells that an unusual burst needed. As many as the channel has credits are kept, for what a batch
// of input becomes in steady back pressure.
func (l *lane[T]) trimSpare() {
	if kept := l.channel.spares(); len(l.spare) > kept {
		l.spare = slices.Delete(l.spare, kept, len(l.spare))
	}
}

// Blocked implements Output.
func (w *Writer[T]) Blocked() bool { return w.pending > 0 }

// Drain implements Output.
func (w *Writer[T]) Drain() bool {
	for i := range w.lanes {
		if l := &w.lanes[i]; len(l.pending) > 0 {
			l.channel.want(true)
			w.drain(l)
			l.channel.want(len(l.pending) > 0 || l.filling != nil)
		}
	}
	return w.pending == 0
}

// FlushIdle implements Output.
func (w *Writer[T]) FlushIdle() {
	for i := range w.lanes {
		l := &w.lanes[i]
		if l.filling == nil && len(l.pending) == 0 {
			l.channel.want(false)
			continue
		}
		// Asking comes before looking, so that a release in between is not missed.
		l.channel.want(true)
		if l.filling != nil && l.channel.idle() {
			w.publish(l)
			l.channel.want(len(l.pending) > 0)
		}
	}
}

// FlushOld implements Output.
func (w *Writer[T]) FlushOld(before int64) {
	for i := range w.lanes {
		if l := &w.lanes[i]; l.filling != nil && l.begun < before {
			w.publish(l)
		}
	}
}

// Stamp implements Output.
func (w *Writer[T]) Stamp(now int64) { w.now = now }

// Broadcast implements Output.
func (w *Writer[T]) Broadcast(event element.Event) {
	for i := range w.lanes {
		l := &w.lanes[i]
		w.put(l, event)
		switch event.Kind {
		case element.CheckpointBarrier, element.Drain, element.EndOfInput:
			w.publish(l)
		}
	}
}

// Send implements Output.
func (w *Writer[T]) Send(to int, event element.Event) { w.put(&w.lanes[to], event) }

// put puts an event behind the records of a lane.
func (w *Writer[T]) put(l *lane[T], event element.Event) {
	s := w.room(l)
	s.marks = append(s.marks, element.Mark{At: len(s.batch.Values), Event: event})
}

// AttachProducer implements Output.
func (w *Writer[T]) AttachProducer(wake func()) {
	for i := range w.lanes {
		w.lanes[i].channel.attachProducer(wake)
	}
}

// OnOverflow implements Output.
func (w *Writer[T]) OnOverflow(wait func() error) { w.overflow = wait }

// Sent implements Output.
func (w *Writer[T]) Sent() uint64 { return w.sent }

// count counts a batch that is about to be published. What goes to another process is counted as it is encoded.
func (w *Writer[T]) count(l *lane[T], s *slot[T]) {
	if l.channel.sending == nil {
		w.batches++
		w.bytes += uint64(len(s.batch.Values)) * w.recordBytes
	}
}

// Moved implements Output.
func (w *Writer[T]) Moved() (bytes, batches uint64, watermark int64) {
	bytes, batches = w.bytes, w.batches
	for i := range w.lanes {
		if s := w.lanes[i].channel.sending; s != nil {
			bytes, batches = bytes+s.bytes, batches+s.frames
		}
	}
	return bytes, batches, w.watermark
}

// InFlight implements Output.
func (w *Writer[T]) InFlight() int {
	n := w.pending
	for i := range w.lanes {
		n += w.lanes[i].channel.queued()
	}
	return n
}
