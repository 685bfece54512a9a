// Package exchange moves batches between subtasks: partitioners choose a channel for each record, channels are bounded
// single-producer queues whose room is the credit, and the consumer's inbox says which of its channels have something.
//
// A local channel hands typed batches over by pointer. Its ring owns the batch shells: the producer fills the shell of
// the next free place, publishing it makes it the consumer's, and releasing it gives shell and credit back at once. So
// records in flight are bounded by credits times batch capacity, and nothing is allocated once the shells have grown.
package exchange

import (
	"sync/atomic"

	"github.com/weir-stream/weir/runtime/element"
)

// slot is one place of a channel's ring: records, and the events among them.
type slot[T any] struct {
	batch element.Batch[T]
	marks []element.Mark
	// failure, if set, is all there is: what the channel's connection broke with.
	failure error
}

func (s *slot[T]) reset() {
	s.batch.Reset()
	s.marks = s.marks[:0]
}

// cacheLine keeps what the producer writes apart from what the consumer writes.
const cacheLine = 64

// Channel carries the records of one producer subtask to one consumer subtask. One goroutine produces and one consumes. A channel
// between processes is a Channel on either side, with one of its ends.
type Channel[T any] struct {
	slots []slot[T]
	// sending or receiving is set where the other end is in another process.
	sending   *sending[T]
	receiving *receiving[T]

	// consumer and producer are told of each other's progress once they have attached.
	consumer atomic.Pointer[attachment]
	producer atomic.Pointer[attachment]

	// wanted says that the producer waits for the consumer to move on.
	wanted atomic.Bool

	_ [cacheLine]byte
	// head counts the slots that were released, tail those that were published: head <= tail <= head+len(slots).
	head atomic.Uint64
	_    [cacheLine]byte
	tail atomic.Uint64
	_    [cacheLine]byte
}

// attachment is how one side of a channel is told that the other one moved.
type attachment struct{ notify func() }

// NewChannel makes a channel of that many credits: batches that may wait at the consumer.
func NewChannel[T any](credits int) *Channel[T] {
	return &Channel[T]{slots: make([]slot[T], max(credits, 1))}
}

// free returns the shell of the next place, or nil where every place waits for the consumer. It is called once for each that is published. Of the shells
// that are free it takes the one that was released last: while little is in flight few shells are in use, and these in the cache.
func (c *Channel[T]) free() *slot[T] {
	if c.sending != nil {
		if c.sending.to.Ready() {
			return &c.sending.shell
		}
		return nil
	}
	tail, head, n := c.tail.Load(), c.head.Load(), uint64(len(c.slots))
	if tail-head == n {
		return nil
	}
	place := &c.slots[tail%n]
	if last := &c.slots[(head+n-1)%n]; last != place {
		*place, *last = *last, *place
	}
	return place
}

// freeFor is free for what is in s already. Between processes events without records need no credit of theirs.
func (c *Channel[T]) freeFor(s *slot[T]) *slot[T] {
	if c.sending != nil && len(s.batch.Values) == 0 && c.sending.to.EventReady() {
		return &c.sending.shell
	}
	return c.free()
}

// publish hands the slot that free returned to the consumer.
func (c *Channel[T]) publish() {
	if c.sending != nil {
		c.sending.publish()
		return
	}
	c.tail.Add(1)
	if consumer := c.consumer.Load(); consumer != nil {
		consumer.notify()
	}
}

// front returns the oldest published slot, or nil.
func (c *Channel[T]) front() *slot[T] {
	if c.receiving != nil {
		return c.receiving.front()
	}
	head := c.head.Load()
	if head == c.tail.Load() {
		return nil
	}
	return &c.slots[head%uint64(len(c.slots))]
}

// release gives the front slot back to the producer.
func (c *Channel[T]) release() {
	if c.receiving != nil {
		c.receiving.release()
		return
	}
	c.head.Add(1)
	if c.wanted.Load() {
		if producer := c.producer.Load(); producer != nil {
			producer.notify()
		}
	}
}

// idle reports whether the consumer has taken everything that was published.
func (c *Channel[T]) idle() bool {
	if c.sending != nil {
		return c.sending.to.Idle()
	}
	return c.head.Load() == c.tail.Load()
}

// queued is the number of slots, or frames, that were published and not released, as far as this side knows.
func (c *Channel[T]) queued() int {
	switch {
	case c.sending != nil:
		return c.sending.to.InFlight()
	case c.receiving != nil:
		return c.receiving.queued()
	}
	return int(c.tail.Load() - c.head.Load())
}

// batchSize is how many of the records that the writer would put into a batch this channel takes: between processes as many as fit a frame.
func (c *Channel[T]) batchSize(capacity int) int {
	if c.sending != nil {
		return min(capacity, c.sending.frameRecords())
	}
	return capacity
}

// spares is how many shells of its own a writer keeps for the channel.
func (c *Channel[T]) spares() int { return max(len(c.slots), 2) }

// want asks for a notification of each release, or no longer. The producer looks at the channel again after asking.
func (c *Channel[T]) want(wanted bool) {
	if c.sending != nil {
		c.sending.to.Want(wanted)
		return
	}
	if c.wanted.Load() != wanted {
		c.wanted.Store(wanted)
	}
}

// attachProducer has notify called after each release while it is wanted, from the consumer's goroutine.
func (c *Channel[T]) attachProducer(notify func()) {
	if c.sending != nil {
		c.sending.to.Attach(notify)
		return
	}
	c.producer.Store(&attachment{notify})
}

// attachConsumer has notify called after each publish, from the producer's goroutine, and once now for each slot that
// was published before. A notification may be spurious: the consumer then finds the channel empty.
func (c *Channel[T]) attachConsumer(notify func()) {
	if c.receiving != nil {
		c.receiving.from.Attach(notify)
		return
	}
	c.consumer.Store(&attachment{notify})
	for range c.tail.Load() - c.head.Load() {
		notify()
	}
}
