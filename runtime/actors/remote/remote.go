// Package remote lets the actors of a process be reached from others, over protoactor's remote. Job binaries do not link it.
//
// What protoactor offers is an unreliable datagram layer: messages are lost when a peer ends, delivered to the successor of a process on the same
// port, and a peer that hangs is never noticed. So actors' names bear a UUID, state machines repeat what is not answered, and they have heartbeats of
// their own. The port is protoactor's own too, which panics on some malformed messages and knows no authentication: interceptors contain the first,
// mutual TLS is for the second.
package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/weir-stream/weir/runtime/actors"
)

// Options are what an Endpoint listens with.
type Options struct {
	// Bind is the host to listen on, and Port the port, which is a free one if 0.
	Bind string
	Port int
	// Advertised is the host by which others reach this process; that of Bind if empty.
	Advertised string
	// Server and Client are nil without TLS.
	Server, Client *tls.Config
	// Refused, if set, is told of connections that are refused because one side has no TLS, or a certificate that the other does not take. It is
	// called from any goroutine.
	Refused Refused
}

// Endpoint is where the actors of a process are reached:
//
//	listening --Close--> closed
type Endpoint struct {
	remote  *remote.Remote
	system  *actor.ActorSystem
	streams *streams
	address string
}

const (
	// mostBytes bounds a message and a batch of them. Larger things travel as blobs.
	mostBytes = 128 << 20
	// batch is how many messages go in one batch: one, since each is bounded and several together are not. Queue is how many wait for a peer to begin with.
	batch, queue = 1, 1024
	// hello is how long one try to connect may take, firstPause and longestPause are between two of them.
	hello                    = 3 * time.Second
	firstPause, longestPause = 25 * time.Millisecond, 250 * time.Millisecond
	// quiet is how long a connection may be silent before it is asked for a sign, and answer how long that may take.
	quiet, answer = 5 * time.Second, 5 * time.Second
	// begin is how long a peer may take to begin.
	begin = 10 * time.Second
)

// Listen makes the actors of a system reachable. It is called before the first of them is spawned.
func Listen(s *actors.System, o Options) (*Endpoint, error) {
	port, err := choose(o)
	if err != nil {
		return nil, fmt.Errorf("listen for control messages: %w", err)
	}
	host := o.Advertised
	if host == "" {
		host = o.Bind
	}
	e := &Endpoint{address: net.JoinHostPort(host, strconv.Itoa(port)), streams: newStreams(s.Clock())}
	server := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(mostBytes), grpc.MaxSendMsgSize(mostBytes), grpc.ConnectionTimeout(begin),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: quiet, Timeout: answer}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: quiet / 2, PermitWithoutStream: true}),
		grpc.StreamInterceptor(contain(s.Log())), grpc.UnaryInterceptor(deny), grpc.Creds(guarded(credentialsOf(o.Server), o.Refused)),
	}
	config := remote.Configure(o.Bind, port,
		remote.WithAdvertisedHost(e.address), remote.WithServerOptions(server...), remote.WithEndpointWriterBatchSize(batch),
		remote.WithEndpointWriterQueueSize(queue), remote.WithEndpointManagerBatchSize(batch), remote.WithEndpointManagerQueueSize(queue),
		remote.WithDialOptions(
			grpc.WithTransportCredentials(guarded(credentialsOf(o.Client), o.Refused)),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: quiet, Timeout: answer, PermitWithoutStream: true}),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: firstPause, Multiplier: 1.6, Jitter: 0.2, MaxDelay: longestPause},
				MinConnectTimeout: hello,
			}),
			grpc.WithStreamInterceptor(e.streams.open),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(mostBytes), grpc.MaxCallSendMsgSize(mostBytes)),
		))
	config.MaxRetryCount = 1 // what is not delivered is repeated by who sent it, and each try leaks a connection
	s.Extend(func(system *actor.ActorSystem) {
		e.system, e.remote = system, remote.NewRemote(system, config)
		tell(system, s.Log())
		err = start(e.remote)
	})
	s.ResetBy(e.reset)
	return e, err
}

func credentialsOf(c *tls.Config) credentials.TransportCredentials {
	if c == nil {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(c)
}

// choose returns the port to listen on, and finds out whether that is possible: protoactor panics where it is not.
func choose(o Options) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(o.Bind, strconv.Itoa(o.Port)))
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// start turns the panic of a port that somebody has taken in between into an error.
func start(r *remote.Remote) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("listen for control messages: %v", cause)
		}
	}()
	r.Start()
	return nil
}

// contain keeps a malformed message from ending the process: protoactor's reader panics on some.
func contain(log *slog.Logger) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				log.Warn("a malformed control message closed its connection", "cause", cause)
				err = status.Error(codes.InvalidArgument, "malformed message")
			}
		}()
		return handler(srv, stream)
	}
}

// deny refuses protoactor's other calls, which nobody here makes.
func deny(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
	return nil, status.Error(codes.Unimplemented, "this port is for Weir's own processes")
}

// Address is host:port by which others reach this process.
func (e *Endpoint) Address() string { return e.address }

// reset drops the connection to a peer that is silent, so that the next message opens another.
func (e *Endpoint) reset(peer string) {
	if e.streams.forget(peer) {
		e.system.EventStream.Publish(&remote.EndpointTerminatedEvent{Address: peer})
	}
}

// Close stops listening. It is called when the actors have ended.
func (e *Endpoint) Close() error {
	if e.remote == nil {
		return errors.New("the endpoint never listened")
	}
	e.remote.Shutdown(false)
	return nil
}
