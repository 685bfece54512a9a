// Package transport carries the frames of channels between workers: one TCP connection for each pair of them, used both
// ways, with the channels multiplexed on it. It knows nothing of records.
//
// A channel begins at its consuming end, which opens it with a number of its own and a credit: how many frames it has room
// for. The producing end sends nothing before that, and nothing beyond it. So what is received is bounded for each
// channel, the connection's reader never waits for anybody, and a slow channel stalls no other; a frame for an attempt
// that is not there cannot arrive; and whichever end comes first waits. Events have a small credit of their own, so that they
// need none of the records', and keep their place among them.
package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
)

// Config is what a Transport is made of. Zero durations stand for the defaults.
type Config struct {
	// Cluster names the cluster; workers of another one are refused.
	Cluster string
	// Listen is the address to accept connections at, such as "127.0.0.1:0". Listener, if set, is where they are accepted instead; the transport
	// closes it.
	Listen   string
	Listener net.Listener
	// Location is where others find this worker; the address that Listen became, if empty.
	Location string
	// TLS, if set, is used on every connection; a peer without it, or without a certificate of the same authorities, is refused.
	TLS *identity.Files
	// Compression is used on connections whose two ends have the same.
	Compression Compression
	Clock       clock.Clock
	Log         *slog.Logger
	// Metrics is where the figures of the transport are listed.
	Metrics *metrics.Group
	// HandshakeTimeout bounds one attempt to connect (10 s), ConnectTimeout how long channels wait for a connection (30 s),
	// Silence how long a peer may be silent before its connection is given up (15 s).
	HandshakeTimeout, ConnectTimeout, Silence time.Duration
	// LargestRecord bounds, in bytes, what channels may put together of several frames; 0 is the default of whoever does. The transport hands it on.
	LargestRecord int
}

// Transport is the data plane's end in one process, with the listener that all of its jobs share:
//
//	listening --Close--> closing: connections send what they have and say goodbye --all ended--> closed
//
// All methods may be called from any goroutine.
type Transport struct {
	config   Config
	identity *identity.Identity
	listener net.Listener
	location string
	process  ident.ID
	counts   *counts

	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup

	// mu guards members, their peers, and which channel end belongs to which connection. It is taken before that of a connection.
	mu          sync.Mutex
	members     map[ident.JobID]*Member
	connections map[*connection]struct{}
	// dialed numbers the connections that this process has made, handshakes counts those under way at the listener.
	dialed     uint64
	handshakes int
	closing    bool
}

// mostHandshakes bounds the connections that have not said who they are.
const mostHandshakes = 256

// Listen opens the data plane of a process.
func Listen(config Config) (*Transport, error) {
	config.setDefaults()
	t := &Transport{
		config: config, process: ident.NewID(), counts: newCounts(config.Metrics),
		members: map[ident.JobID]*Member{}, connections: map[*connection]struct{}{},
	}
	var err error
	if config.TLS != nil {
		if t.identity, err = identity.Load(*config.TLS, config.Log); err != nil {
			return nil, fmt.Errorf("data plane: %w", err)
		}
	}
	if t.listener = config.Listener; t.listener == nil {
		if t.listener, err = net.Listen("tcp", config.Listen); err != nil {
			return nil, fmt.Errorf("data plane: %w", err)
		}
	}
	if t.location = config.Location; t.location == "" {
		t.location = t.listener.Addr().String()
	}
	t.ctx, t.stop = context.WithCancel(context.Background())
	t.spawn(t.accept)
	t.spawn(t.watch)
	return t, nil
}

func (c *Config) setDefaults() {
	for _, d := range []struct {
		value *time.Duration
		or    time.Duration
	}{{&c.HandshakeTimeout, 10 * time.Second}, {&c.ConnectTimeout, 30 * time.Second}, {&c.Silence, 15 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.or
		}
	}
}

// Location is where other workers find this one.
func (t *Transport) Location() string { return t.location }

// spawn runs f beside the caller until Close has waited for it. Only what is running, or Listen, may call it.
func (t *Transport) spawn(f func()) { t.running.Go(f) }

// Join makes this process a worker of the job. A job is joined once at a time.
func (t *Transport) Join(job ident.JobID) (*Member, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return nil, errClosed
	}
	if t.members[job] != nil {
		return nil, fmt.Errorf("job %s has a worker in this process already", job)
	}
	m := &Member{transport: t, job: job, peers: map[string]*peer{}}
	t.members[job] = m
	return m, nil
}

// Close leaves all jobs and returns when everything has ended: at most a moment after the connections have sent what they have.
func (t *Transport) Close() {
	t.mu.Lock()
	members := make([]*Member, 0, len(t.members))
	for _, m := range t.members {
		members = append(members, m)
	}
	t.closing = true
	t.mu.Unlock()
	for _, m := range members {
		m.Close()
	}
	t.stop()
	t.listener.Close()
	t.running.Wait()
}

// accept takes connections until the listener is closed.
func (t *Transport) accept() {
	for {
		conn, err := t.listener.Accept()
		switch {
		case err == nil:
			t.receive(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default: // no descriptors left, or a connection that was gone before it was taken
			t.config.Log.Warn("the data plane cannot accept a connection", "error", err)
			if t.config.Clock.Sleep(t.ctx, acceptPause) != nil {
				return
			}
		}
	}
}

const acceptPause = 50 * time.Millisecond

func (t *Transport) receive(conn net.Conn) {
	t.mu.Lock()
	busy := t.handshakes >= mostHandshakes || t.closing
	if !busy {
		t.handshakes++
	}
	t.mu.Unlock()
	if busy {
		t.refused(conn.RemoteAddr().String(), refuse(refusedBusy, "%d connections are in their handshake", mostHandshakes))
		conn.Close()
		return
	}
	t.spawn(func() {
		t.welcome(conn)
		t.mu.Lock()
		t.handshakes--
		t.mu.Unlock()
	})
}

// refused counts and logs a handshake that failed, on whichever side.
func (t *Transport) refused(peer string, err *refusedError) {
	t.counts.refused[err.reason].Inc()
	t.config.Log.Warn("a connection of the data plane was refused", "peer", peer, "reason", err.reason.String(), "by peer", err.byPeer, "error", err.text)
}

// watch looks after connections and waiting channels at a third of the time after which silence is death.
func (t *Transport) watch() {
	interval := t.config.Silence / silentTicks
	timer := t.config.Clock.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-timer.C():
		}
		t.tick()
		timer.Reset(interval)
	}
}

// silentTicks is how many ticks in a row without a byte end a connection.
const silentTicks = 3

func (t *Transport) tick() {
	now := t.config.Clock.Nanos()
	t.mu.Lock()
	var silent []*connection
	for c := range t.connections {
		if c.tick() {
			silent = append(silent, c)
		}
	}
	var late []lateEnd
	for _, m := range t.members {
		for _, p := range m.peers {
			if len(p.waiting) > 0 && now-p.waitingSince >= int64(t.config.ConnectTimeout) {
				late = append(late, p.giveUp(fmt.Errorf("there was no connection for %v", t.config.ConnectTimeout))...)
			}
		}
	}
	t.mu.Unlock()
	for _, c := range silent {
		c.fail(errSilent)
	}
	tell(late)
}

// Sever breaks all connections as a network does that fails: nothing more is sent on them. It is for tests of what comes then.
func (t *Transport) Sever() {
	t.mu.Lock()
	all := make([]*connection, 0, len(t.connections))
	for c := range t.connections {
		all = append(all, c)
	}
	t.mu.Unlock()
	for _, c := range all {
		c.fail(errSevered)
	}
}
