package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/runtime/logs"
)

// Listener serves a server's answers at an address.
//
//	Listen --> Serve --Shutdown--> requests under way have ended
type Listener struct {
	server *Server
	http   *http.Server
	bound  net.Listener
}

// Bounds on slow clients.
const (
	headerTimeout = 10 * time.Second
	largestHeader = 64 << 10
)

// Listen makes a listener of what is bound to an address. idle is how long a connection without requests stays open (rest.idleness-timeout). secure is nil for plain text.
func Listen(server *Server, bound net.Listener, secure *tls.Config, idle time.Duration) *Listener {
	notes := logs.NewSparse(server.clock, server.log)
	refused := func(peer string, refused *identity.Refused) {
		server.tls.Inc()
		notes.Warn(refused.Reason, "a REST connection was refused", "peer", peer, "reason", refused.Reason, "error", refused.Text)
	}
	otherwise := func(line string) { server.log.Debug("a REST connection was given up", "reason", line) }
	return &Listener{server: server, bound: identity.Listener(bound, secure, refused), http: &http.Server{
		Handler: server, ReadHeaderTimeout: headerTimeout, IdleTimeout: idle, MaxHeaderBytes: largestHeader, ErrorLog: identity.HTTPLog(refused, otherwise),
	}}
}

// Serve answers requests until Shutdown, and returns nil then.
func (l *Listener) Serve() error {
	if err := l.http.Serve(l.bound); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("REST at %s: %w", l.bound.Addr(), err)
	}
	return nil
}

// Shutdown takes no more requests, and waits for those under way as long as ctx lasts.
func (l *Listener) Shutdown(ctx context.Context) error {
	return errors.Join(l.http.Shutdown(ctx), l.http.Close())
}
