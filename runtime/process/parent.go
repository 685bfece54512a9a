package process

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/buildinfo"
	"github.com/weir-stream/weir/runtime/message"
)

// Link is a binary's end of the socket. Tell may be called from any goroutine, the other methods from one.
//
//	open --Close--> closing: what was told before is still written --> closed
type Link struct {
	conn   net.Conn
	writer *Writer
	signs  signs
	looks  looks

	mu      sync.Mutex
	ready   *sync.Cond
	queue   []*message.FromProcess
	closing bool
	written chan struct{}
}

// Open says hello to who has started this process and returns what for.
func Open(conn net.Conn) (*Link, *message.ProcessStart, error) {
	l := &Link{conn: conn, writer: NewWriter(conn), written: make(chan struct{})}
	l.ready = sync.NewCond(&l.mu)
	hello := &message.ProcessHello{Protocol: Protocol, Build: buildinfo.Revision(), Runtime: runtime.Version()}
	if err := l.writer.Write(&message.FromProcess{Body: &message.FromProcess_Hello{Hello: hello}}); err != nil {
		return nil, nil, fmt.Errorf("say hello to the parent process: %w", err)
	}
	var first message.ToProcess
	if err := Read(conn, &first); err != nil {
		return nil, nil, fmt.Errorf("hear from the parent process: %w", err)
	}
	start := first.GetStart()
	if start == nil {
		return nil, nil, fmt.Errorf("the parent process begins with %T, where a start is due", first.GetBody())
	}
	go l.write()
	return l, start, nil
}

// Receive returns the next message, for the worker or for the process, or io.EOF when there will be none. Looks that come before it are answered.
func (l *Link) Receive() (*message.ToProcess, error) {
	for {
		m := new(message.ToProcess)
		if err := Read(l.conn, m); err != nil {
			if l.looks.cancel != nil {
				l.looks.cancel()
			}
			return nil, l.signs.reason(err)
		}
		l.signs.Heard()
		switch body := m.GetBody().(type) {
		case *message.ToProcess_Worker, *message.ToProcess_Memory:
			return m, nil
		case *message.ToProcess_Look:
			l.look(body.Look)
		case nil: // a sign of life, for which one is given
			l.Tell(&message.FromProcess{})
		default:
			return nil, fmt.Errorf("the parent process sends %T, where a message to the worker is due", m.GetBody())
		}
	}
}

// Tell sends a message, in order, and does not wait for it to be written.
func (l *Link) Tell(m *message.FromProcess) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closing {
		l.queue = append(l.queue, m)
		l.ready.Signal()
	}
}

// write writes what is told until Close, or until nobody reads it any more.
func (l *Link) write() {
	defer close(l.written)
	for {
		l.mu.Lock()
		for len(l.queue) == 0 && !l.closing {
			l.ready.Wait()
		}
		messages, last := l.queue, l.closing
		l.queue = nil
		l.mu.Unlock()
		for _, m := range messages {
			if err := l.writeOne(m); err != nil {
				l.conn.Close() // so that Receive ends as well
				return
			}
		}
		if last {
			return
		}
	}
}

// writeOne writes a message. One that cannot be sent as it is, for its size or text that is not UTF-8, ends the worker with that as the reason.
func (l *Link) writeOne(m *message.FromProcess) error {
	err := l.writer.Write(m)
	if err == nil || !errors.Is(err, ErrTooLarge) && !errors.Is(err, proto.Error) {
		return err
	}
	stopped := &message.WorkerStopped{Failure: &message.Failure{
		Message: fmt.Sprintf("the worker's %T cannot be sent to its TaskManager: %v", m.GetWorker().GetBody(), err), Subtask: -1,
	}}
	_ = l.writer.Write(&message.FromProcess{Body: &message.FromProcess_Worker{Worker: &message.FromWorker{
		LeaderEpoch: m.GetWorker().GetLeaderEpoch(), Body: &message.FromWorker_Stopped{Stopped: stopped},
	}}})
	return io.ErrClosedPipe
}

// Close writes what was told and closes the socket.
func (l *Link) Close() {
	l.mu.Lock()
	l.closing = true
	l.ready.Signal()
	l.mu.Unlock()
	<-l.written
	l.conn.Close()
}
