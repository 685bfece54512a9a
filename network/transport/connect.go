package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/weir-stream/weir/network/identity"
)

// Pauses between attempts to connect double from the first to the most.
const (
	firstPause = 20 * time.Millisecond
	mostPause  = time.Second
)

// limited runs a part of a connection's beginning, which the handshake's time-out and the transport's end cut short.
func (t *Transport) limited(run func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	var late atomic.Bool
	timer := t.config.Clock.AfterFunc(t.config.HandshakeTimeout, func() { late.Store(true); cancel() })
	defer timer.Stop()
	err := run(ctx)
	if err != nil && late.Load() {
		return refuse(refusedTimeout, "no handshake within %v", t.config.HandshakeTimeout)
	}
	return err
}

// untilDone closes conn when ctx is done before the returned function is called.
func untilDone(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { conn.Close() })
}

// connect makes one attempt to reach the peer.
func (p *peer) connect() error {
	t := p.member.transport
	t.mu.Lock()
	t.dialed++
	h := hello{
		cluster: t.config.Cluster, job: p.member.job, from: t.location, to: p.location, process: t.process,
		connection: t.dialed, epoch: p.member.epoch, compressions: t.config.Compression.offer(),
	}
	t.mu.Unlock()
	var made net.Conn
	var answer welcome
	err := t.limited(func(ctx context.Context) (err error) {
		var dialer net.Dialer
		made, err = dialer.DialContext(ctx, "tcp", p.location)
		if err != nil {
			return err
		}
		stop := untilDone(ctx, made)
		made, answer, err = t.greet(ctx, made, h)
		if !stop() && err == nil {
			err = ctx.Err()
		}
		return err
	})
	if err != nil {
		if made != nil {
			made.Close()
		}
		return err
	}
	c := newConnection(p, made, answer.compression)
	t.mu.Lock()
	if p.member.left {
		t.mu.Unlock()
		made.Close()
		return nil
	}
	p.connected(c)
	t.mu.Unlock()
	c.start()
	return nil
}

// greet is the dialer's part of the handshake.
func (t *Transport) greet(ctx context.Context, conn net.Conn, h hello) (net.Conn, welcome, error) {
	if t.identity != nil {
		secure := tls.Client(conn, t.identity.Peer())
		if err := secure.HandshakeContext(ctx); err != nil {
			return conn, welcome{}, tlsRefusal(err)
		}
		conn = secure
	}
	if _, err := conn.Write(h.append(nil)); err != nil {
		return conn, welcome{}, err
	}
	body, err := readMessage(conn)
	if err != nil {
		return conn, welcome{}, tlsRefusal(err)
	}
	answer, err := parseWelcome(body)
	if err != nil {
		return conn, welcome{}, err
	}
	if answer.reason != accepted {
		return conn, answer, &refusedError{reason: min(answer.reason, refusals-1), byPeer: true, text: answer.text}
	}
	if answer.compression != NoCompression && answer.compression != t.config.Compression {
		return conn, answer, refuse(refusedMalformed, "it has chosen the compression %d, which was not offered", answer.compression)
	}
	return conn, answer, nil
}

// tlsRefusal tells certificates that do not fit, and peers of which one has TLS and the other has not, from networks that fail. In TLS 1.3 a dialer
// learns that its certificate was refused when it reads for the first time.
func tlsRefusal(err error) error {
	refused := (*refusedError)(nil)
	if errors.As(err, &refused) {
		return err
	}
	if explained := identity.Explain(err); explained != nil {
		return refuse(refusedTLS, "%s", explained.Text)
	}
	return err
}

// welcome is the part of the side that was dialed, for one connection.
func (t *Transport) welcome(conn net.Conn) {
	address := conn.RemoteAddr().String()
	var c *connection
	raw := conn
	var failed error // the TLS handshake
	err := t.limited(func(ctx context.Context) error {
		stop := untilDone(ctx, raw)
		defer stop()
		if t.identity != nil {
			secure := tls.Server(conn, t.identity.Server())
			if err := secure.HandshakeContext(ctx); err != nil {
				failed = err
				return tlsRefusal(err)
			}
			conn = secure
		}
		body, err := readMessage(conn)
		if err != nil {
			return err
		}
		h, err := parseHello(body)
		if err != nil {
			return err
		}
		c, err = t.admit(h, conn)
		return err
	})
	refused := (*refusedError)(nil)
	if errors.As(err, &refused) {
		t.refused(address, refused)
		if failed != nil {
			_ = t.limited(func(ctx context.Context) error {
				defer untilDone(ctx, raw)()
				identity.Tell(raw, failed)
				return nil
			})
		}
		answer := welcome{reason: refused.reason, text: refused.text, process: t.process}
		if (refused.reason != refusedTLS || t.identity == nil) && refused.reason != refusedTimeout {
			// Whether it arrives does not matter: the peer learns at least that the connection ends.
			_, _ = conn.Write(answer.append(nil))
			t.linger(raw)
		}
	} else if err != nil {
		t.config.Log.Info("a connection of the data plane ended in its handshake", "peer", address, "error", err)
	}
	if c == nil {
		conn.Close()
		return
	}
	if err != nil {
		c.fail(err)
		return
	}
	c.start()
}

// linger reads what a refused peer has sent still: with unread bytes the system would reset the connection, and the answer would be lost.
func (t *Transport) linger(conn net.Conn) {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = t.limited(func(ctx context.Context) error {
		defer untilDone(ctx, conn)()
		_, err := io.CopyN(io.Discard, conn, maxHandshake)
		return err
	})
}

// admit makes the connection that a hello asks for, in place of an older one, and says so to the peer.
func (t *Transport) admit(h hello, conn net.Conn) (*connection, error) {
	p, old, err := t.judge(h)
	if err != nil {
		return nil, err
	}
	if old != nil {
		old.fail(errReplaced)
	}
	c := newConnection(p, conn, t.config.Compression.choose(h.compressions))
	t.mu.Lock()
	if p.member.left || p.process != h.process || p.connection != h.connection {
		t.mu.Unlock()
		return nil, refuse(refusedStale, "a newer connection has come meanwhile")
	}
	epoch := p.member.epoch
	p.connected(c)
	t.mu.Unlock()
	answer := welcome{epoch: epoch, process: t.process, compression: c.compression}
	if _, err := conn.Write(answer.append(nil)); err != nil {
		return c, fmt.Errorf("handshake: %w", err)
	}
	return c, nil
}

// judge holds a hello against what is here, and notes it as the newest of its peer.
func (t *Transport) judge(h hello) (p *peer, old *connection, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	here := host{cluster: t.config.Cluster, location: t.location}
	m := t.members[h.job]
	if m != nil {
		here.joined, here.epoch = true, m.epoch
		if p = m.peers[h.from]; p != nil {
			here.process, here.connection = p.process, p.connection
		}
	}
	if refused := here.judge(h); refused != nil {
		return nil, nil, refused
	}
	p = m.peer(h.from)
	p.process, p.connection = h.process, h.connection
	return p, p.conn, nil
}
