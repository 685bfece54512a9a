package worker

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
)

// pulse tells whether a task answers. The host's loop owns it but for answered, which the task sets.
type pulse struct {
	answered atomic.Bool
	asked    bool
	// missed counts the looks at which the answer was not there.
	missed int
}

// looks is how often a task is looked at within the time that it has. They are counted instead of time: a process that was frozen (SIGSTOP, a
// virtual machine that was moved) finds its tasks no more overdue than before.
const looks = 10

// WatchMailboxes has blocked called once if a running task does not answer for as long as timeout, and a tenth of it more. A task answers between
// two records, while it waits for input or credit, and between two slices of its work: what takes longer is one call of a user's function. 0 watches
// nothing. It is called once, before messages come.
func (h *Host) WatchMailboxes(timeout time.Duration, blocked func(*message.Failure)) {
	if timeout <= 0 {
		return
	}
	go func() {
		timer := h.config.Clock.NewTimer(timeout / looks)
		defer timer.Stop()
		for {
			select {
			case <-h.closed:
				return
			case <-timer.C():
			}
			looked := make(chan *message.Failure, 1)
			h.loop.do(func() { looked <- h.lookAtMailboxes(timeout) })
			select {
			case <-h.closed:
				return
			case failure := <-looked:
				if failure != nil {
					blocked(failure)
					return
				}
			}
			timer.Reset(timeout / looks)
		}
	}()
}

// mailboxPause is the time between two measurements of a mailbox.
const mailboxPause = time.Second

// MeasureMailboxes has an action go through the mailbox of each running task every second: how long it waits there is the metric mailboxLatencyMs. It is called
// once, before messages come.
func (h *Host) MeasureMailboxes() {
	go func() {
		timer := h.config.Clock.NewTimer(mailboxPause)
		defer timer.Stop()
		for {
			select {
			case <-h.closed:
				return
			case <-timer.C():
			}
			h.loop.do(h.measureMailboxes)
			timer.Reset(mailboxPause)
		}
	}()
}

func (h *Host) measureMailboxes() {
	const milli = 1e6
	for _, t := range h.tasks {
		if t.task == nil || t.state != message.TaskState_RUNNING || !t.measuring.CompareAndSwap(false, true) {
			continue
		}
		asked := h.config.Clock.Nanos()
		t.task.Do(func() {
			t.mailboxLatency.Update((h.config.Clock.Nanos() - asked) / milli)
			t.measuring.Store(false)
		})
	}
}

// lookAtMailboxes returns the failure of a task that has not answered in time.
func (h *Host) lookAtMailboxes(timeout time.Duration) *message.Failure {
	for execution, t := range h.tasks {
		if t.task == nil || t.canceling || t.state != message.TaskState_RUNNING {
			continue // one that opens may read state for long, and one that is canceled has a time-out of its own
		}
		if t.pulse.look() > looks {
			return h.notAnswering(execution, t, timeout)
		}
		if !t.pulse.asked {
			t.pulse.asked = true
			t.task.DoUrgently(func() { t.pulse.answered.Store(true) })
		}
	}
	return nil
}

// look returns how many looks the task has not answered.
func (p *pulse) look() int {
	switch {
	case p.asked && p.answered.Load():
		p.answered.Store(false)
		p.asked, p.missed = false, 0
	case p.asked:
		p.missed++
	}
	return p.missed
}

func (h *Host) notAnswering(execution ident.ExecutionID, t *hosted, timeout time.Duration) *message.Failure {
	vertex := execution.Vertex.String()
	if v := h.config.Program.Vertex(execution.Vertex); v != nil {
		vertex = v.Name
	}
	stack := stackOf(t.goroutine.Load())
	where := ""
	if frame := userFrame(stack); frame != "" {
		where = ", which stands in " + frame
	}
	return &message.Failure{
		Message: fmt.Sprintf("subtask %d of %q (attempt %d) has not answered for %v (%s): a call of a user's function does not return%s; "+
			"have it watch its context and bound what it waits for, or raise the option if such calls are meant to take so long",
			execution.Subtask, vertex, execution.Attempt, timeout, config.MailboxTimeout.Key(), where),
		Operator: vertex, Subtask: int32(execution.Subtask), Class: int32(operator.User), Stack: stack,
	}
}
