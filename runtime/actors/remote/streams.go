package remote

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"

	"github.com/weir-stream/weir/runtime/clock"
)

// patience is how long a peer that cannot be connected to is tried before what waits for it is dropped: a process that has ended is often followed by
// another on the same port.
const patience = 5 * time.Second

// streams are the connections to peers, as protoactor opens them. It fails them by the peer's address alone, so that the end of an old connection
// would be taken for the end of its successor: only that of the newest to an address is told.
type streams struct {
	clock clock.Clock

	mu     sync.Mutex
	newest map[string]*stream
}

func newStreams(c clock.Clock) *streams { return &streams{clock: c, newest: map[string]*stream{}} }

// stream is one connection:
//
//	opening --connected--> open --the peer's end, forgotten--> ended
//
// One goroutine receives from it.
type stream struct {
	grpc.ClientStream
	owner   *streams
	address string
	cancel  context.CancelCauseFunc
	opened  time.Time
	greeted bool
}

// open is a gRPC interceptor. It waits for a peer that cannot be connected to, where protoactor gives up at the first failure and then pauses for two
// seconds in which all that is sent to the peer is lost.
func (s *streams) open(ctx context.Context, d *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	st := &stream{owner: s, address: conn.Target(), opened: s.clock.Now()}
	ctx, st.cancel = context.WithCancelCause(ctx)
	s.add(st)
	timer := s.clock.AfterFunc(patience, func() { st.cancel(errGivenUp) })
	inner, err := open(ctx, d, conn, method, append(options, grpc.WaitForReady(true))...)
	if !timer.Stop() && err == nil {
		err = errGivenUp
	}
	if err != nil {
		st.cancel(err)
		if s.isNewest(st) {
			return nil, err
		}
		inner = nil
	}
	st.ClientStream = inner
	return st, nil
}

var (
	errGivenUp   = fmt.Errorf("the peer could not be connected to within %v", patience)
	errForgotten = fmt.Errorf("the peer was silent")
)

func (s *streams) add(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest[st.address] = st
}

func (s *streams) isNewest(st *stream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest[st.address] == st
}

// youth is for how long a connection is not forgotten: several actors may find the same peer silent.
const youth = time.Second

// forget ends the newest connection to a peer, without telling anybody, and reports whether there was one to end.
func (s *streams) forget(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.newest[address]
	if st == nil || s.clock.Since(st.opened) < youth {
		return false
	}
	delete(s.newest, address)
	st.cancel(errForgotten)
	return true
}

// RecvMsg implements grpc.ClientStream. One that has a successor, or was forgotten, ends without a failure: it even seems to have been answered, since
// protoactor would otherwise fail its address after a pause.
func (st *stream) RecvMsg(m any) error {
	err := io.ErrClosedPipe
	if st.ClientStream != nil {
		err = st.ClientStream.RecvMsg(m)
	}
	if err != nil && !st.owner.isNewest(st) {
		return st.endQuietly(m)
	}
	st.greeted = true
	return err
}

func (st *stream) endQuietly(m any) error {
	if st.greeted {
		return io.EOF
	}
	st.greeted = true
	if answer, ok := m.(*remote.RemoteMessage); ok {
		answer.MessageType = &remote.RemoteMessage_ConnectResponse{ConnectResponse: &remote.ConnectResponse{}}
	}
	return nil
}

// SendMsg implements grpc.ClientStream.
func (st *stream) SendMsg(m any) error {
	if st.ClientStream == nil {
		return nil
	}
	return st.ClientStream.SendMsg(m)
}

// CloseSend implements grpc.ClientStream.
func (st *stream) CloseSend() error {
	if st.ClientStream == nil {
		return nil
	}
	return st.ClientStream.CloseSend()
}
