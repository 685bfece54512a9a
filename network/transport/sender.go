package transport

import (
	"fmt"
	"sync/atomic"
)

// Sender is the producing end of a channel:
//
//	waiting for a connection -> attached -> bound: the consuming end is open and has given credit
//	any of these --Close--> closed: what has no credit yet is still sent, or dropped
//	any of these --the connection breaks--> broken
//
// One goroutine, the producer, calls its methods; Close may be called by another one once the producer has ended.
type Sender struct {
	end
	key    ChannelKey
	broken func(error)

	// Guarded by the connection's lock.
	channel uint32
	isBound bool
	closing bool
	// credit and eventCredit are frames that the consuming end has room for; waiting are those without.
	credit, eventCredit int
	waiting             []*Buffer
	// number counts the frames given to the connection, of which ackData and ackEvents have been taken.
	number               uint32
	sentData, sentEvents int
	ackData, ackEvents   int

	// What the producer looks at without the lock.
	ready, eventReady atomic.Bool
	sent, acked       atomic.Uint64
	room              atomic.Int64
	wanted            atomic.Bool
	notify            atomic.Pointer[func()]
}

// Ready reports whether a data frame can be sent. More than one may then be sent: those beyond the credit wait in the Sender.
func (s *Sender) Ready() bool { return s.ready.Load() }

// EventReady reports whether an event frame can be sent.
func (s *Sender) EventReady() bool { return s.eventReady.Load() }

// Idle reports whether the consumer has taken everything that was sent.
func (s *Sender) Idle() bool { return s.sent.Load() == s.acked.Load() }

// InFlight is the number of frames that were sent and not taken.
func (s *Sender) InFlight() int { return int(s.sent.Load() - s.acked.Load()) }

// Room is how many data frames may be in flight: the credit that the consuming end began with, 0 before it was there.
func (s *Sender) Room() int { return int(s.room.Load()) }

// Want asks to be notified when the consumer has taken something, or no longer. The caller looks at the Sender again after asking.
func (s *Sender) Want(wanted bool) {
	if s.wanted.Load() != wanted {
		s.wanted.Store(wanted)
	}
}

// Attach sets what is called, by the connection, while notifications are wanted.
func (s *Sender) Attach(notify func()) { s.notify.Store(&notify) }

// Send takes over a frame, which is one of events only if event is set. It must be Ready, or EventReady, for the first frame
// of a batch.
func (s *Sender) Send(b *Buffer, event bool) {
	b.event = event
	c := s.conn
	if !event {
		b = c.compression.compress(b)
	}
	s.sent.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.closing || c.err != nil {
		b.recycle()
		return
	}
	s.waiting = append(s.waiting, b)
	s.push(c)
}

// push hands the frames that have credit to the connection.
func (s *Sender) push(c *connection) {
	pushed := 0
	for _, b := range s.waiting {
		h := header{length: len(b.data) - headerSize, kind: dataFrame, compressed: b.compressed, channel: s.channel, number: s.number}
		switch {
		case b.event && s.eventCredit > 0:
			h.kind = eventFrame
			s.eventCredit--
			s.sentEvents++
		case !b.event && s.credit > 0:
			s.credit--
			s.sentData++
		default:
			h.kind = 0
		}
		if h.kind == 0 {
			break
		}
		h.put(b.data)
		s.number++
		c.out = append(c.out, b)
		pushed++
	}
	if pushed > 0 {
		s.waiting = append(s.waiting[:0], s.waiting[pushed:]...)
		c.wake()
	}
	free := s.isBound && len(s.waiting) == 0
	s.ready.Store(free && s.credit > 0)
	s.eventReady.Store(free && s.eventCredit > 0)
}

// bind is called with the connection's lock when the consuming end has opened the channel.
func (s *Sender) bind(c *connection, channel uint32, credits int) {
	s.isBound, s.channel, s.credit, s.eventCredit = true, channel, credits, eventCredits
	s.room.Store(int64(credits))
	c.bound[channel] = s
	s.push(c)
	s.tell()
}

// credited is called with the connection's lock.
func (s *Sender) credited(c *connection, data, events int) error {
	if s.ackData+data > s.sentData || s.ackEvents+events > s.sentEvents {
		return &protocolError{badFrame, fmt.Sprintf("credit for %d and %d frames of a channel with %d and %d on their way (%s)",
			data, events, s.sentData-s.ackData, s.sentEvents-s.ackEvents, s.key)}
	}
	s.ackData += data
	s.ackEvents += events
	s.credit += data
	s.eventCredit += events
	s.push(c)
	s.acked.Add(uint64(data + events))
	if s.closing && len(s.waiting) == 0 {
		s.forget(c)
	}
	return nil
}

// tell notifies the producer if it wants that.
func (s *Sender) tell() {
	if s.wanted.Load() {
		if notify := s.notify.Load(); notify != nil {
			(*notify)()
		}
	}
}

// abandon is called with the connection's lock when the consuming end has gone: nothing is sent any more. Whoever deployed it knows.
func (s *Sender) abandon(c *connection) {
	delete(c.bound, s.channel)
	s.credit, s.eventCredit = 0, 0
	if s.closing {
		s.forget(c)
		return
	}
	s.push(c)
}

// forget is called with the connection's lock.
func (s *Sender) forget(c *connection) {
	delete(c.bound, s.channel)
	if c.senders[s.key] == s {
		delete(c.senders, s.key)
	}
	for _, b := range s.waiting {
		b.recycle()
	}
	s.waiting = nil
	c.wake() // it may have been what a connection that is to end waited for
}

// attach implements attached.
func (s *Sender) attach(c *connection) error {
	if c.senders[s.key] != nil {
		return fmt.Errorf("the channel of %s has a producer already", s.key)
	}
	s.conn = c
	c.senders[s.key] = s
	if o, ok := c.opened[s.key]; ok {
		delete(c.opened, s.key)
		s.bind(c, o.channel, o.credits)
	}
	return nil
}

// fail implements attached.
func (s *Sender) fail(err error) { s.broken(err) }

// Close ends the sending side. With flush, frames that wait for credit are sent as it comes, as at the end of an input; otherwise they
// are dropped. Nobody is told if the connection breaks later.
func (s *Sender) Close(flush bool) {
	if s.peer == nil {
		return
	}
	t := s.peer.member.transport
	t.mu.Lock()
	defer t.mu.Unlock()
	s.closed = true
	c := s.conn
	if c == nil {
		s.peer.remove(s)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.closing = true
	if !flush || len(s.waiting) == 0 {
		s.forget(c)
	}
}
