package process

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/message"
)

// Silence finds out that another process is not heard any more. Time in which this process was frozen itself does not count, since it counts looks.
type Silence struct {
	heard  atomic.Bool
	missed int
}

// SilentLooks is how often within the timeout it is looked whether the other process was heard.
const SilentLooks = 10

// Heard says that a message has come. It may be called from any goroutine.
func (s *Silence) Heard() { s.heard.Store(true) }

// Look reports whether nothing has come between any of the last SilentLooks looks. One goroutine at a time calls it.
func (s *Silence) Look() bool {
	if s.missed++; s.heard.Swap(false) {
		s.missed = 0
	}
	return s.missed >= SilentLooks
}

// signs are those of the life of a process's parent.
type signs struct {
	Silence
	silent  atomic.Bool
	timeout time.Duration
}

// Expect ends the link when the parent has not been heard for so long: it hangs or is frozen, and others have taken its place by then. The function
// that it returns ends the expectation. Call it before Receive.
func (l *Link) Expect(c clock.Clock, timeout time.Duration) (stop func()) {
	l.signs.timeout = timeout
	var timer clock.Timer
	var stopped atomic.Bool
	look := func() {
		if l.signs.Look() {
			l.signs.silent.Store(true)
			l.conn.Close()
			return
		}
		if !stopped.Load() {
			timer.Reset(timeout / SilentLooks)
		}
	}
	armed := make(chan struct{})
	timer = c.AfterFunc(timeout/SilentLooks, func() { <-armed; look() })
	close(armed)
	return func() {
		stopped.Store(true)
		timer.Stop()
	}
}

// reason is what the link has ended with, in better words if the parent was silent.
func (s *signs) reason(err error) error {
	if s.silent.Load() {
		return fmt.Errorf("the parent process was silent for heartbeat.timeout (%v)", s.timeout)
	}
	return err
}

// ShowLife tells a child again and again that its parent lives, until done is closed.
func ShowLife(c clock.Clock, to *Writer, interval time.Duration, done <-chan struct{}) {
	timer := c.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-timer.C():
			if to.Write(&message.ToProcess{}) != nil {
				return
			}
			timer.Reset(interval)
		case <-done:
			return
		}
	}
}
