package remote

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	protoremote "github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/weir-stream/weir/runtime/clock"
)

// fake is a stream that ends with its context.
type fake struct {
	grpc.ClientStream
	ctx context.Context
}

func (f *fake) RecvMsg(any) error {
	<-f.ctx.Done()
	return context.Cause(f.ctx)
}

func opens(ctx context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return &fake{ctx: ctx}, nil
}

// waits never gets a connection.
func waits(ctx context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func peer(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("127.0.0.1:1", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// endsQuietly expects that a stream seems to be answered and then to end well.
func endsQuietly(t *testing.T, what string, s grpc.ClientStream) {
	t.Helper()
	var m protoremote.RemoteMessage
	if err := s.RecvMsg(&m); err != nil || m.GetConnectResponse() == nil {
		t.Errorf("%s: %v, %v", what, &m, err)
	}
	if err := s.RecvMsg(&m); !errors.Is(err, io.EOF) {
		t.Errorf("%s ends with %v", what, err)
	}
}

// TestAForgottenConnectionFailsNothing: its end comes after that of its peer was told, perhaps when there is another.
func TestAForgottenConnectionFailsNothing(t *testing.T) {
	c, conn := clock.NewManual(time.UnixMilli(0)), peer(t)
	s := newStreams(c)
	old, err := s.open(t.Context(), nil, conn, "", opens)
	if err != nil {
		t.Fatal(err)
	}
	if s.forget(conn.Target()) {
		t.Error("a connection was forgotten that is young")
	}
	c.Advance(youth)
	if !s.forget(conn.Target()) || s.forget(conn.Target()) {
		t.Error("the connection was not forgotten, or twice")
	}
	endsQuietly(t, "a forgotten connection", old)

	opened := make(chan grpc.ClientStream)
	go func() {
		st, err := s.open(t.Context(), nil, conn, "", waits)
		if err != nil {
			t.Error(err)
		}
		opened <- st
	}()
	if err := c.WaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	next, err := s.open(t.Context(), nil, conn, "", opens) // while the other is on its way
	if err != nil {
		t.Fatal(err)
	}
	c.Advance(patience)
	late := <-opened
	endsQuietly(t, "a connection that never was", late)
	if late.SendMsg(nil) != nil || late.CloseSend() != nil {
		t.Error("what is sent on it fails")
	}
	next.(*stream).cancel(io.ErrUnexpectedEOF)
	if err := next.RecvMsg(new(protoremote.RemoteMessage)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the newest connection ends with %v", err)
	}
}

func TestAPeerThatDoesNotComeIsGivenUp(t *testing.T) {
	c := clock.NewManual(time.UnixMilli(0))
	s := newStreams(c)
	failed := make(chan error)
	go func() {
		_, err := s.open(t.Context(), nil, peer(t), "", waits)
		failed <- err
	}()
	if err := c.WaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	c.Advance(patience)
	if err := <-failed; !errors.Is(err, errGivenUp) {
		t.Error(err)
	}
}
