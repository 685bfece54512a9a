package socket

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/weir-stream/weir/runtime/clock"
)

// buffered is how many chunks of records wait for the subtask; a chunk is what one read of at most readSize bytes completes.
const (
	buffered = 4
	readSize = 64 << 10
)

// connection reads in a goroutine of its own, from start to stop:
//
//	connecting --connected--> receiving --end of stream, retries left--> connecting
//	     \------------------------+---no retry left, error, stop---> ended: err is set, chunks is closed
type connection struct {
	source Source
	clock  clock.Clock
	wake   func()
	cancel context.CancelFunc
	// chunks is closed at the end; err may be read then.
	chunks chan []string
	err    error
}

func startConnection(ctx context.Context, source Source, clock clock.Clock, wake func()) *connection {
	ctx, cancel := context.WithCancel(ctx)
	c := &connection{source: source, clock: clock, wake: wake, cancel: cancel, chunks: make(chan []string, buffered)}
	go func() {
		c.err = c.run(ctx)
		close(c.chunks)
		wake()
	}()
	return c
}

// stop ends the goroutine and waits until it has.
func (c *connection) stop() {
	c.cancel()
	for range c.chunks {
	}
}

// run connects and receives until the stream has ended for good. It returns nil if the other side ended it.
func (c *connection) run(ctx context.Context) error {
	dialer := net.Dialer{}
	for failures := 0; ; {
		connected, err := dialer.DialContext(ctx, "tcp", c.source.address)
		if err == nil {
			var received bool
			if received, err = c.receive(ctx, connected); received {
				failures = 0
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failures++
		if c.source.maxRetries >= 0 && failures > c.source.maxRetries || errors.As(err, new(lineError)) {
			if err == nil {
				return nil
			}
			return &Error{Address: c.source.address, Attempts: failures, Cause: err}
		}
		if err := c.clock.Sleep(ctx, c.source.pause); err != nil {
			return err
		}
	}
}

// lineError is an error of the text, which no retry helps.
type lineError struct{ error }

// receive reads one connection to its end and reports whether anything came.
func (c *connection) receive(ctx context.Context, from net.Conn) (received bool, err error) {
	defer context.AfterFunc(ctx, func() { from.Close() })()
	defer from.Close()
	cut := cutter{delimiter: c.source.delimiter, longest: c.source.longest}
	buffer := make([]byte, readSize)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			received = true
			records, err := cut.add(buffer[:n])
			if c.deliver(ctx, records); err != nil {
				return received, lineError{err}
			}
		}
		switch {
		case err == io.EOF:
			c.deliver(ctx, cut.end())
			return received, nil
		case err != nil:
			return received, err
		}
	}
}

// deliver waits until the subtask takes the records or ctx is done.
func (c *connection) deliver(ctx context.Context, records []string) {
	if len(records) == 0 {
		return
	}
	select {
	case c.chunks <- records:
		c.wake()
	case <-ctx.Done():
	}
}
