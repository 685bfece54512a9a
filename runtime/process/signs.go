package process

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/message"
)

// signs are those of the life of a process's parent.
type signs struct {
	heard, silent atomic.Bool
	timeout       time.Duration
}

// silentLooks is how often within the timeout it is looked whether the parent was heard.
const silentLooks = 10

// Expect ends the link when the parent has not been heard for so long: it hangs or is frozen, and others have taken its place by then. Time in which this
// process was frozen itself does not count. The function that it returns ends the expectation. Call it before Receive.
func (l *Link) Expect(c clock.Clock, timeout time.Duration) (stop func()) {
	l.signs.timeout = timeout
	missed := 0
	var timer clock.Timer
	var stopped atomic.Bool
	look := func() {
		if missed++; l.signs.heard.Swap(false) {
			missed = 0
		}
		if missed >= silentLooks {
			l.signs.silent.Store(true)
			l.conn.Close()
			return
		}
		if !stopped.Load() {
			timer.Reset(timeout / silentLooks)
		}
	}
	armed := make(chan struct{})
	timer = c.AfterFunc(timeout/silentLooks, func() { <-armed; look() })
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
