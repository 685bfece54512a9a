package remote

import (
	"context"
	"net"
	"sync/atomic"

	"google.golang.org/grpc/credentials"

	"github.com/weir-stream/weir/network/identity"
)

// Refused is told of a connection that was not taken up: who is at its other end, whether this process has dialed it, and why.
type Refused func(peer string, dialed bool, refused *identity.Refused)

// guard tells of handshakes that are refused, which gRPC keeps to itself.
type guard struct {
	credentials.TransportCredentials
	told Refused
}

func guarded(c credentials.TransportCredentials, told Refused) credentials.TransportCredentials {
	if told == nil {
		told = func(string, bool, *identity.Refused) {}
	}
	return &guard{c, told}
}

func (g *guard) encrypts() bool { return g.Info().SecurityProtocol == "tls" }

// ServerHandshake is for connections that are accepted.
func (g *guard) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	tell := func(refused *identity.Refused) { g.told(conn.RemoteAddr().String(), false, refused) }
	if !g.encrypts() {
		return g.TransportCredentials.ServerHandshake(identity.Plain(conn, tell))
	}
	open := &kept{Conn: conn}
	open.keep.Store(true)
	secure, info, err := g.TransportCredentials.ServerHandshake(open)
	open.keep.Store(false)
	if refused := identity.Explain(err); refused != nil {
		tell(refused)
		identity.Tell(conn, err)
	}
	if err != nil {
		conn.Close()
	}
	return secure, info, err
}

// kept is a connection that is not closed while keep is set: a handshake closes what has failed before the peer could be told why.
type kept struct {
	net.Conn
	keep atomic.Bool
}

// Close closes it, or does nothing.
func (k *kept) Close() error {
	if k.keep.Load() {
		return nil
	}
	return k.Conn.Close()
}

// ClientHandshake is for connections that are dialed.
func (g *guard) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	tell := func(refused *identity.Refused) { g.told(conn.RemoteAddr().String(), true, refused) }
	if !g.encrypts() {
		return g.TransportCredentials.ClientHandshake(ctx, authority, identity.Plain(conn, tell))
	}
	secure, info, err := g.TransportCredentials.ClientHandshake(ctx, authority, conn)
	if err != nil {
		if refused := identity.Explain(err); refused != nil {
			tell(refused)
		}
		return secure, info, err
	}
	return identity.Secured(secure, tell), info, nil
}

// Clone makes a copy.
func (g *guard) Clone() credentials.TransportCredentials {
	return &guard{g.TransportCredentials.Clone(), g.told}
}
