package transport

import (
	"fmt"
	"sync/atomic"
)

// Receiver is the consuming end of a channel:
//
//	waiting for a connection -> open: frames come within the credit --Close--> closed
//	any of these --the connection breaks--> broken: Next returns the error behind the frames that came
//
// One goroutine, the consumer, calls its methods; Close may be called by another one once the consumer has ended.
type Receiver struct {
	end
	key     ChannelKey
	credits int

	// channel, granted and announcing are guarded by the connection's lock. Granted counts the frames that the producing
	// end was allowed to send since the channel began; due is what it was not told of yet.
	channel              uint32
	dueData, dueEvents   uint32
	announcing           bool
	grantedData          atomic.Uint64
	grantedEvents        atomic.Uint64
	gotData, gotEvents   uint64 // by the connection's reader
	number               uint32 // by the connection's reader
	heldData, heldEvents uint32 // by the consumer: released, but not yet given back

	// ring has the frames [head, tail), which credit bounds.
	ring       []*Buffer
	head, tail atomic.Uint64
	notify     atomic.Pointer[func()]
	err        atomic.Pointer[error]
}

func newReceiver(key ChannelKey, credits int) *Receiver {
	r := &Receiver{key: key, credits: credits, ring: make([]*Buffer, credits+eventCredits)}
	r.grantedData.Store(uint64(credits))
	r.grantedEvents.Store(eventCredits)
	return r
}

// attach implements attached.
func (r *Receiver) attach(c *connection) error {
	r.conn = c
	c.last++
	r.channel = c.last
	c.receivers[r.channel] = r
	c.control = appendOpen(c.control, r.channel, r.key, r.credits)
	c.wake()
	return nil
}

// push puts a frame into the ring. The connection's reader calls it.
func (r *Receiver) push(b *Buffer) error {
	if b.number != r.number {
		return malformed("frame %d of a channel comes where frame %d should (%s)", b.number, r.number, r.key)
	}
	r.number++
	got, granted, what := &r.gotData, r.grantedData.Load(), "data"
	if b.event {
		got, granted, what = &r.gotEvents, r.grantedEvents.Load(), "event"
	}
	if *got++; *got > granted {
		return &protocolError{uncredited, fmt.Sprintf("%s frame %d of a channel with credit for %d (%s)", what, *got, granted, r.key)}
	}
	tail := r.tail.Load()
	r.ring[tail%uint64(len(r.ring))] = b
	r.tail.Store(tail + 1)
	r.tell()
	return nil
}

func (r *Receiver) tell() {
	if notify := r.notify.Load(); notify != nil {
		(*notify)()
	}
}

// Attach has notify called, by the connection, for each frame that arrives and when the connection breaks, and now for each that did.
func (r *Receiver) Attach(notify func()) {
	r.notify.Store(&notify)
	for range r.Queued() {
		notify()
	}
	if r.err.Load() != nil {
		notify()
	}
}

// Queued is the number of frames that wait.
func (r *Receiver) Queued() int { return int(r.tail.Load() - r.head.Load()) }

// Room is how many data frames may wait.
func (r *Receiver) Room() int { return r.credits }

// QueuedBytes is how many bytes wait, as they came.
func (r *Receiver) QueuedBytes() (sum int) {
	for at, to := r.head.Load(), r.tail.Load(); at < to; at++ {
		sum += len(r.ring[at%uint64(len(r.ring))].Payload())
	}
	return sum
}

// Next removes the oldest frame; it is nil where there is none. The error is that of a connection that broke, once all frames
// that came have been taken, or of a frame that cannot be read. The caller gives the frame to Done when it has read it, and calls Release when it has
// room for another one.
func (r *Receiver) Next() (frame *Buffer, event bool, err error) {
	head := r.head.Load()
	if head == r.tail.Load() {
		broken := r.err.Load()
		if broken == nil || head != r.tail.Load() {
			return nil, false, nil
		}
		return nil, false, *broken
	}
	place := &r.ring[head%uint64(len(r.ring))]
	frame = *place
	*place = nil
	event = frame.event
	r.head.Store(head + 1)
	if frame.compressed {
		plain, err := r.conn.compression.expand(frame.Payload())
		frame.recycle()
		if err != nil {
			return nil, false, &BrokenError{Job: r.peer.member.job, Peer: r.peer.location, Cause: err}
		}
		frame = plain
	}
	return frame, event, nil
}

// Done gives a frame's memory back.
func (r *Receiver) Done(frame *Buffer) { frame.recycle() }

// Release gives the credit of one frame back. The producing end is told when half of it has come together, or when nothing waits here: it may
// be waiting for just that.
func (r *Receiver) Release(event bool) {
	if event {
		r.heldEvents++
	} else {
		r.heldData++
	}
	if r.Queued() > 0 && int(r.heldData)*2 < r.credits && r.heldEvents*2 < eventCredits {
		return
	}
	c := r.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	r.grantedData.Add(uint64(r.heldData))
	r.grantedEvents.Add(uint64(r.heldEvents))
	r.dueData += r.heldData
	r.dueEvents += r.heldEvents
	r.heldData, r.heldEvents = 0, 0
	if !r.announcing && c.err == nil {
		r.announcing = true
		c.announcing = append(c.announcing, r)
		c.wake()
	}
}

// announce appends the frame that gives credit. It is called with the connection's lock.
func (r *Receiver) announce(control []byte) []byte {
	control = appendCredit(control, r.channel, r.dueData, r.dueEvents)
	r.dueData, r.dueEvents, r.announcing = 0, 0, false
	return control
}

// fail implements attached.
func (r *Receiver) fail(err error) {
	r.err.Store(&err)
	r.tell()
}

// Close ends the receiving side. Frames on their way are dropped.
func (r *Receiver) Close() {
	if r.peer == nil {
		return
	}
	t := r.peer.member.transport
	t.mu.Lock()
	defer t.mu.Unlock()
	r.closed = true
	c := r.conn
	if c == nil {
		r.peer.remove(r)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.receivers[r.channel] != r {
		return
	}
	delete(c.receivers, r.channel)
	if c.err == nil {
		c.control = appendFrame(c.control, closeFrame, r.channel, nil)
		c.wake()
	}
}
