package transport

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/runtime/ident"
)

// Member is this process as a worker of one job:
//
//	joined --Close--> left
//
// All methods may be called from any goroutine.
type Member struct {
	transport *Transport
	job       ident.JobID

	// Guarded by the transport's lock.
	epoch uint64
	peers map[string]*peer
	left  bool
}

// Location is where other workers find this one.
func (m *Member) Location() string { return m.transport.location }

// SetEpoch says which leader the worker serves. Peers that serve an older one are refused from now on.
func (m *Member) SetEpoch(epoch uint64) {
	m.transport.mu.Lock()
	defer m.transport.mu.Unlock()
	m.epoch = max(m.epoch, epoch)
}

// Send makes the producing end of a channel to the worker at location. It need not be there yet, nor the other end. If the
// connection breaks, or cannot be made in time, broken is called once, by any goroutine; it must not block.
func (m *Member) Send(location string, key ChannelKey, broken func(error)) (*Sender, error) {
	s := &Sender{key: key, broken: broken}
	return s, m.add(location, &s.end, s)
}

// Receive makes the consuming end of a channel from the worker at location, with room for that many data frames.
func (m *Member) Receive(location string, key ChannelKey, credits int) (*Receiver, error) {
	r := newReceiver(key, min(max(credits, 1), MaxCredits))
	return r, m.add(location, &r.end, r)
}

func (m *Member) add(location string, e *end, x attached) error {
	t := m.transport
	if location == t.location {
		return fmt.Errorf("a channel to the worker at %s, which is this one: it needs no connection", location)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.left || t.closing {
		return errClosed
	}
	p := m.peer(location)
	e.peer = p
	if p.conn != nil {
		return p.conn.attach(x)
	}
	p.wait(x)
	return nil
}

func (m *Member) peer(location string) *peer {
	p := m.peers[location]
	if p == nil {
		p = &peer{member: m, location: location}
		m.peers[location] = p
	}
	return p
}

// Close ends the job's connections: what has credit is still sent. It does not wait; Transport.Close does.
func (m *Member) Close() {
	t := m.transport
	t.mu.Lock()
	if m.left {
		t.mu.Unlock()
		return
	}
	m.left = true
	delete(t.members, m.job)
	var open []*connection
	var late []lateEnd
	for _, p := range m.peers {
		late = append(late, p.giveUp(errClosed)...)
		if p.conn != nil {
			open = append(open, p.conn)
		}
	}
	t.mu.Unlock()
	tell(late)
	for _, c := range open {
		c.shutdown()
	}
}

// peer is another worker of the job:
//
//	unconnected --an end waits here and this side dials, or the other side does--> connected --fail--> unconnected
//
// It is guarded by the transport's lock.
type peer struct {
	member   *Member
	location string
	conn     *connection
	dialing  bool
	// process and connection are those of the newest connection that it has made.
	process    ident.ID
	connection uint64
	// waiting are the ends that need a connection, the first of them since waitingSince by the clock's Nanos.
	waiting      []attached
	waitingSince int64
}

// end is what both ends of a channel have in common.
type end struct {
	peer *peer
	// conn is set once, when the end is attached; guarded by the transport's lock until then.
	conn *connection
	// closed is guarded by the transport's lock.
	closed bool
}

// LargestRecord is what the Config says of it.
func (e *end) LargestRecord() int { return e.peer.member.transport.config.LargestRecord }

// attached is an end of a channel as its peer and its connection see it.
type attached interface {
	// attach is called with the locks of the transport and of the connection.
	attach(c *connection) error
	// fail is called once, without locks.
	fail(err error)
}

func (p *peer) wait(x attached) {
	t := p.member.transport
	if len(p.waiting) == 0 {
		p.waitingSince = t.config.Clock.Nanos()
	}
	p.waiting = append(p.waiting, x)
	if !p.dialing && dials(t.location, p.location) {
		p.dialing = true
		t.spawn(func() { p.dial() })
	}
}

// connected gives the connection to those who wait.
func (p *peer) connected(c *connection) {
	p.conn = c
	p.member.transport.connections[c] = struct{}{}
	waiting := p.waiting
	p.waiting = nil
	for _, x := range waiting {
		if err := c.attach(x); err != nil {
			// An end that cannot be attached is one too many of its kind, which only a caller's mistake makes.
			p.member.transport.config.Log.Error("an end of a channel was not attached", "peer", p.location, "error", err)
		}
	}
}

// lateEnd is an end that is to be told, without a lock, that it gets no connection.
type lateEnd struct {
	end attached
	err error
}

func tell(late []lateEnd) {
	for _, l := range late {
		l.end.fail(l.err)
	}
}

func (p *peer) giveUp(cause error) (late []lateEnd) {
	err := &BrokenError{Job: p.member.job, Peer: p.location, Cause: cause}
	for _, x := range p.waiting {
		late = append(late, lateEnd{x, err})
	}
	p.waiting = nil
	return late
}

func (p *peer) remove(x attached) {
	for i, w := range p.waiting {
		if w == x {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			return
		}
	}
}

// wanted reports whether somebody waits for a connection.
func (p *peer) wanted() bool {
	t := p.member.transport
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(p.waiting) == 0 || p.conn != nil || p.member.left {
		p.dialing = false
		return false
	}
	return true
}

// late reports whether the ends that wait have done so for too long.
func (p *peer) late() bool {
	t := p.member.transport
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.config.Clock.Nanos()-p.waitingSince >= int64(t.config.ConnectTimeout)
}

// dial connects, however often it takes, until nobody waits any more.
func (p *peer) dial() {
	t := p.member.transport
	pause := firstPause
	for p.wanted() {
		err := p.connect()
		if err == nil {
			pause = firstPause
			continue
		}
		refused := (*refusedError)(nil)
		if errors.As(err, &refused) {
			t.refused(p.location, refused)
		} else {
			t.config.Log.Info("a worker cannot be reached yet", "peer", p.location, "error", err)
		}
		if refused != nil && refused.reason.final() || p.late() {
			t.mu.Lock()
			late := p.giveUp(err)
			t.mu.Unlock()
			tell(late)
			continue
		}
		if t.config.Clock.Sleep(t.ctx, pause) != nil {
			t.mu.Lock()
			p.dialing = false
			t.mu.Unlock()
			return
		}
		pause = min(2*pause, mostPause)
	}
}
