package exchange

import (
	"unsafe"

	"github.com/weir-stream/weir/runtime/element"
)

// Sink takes the records of an input; the head of a chain is one.
type Sink[T any] interface {
	// Process reads the batch before it returns and does not change it.
	Process(batch *element.Batch[T]) error
}

// Front is what stands first in an input channel.
type Front uint8

// The values of Front.
const (
	Nothing Front = iota
	Records
	Event
)

// InputChannel is the consumer's side of one channel, whatever the type of its records. The task that owns it calls it.
type InputChannel interface {
	// Front tells what comes next.
	Front() Front
	// Deliver hands at most limit of the records in front to the sink and returns how many. More says that the same
	// batch goes on. The sink's error is returned as it is.
	Deliver(limit int) (n int, more bool, err error)
	// TakeEvent removes the event in front. More says that the same batch goes on.
	TakeEvent() (event element.Event, more bool)
	// Attach has notify called whenever something may have arrived.
	Attach(notify func())
	// Queued is the number of batches that wait.
	Queued() int
	// Fill is how full the channel is, and Remote whether it comes from another process.
	Fill() Fill
	Remote() bool
	// Moved is how many bytes and batches came so far, as the writer's Moved counts them.
	Moved() (bytes, batches uint64)
}

// Reader hands the records of one channel to the head of a chain, up to the next event.
type Reader[T any] struct {
	channel *Channel[T]
	sink    Sink[T]
	// record and mark count what of the front slot was consumed.
	record, mark int
	view         element.Batch[T]
	// records and batches are those that were consumed.
	records, batches uint64
}

// NewReader reads channel into sink.
func NewReader[T any](channel *Channel[T], sink Sink[T]) *Reader[T] {
	return &Reader[T]{channel: channel, sink: sink}
}

// NewReaders reads all channels of an edge that lead to one subtask into sink. One goroutine calls all of them.
func NewReaders[T any](channels []*Channel[T], sink Sink[T]) []InputChannel {
	common := new(shells[T])
	all := make([]InputChannel, len(channels))
	for i, c := range channels {
		if c.receiving != nil {
			c.receiving.shells = common
		}
		all[i] = NewReader(c, sink)
	}
	return all
}

// Front implements InputChannel.
func (r *Reader[T]) Front() Front {
	s := r.channel.front()
	switch {
	case s == nil:
		return Nothing
	case s.failure != nil:
		return Records
	case r.mark < len(s.marks) && s.marks[r.mark].At == r.record:
		return Event
	default:
		return Records
	}
}

// Deliver implements InputChannel.
func (r *Reader[T]) Deliver(limit int) (n int, more bool, err error) {
	s := r.channel.front()
	if s.failure != nil {
		return 0, false, s.failure
	}
	to := len(s.batch.Values)
	if r.mark < len(s.marks) {
		to = s.marks[r.mark].At
	}
	n = min(to-r.record, limit)
	to = r.record + n
	s.batch.View(r.record, to, &r.view)
	r.record = to
	err = r.sink.Process(&r.view)
	return n, r.releaseConsumed(s), err
}

// TakeEvent implements InputChannel.
func (r *Reader[T]) TakeEvent() (element.Event, bool) {
	s := r.channel.front()
	event := s.marks[r.mark].Event
	r.mark++
	return event, r.releaseConsumed(s)
}

// releaseConsumed gives the front slot back once all of it was consumed, and reports whether there is more.
func (r *Reader[T]) releaseConsumed(s *slot[T]) (more bool) {
	if r.record < len(s.batch.Values) || r.mark < len(s.marks) {
		return true
	}
	r.records, r.batches = r.records+uint64(len(s.batch.Values)), r.batches+1
	r.record, r.mark = 0, 0
	r.channel.release()
	return false
}

// Attach implements InputChannel.
func (r *Reader[T]) Attach(notify func()) { r.channel.attachConsumer(notify) }

// Queued implements InputChannel.
func (r *Reader[T]) Queued() int { return r.channel.queued() }

// Moved implements InputChannel.
func (r *Reader[T]) Moved() (bytes, batches uint64) {
	if from := r.channel.receiving; from != nil {
		return from.bytes, from.frames
	}
	return r.records * uint64(recordSize[T]()), r.batches
}

// recordSize is what a record takes in memory, without what it refers to.
func recordSize[T any]() int {
	var zero T
	return int(unsafe.Sizeof(zero))
}
