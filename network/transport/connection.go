package transport

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// connection is an open connection to a peer, with a goroutine that reads and one that writes:
//
//	open --fail--> broken: all ends are told      (a peer that broke the protocol is sent the reason)
//	open --shutdown--> leaving: the writer sends what it has, says goodbye and closes its half --end of file--> broken
//
// Channels begin with an openFrame of the consuming end. Whichever end comes second finds the first one here.
type connection struct {
	transport   *Transport
	peer        *peer
	net         net.Conn
	compression Compression

	// heard counts reads, for the watch.
	heard atomic.Uint64
	watch watch

	mu sync.Mutex
	// ready is signaled when the writer, which waits while asleep is set, has something.
	ready  *sync.Cond
	asleep bool
	// out are the frames of channels, in order; control is what goes before them, announcing the consuming ends that have
	// credit to give.
	out        []*Buffer
	control    []byte
	announcing []*Receiver
	// senders are the producing ends here by their key, and bound those of them whose consuming end is open, by its number; opened
	// are the peer's consuming ends that nobody here sends to yet. left are the numbers of ends that have gone.
	senders map[ChannelKey]*Sender
	bound   map[uint32]*Sender
	opened  map[ChannelKey]opening
	// receivers are the consuming ends here by their number, last the highest number given.
	receivers map[uint32]*Receiver
	last      uint32
	leaving   bool
	err       error

	// written is closed when the writer has ended.
	written chan struct{}
}

// opening is what an openFrame says.
type opening struct {
	channel uint32
	credits int
}

// mostOpened bounds the consuming ends of a peer that wait for their producers.
const mostOpened = 1 << 16

// watch is what the transport's tick remembers of a connection. It is guarded by the transport's lock.
type watch struct {
	heard uint64
	quiet int
}

func newConnection(p *peer, conn net.Conn, compression Compression) *connection {
	c := &connection{
		transport: p.member.transport, peer: p, net: conn, compression: compression,
		written: make(chan struct{}), senders: map[ChannelKey]*Sender{}, bound: map[uint32]*Sender{}, opened: map[ChannelKey]opening{}, receivers: map[uint32]*Receiver{},
	}
	c.ready = sync.NewCond(&c.mu)
	return c
}

// start lets frames flow. Only what is running may call it.
func (c *connection) start() {
	c.transport.config.Log.Debug("connected to a worker", "peer", c.peer.location, "job", c.peer.member.job, "compression", c.compression.String())
	c.transport.spawn(c.write)
	c.transport.spawn(c.read)
}

// tick reports whether the peer has been silent for too long, and has the writer show that this side lives.
func (c *connection) tick() (silent bool) {
	heard := c.heard.Load()
	if heard == c.watch.heard {
		c.watch.quiet++
	} else {
		c.watch.quiet = 0
	}
	c.watch.heard = heard
	c.mu.Lock()
	if len(c.control) == 0 && len(c.out) == 0 {
		c.control = appendFrame(c.control, pingFrame, 0, nil)
		c.wake()
	}
	c.mu.Unlock()
	return c.watch.quiet >= silentTicks
}

// wake is called with the lock.
func (c *connection) wake() {
	if c.asleep {
		c.asleep = false
		c.ready.Signal()
	}
}

// attach is called with the transport's lock.
func (c *connection) attach(x attached) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return x.attach(c)
}

// handle takes a frame other than of data or events.
func (c *connection) handle(h header, payload []byte) error {
	switch h.kind {
	case openFrame:
		key, credits, err := parseOpen(payload)
		if err != nil {
			return err
		}
		return c.open(h.channel, key, credits)
	case creditFrame:
		data, events, err := parseCredit(payload)
		if err != nil {
			return err
		}
		return c.credit(h.channel, data, events)
	case closeFrame:
		c.closed(h.channel)
	case goodbyeFrame:
		return fmt.Errorf("%w: %q", errPeerLeft, payload)
	}
	return nil
}

func (c *connection) open(channel uint32, key ChannelKey, credits int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, twice := c.opened[key]; twice || c.bound[channel] != nil {
		return malformed("the channel of %s was opened twice", key)
	}
	if s := c.senders[key]; s != nil {
		if s.isBound {
			return malformed("the channel of %s was opened twice", key)
		}
		s.bind(c, channel, credits)
		return nil
	}
	if len(c.opened) >= mostOpened {
		return malformed("more than %d channels were opened whose producers are not here", mostOpened)
	}
	c.opened[key] = opening{channel, credits}
	return nil
}

func (c *connection) credit(channel, data, events uint32) error {
	c.mu.Lock()
	s := c.bound[channel]
	if s == nil { // the producing end has closed
		c.mu.Unlock()
		return nil
	}
	err := s.credited(c, int(data), int(events))
	c.mu.Unlock()
	if err == nil {
		s.tell()
	}
	return err
}

// closed forgets a consuming end of the peer. Its producing end, if there is one, gets no credit any more.
func (c *connection) closed(channel uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.bound[channel]; s != nil {
		s.abandon(c)
		return
	}
	for key, o := range c.opened {
		if o.channel == channel {
			delete(c.opened, key)
			return
		}
	}
}

// receiver returns the consuming end that a frame is for, nil if it has closed.
func (c *connection) receiver(channel uint32) (*Receiver, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if channel == 0 || channel > c.last {
		return nil, &protocolError{foreign, fmt.Sprintf("a frame for channel %d, which was never opened", channel)}
	}
	return c.receivers[channel], nil
}

// farewell is how long a connection that ends may take to send its last words, linger how long it waits for the credit of producers that have
// ended.
const (
	farewell = 2 * time.Second
	linger   = 10 * time.Second
)

// fail ends the connection and tells all of its ends. Any goroutine may call it, without locks; the first error counts.
func (c *connection) fail(err error) {
	t := c.transport
	t.mu.Lock()
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		t.mu.Unlock()
		return
	}
	c.err = err
	if c.peer.conn == c {
		c.peer.conn = nil
	}
	delete(t.connections, c)
	ends := make([]attached, 0, len(c.senders)+len(c.receivers))
	for _, s := range c.senders {
		if !s.closed {
			ends = append(ends, s)
		}
	}
	for _, r := range c.receivers {
		ends = append(ends, r)
	}
	leaving := c.leaving
	c.asleep = false
	c.ready.Broadcast()
	c.mu.Unlock()
	t.mu.Unlock()

	c.report(err, len(ends), leaving)
	broken := &BrokenError{Job: c.peer.member.job, Peer: c.peer.location, Cause: err}
	for _, e := range ends {
		e.fail(broken)
	}
	if !offends(err) {
		c.net.Close()
		return
	}
	// The writer says why, and the reader takes in what is still on its way, for to close now would destroy these words.
	t.config.Clock.AfterFunc(farewell, func() { c.net.Close() })
}

func (c *connection) report(err error, ends int, leaving bool) {
	t, cause := c.transport, breachOf(err)
	if cause == brokenPeer && (leaving || ends == 0) {
		t.config.Log.Debug("disconnected from a worker", "peer", c.peer.location, "job", c.peer.member.job, "error", err)
		return
	}
	t.counts.broken[cause].Inc()
	t.config.Log.Warn("the connection to a worker is broken", "peer", c.peer.location, "job", c.peer.member.job,
		"reason", string(cause), "channels", ends, "error", err)
}

// shutdown ends the connection once everything is sent that is to be: what has credit, and what ended producers have left.
func (c *connection) shutdown() {
	c.mu.Lock()
	c.leaving = true
	c.wake()
	limit := farewell
	if c.lingers() {
		limit = linger
	}
	c.mu.Unlock()
	c.transport.config.Clock.AfterFunc(limit, func() { c.net.Close() })
}

// lingers reports whether frames of producers that have ended wait for credit. It is called with the lock.
func (c *connection) lingers() bool {
	for _, s := range c.senders {
		if s.closing && len(s.waiting) > 0 {
			return true
		}
	}
	return false
}
