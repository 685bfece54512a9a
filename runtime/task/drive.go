package task

import (
	"runtime"
	"time"

	"github.com/weir-stream/weir/runtime/operator"
)

// Drive runs the task until it has ended and returns Err. One goroutine calls it, once.
func (t *Task) Drive() error {
	t.spec.Awake.add(1)
	defer t.spec.Awake.add(-1)
	for {
		reason, deadline := t.RunUntilBlocked()
		if reason == Ended {
			return t.err
		}
		t.park(reason, deadline, func() bool { return t.mailbox.empty() && t.stillBlocked(reason) })
	}
}

// stillBlocked looks again, after the waker was told, for what may have come meanwhile.
func (t *Task) stillBlocked(reason Reason) bool {
	free := t.drainOutputs()
	t.flushIdle()
	if len(t.copying) > 0 {
		return false
	}
	if reason == BackPressured {
		if !free || t.phase == finishing {
			return !free
		}
		ready, err := t.chain.ready()
		return !ready && err == nil
	}
	if t.phase == finishing || t.stopped != 0 {
		return true
	}
	if t.chain.source != nil && !t.drained && t.chain.source.Woken() {
		return false
	}
	return free && t.noInput()
}

// park waits until the task is woken or the deadline has come, unless there is work after all.
func (t *Task) park(reason Reason, deadline int64, blocked func() bool) {
	start := t.clock.Nanos()
	t.noteAt(start)
	t.times.wait(reason, start)
	if t.spec.Sleep == nil && t.spin.worth() && t.spec.Awake.room() {
		if t.lookAgain(min(start+spinNanos, deadline), blocked) {
			t.spin.found()
			t.times.resume(t.clock.Nanos())
			return
		}
		t.spin.missed()
	}
	t.waker.prepare()
	if !blocked() {
		t.waker.abandon()
		t.times.resume(t.clock.Nanos())
		return
	}
	asleep := t.clock.Nanos()
	t.note(asleep) // it may sleep for long
	t.spec.Awake.add(-1)
	t.sleep(asleep, deadline)
	t.spec.Awake.add(1)
	now := t.clock.Nanos()
	t.spin.slept(now - asleep)
	t.times.resume(now)
}

// sleep waits for the waker or the deadline.
func (t *Task) sleep(now, deadline int64) {
	switch {
	case t.spec.Sleep != nil:
		t.spec.Sleep(t.waker.signal, deadline)
		t.waker.abandon()
	case deadline == never:
		<-t.waker.signal
	default:
		t.arm(time.Duration(deadline - now))
		select {
		case <-t.waker.signal:
			t.timer.Stop()
		case <-t.timer.C():
			t.waker.abandon()
		}
	}
}

// lookAgain looks for work until a time, letting other goroutines run in between, and reports whether there is some.
func (t *Task) lookAgain(until int64, blocked func() bool) bool {
	for range spinRounds { // a clock that is turned by hand does not end it
		if !blocked() {
			return true
		}
		if t.clock.Nanos() >= until || !t.spec.Awake.room() {
			return false
		}
		runtime.Gosched()
	}
	return false
}

// arm sets the task's one timer.
func (t *Task) arm(d time.Duration) {
	if t.timer == nil {
		t.timer = t.clock.NewTimer(d)
		return
	}
	t.timer.Reset(d)
}

// waitForCredit is called in the middle of a record that expanded to more than the outputs' reserve.
func (t *Task) waitForCredit() error {
	for {
		if err := t.serveUrgent(); err != nil {
			return err
		}
		if t.drainOutputs() {
			return nil
		}
		start := t.clock.Nanos()
		t.park(hardPressed, never, func() bool {
			blocked := !t.drainOutputs()
			t.flushIdle()
			return blocked && t.mailbox.calm()
		})
		t.waited += t.clock.Nanos() - start
	}
}

// serveUrgent is called in the middle of a batch.
func (t *Task) serveUrgent() error {
	t.mailbox.serve(true)
	if t.canceled {
		return operator.ErrCanceled
	}
	return t.fault
}
