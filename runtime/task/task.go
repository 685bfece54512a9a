// Package task runs one subtask: a chain of operators with its inputs, outputs, mailbox and timers.
//
// A Task is a step function. RunUntilBlocked does all the work there is and returns what to wait for; it has no
// goroutine, so that production drives one task from one goroutine (Drive) and a simulation drives many from one.
// Whoever drives a task owns all that is mutable in it.
package task

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"

	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Reason is why a task has stopped for now.
type Reason uint8

// The reasons for which RunUntilBlocked returns.
const (
	// Idle: there is no input.
	Idle Reason = iota + 1
	// BackPressured: there may be input, but the output has no credit.
	BackPressured
	// Ended: the task will never run again; Err tells how it went.
	Ended
)

// never is a deadline that does not come.
const never = int64(math.MaxInt64)

// phase is where a task stands:
//
//	running --all inputs ended--> finishing --output delivered, last checkpoint complete--> ended
//	running --the savepoint it stopped for is complete--> finishing
//	   \-----------------failure, cancellation----------------------------------------------/
type phase uint8

const (
	running phase = iota
	finishing
	ended
)

// Task is one subtask.
type Task struct {
	spec  Spec
	clock clock.Clock
	ctx   context.Context
	stop  context.CancelFunc

	waker   *waker
	mailbox mailbox
	inbox   *exchange.Inbox

	chain chain
	calls calls
	checkpoints
	latencies latencies
	gates     []*gate
	inputs    []input
	outputs   []exchange.Output
	// current is the input whose batch is being worked on, -1 between batches.
	current int
	// open counts the gates that have not ended.
	open int

	phase phase
	// drained says that the last record before a stop was worked on.
	drained  bool
	err      error
	canceled bool
	// fault is an error that an action of the mailbox met.
	fault     error
	slice     slicer
	deadline  int64
	lastFlush int64
	// waited is the time spent inside the current slice waiting for credit.
	waited int64
	times  *stopwatch
	// noted is when figures were noted last, filled when what waits in channels was.
	noted, filled int64
	figures       *Figures
	// notes are what operators have published when figures are noted.
	notes []func(nanos int64)
	spin  spinner
	timer clock.Timer
}

// Wake implements operator.Task.
func (t *Task) Wake() { t.waker.wake() }

// WakeAt implements operator.Task.
func (t *Task) WakeAt(nanos int64) { t.deadline = min(t.deadline, nanos) }

// Do has run called by the goroutine that drives the task, between two slices of work. Any goroutine may call it.
func (t *Task) Do(run func()) { t.mailbox.put(false, run) }

// DoUrgently is Do for an action that leaves the operators alone: it also runs between two records of a slice, and while a
// user's function waits for credit.
func (t *Task) DoUrgently(run func()) { t.mailbox.put(true, run) }

// Cancel ends the task soon. User code is told through its context. Any goroutine may call it, at any time.
func (t *Task) Cancel() {
	t.stop()
	t.DoUrgently(func() { t.canceled = true })
}

// Fail ends the task soon with an error that came from outside of it, as of a connection that it sends through. Any goroutine may call it, at
// any time.
func (t *Task) Fail(err error) {
	t.DoUrgently(func() {
		if t.fault == nil {
			t.fault = t.place(err)
		}
	})
}

// place makes an error of the environment that no operator has met, as of a connection, a failure of the task.
func (t *Task) place(err error) error {
	var placed *operator.Failure
	if errors.As(err, &placed) || errors.Is(err, operator.ErrCanceled) || operator.ClassOf(err) != operator.Environment {
		return err
	}
	return &operator.Failure{
		Job: t.spec.JobName, Operator: t.spec.Vertex.Name, Subtask: int(t.spec.Execution.Subtask), Class: operator.Environment, Cause: err,
	}
}

// Err is how an ended task went: nil if it has finished, ErrCanceled, or what it failed with.
func (t *Task) Err() error { return t.err }

// Times may be called by any goroutine.
func (t *Task) Times() Times { return t.ReadTimes()() }

// ReadTimes returns Times without the task, for those who go on reading when the task's memory is to be freed.
func (t *Task) ReadTimes() func() Times {
	watch, clock := t.times, t.clock
	return func() Times { return watch.at(clock.Nanos()) }
}

// TakeWaits returns what tells the longest waits since it was last called. Any goroutine may call it.
func (t *Task) TakeWaits() func() Waits {
	watch, clock := t.times, t.clock
	return func() Waits { return watch.longest(clock.Nanos()) }
}

// Open opens the chain, tail first. A task whose Open failed has ended and is closed.
func (t *Task) Open() (err error) {
	begun := t.clock.Nanos()
	t.times.start(begun)
	defer func() {
		if err != nil {
			t.end(err)
		}
	}()
	defer t.recoverBug(&err)
	if err := t.restore(); err != nil {
		return err
	}
	if err := t.chain.open(); err != nil {
		return err
	}
	for i := range t.inputs {
		t.inputs[i].Attach(func() { t.inbox.Push(int32(i)) })
	}
	for _, out := range t.outputs {
		out.AttachProducer(t.waker.wake)
		out.OnOverflow(t.waitForCredit)
	}
	if len(t.gates) == 0 && t.chain.source == nil {
		return fmt.Errorf("vertex %s has neither a source nor an input", t.spec.Vertex.Name)
	}
	if t.chain.source != nil && t.spec.Settings.Latency.Interval > 0 {
		t.calls.set(len(t.chain.links), t.clock.Now().UnixMilli())
	}
	t.figures.number[Initialization].Store((t.clock.Nanos() - begun) / 1e6)
	return nil
}

// RunUntilBlocked works until there is nothing to do, and returns why and until when at the most: a reading of the
// clock's Nanos.
func (t *Task) RunUntilBlocked() (reason Reason, deadline int64) {
	var err error
	reason, err = t.run()
	if err != nil {
		t.end(t.place(err))
		reason = Ended
	}
	return reason, t.deadline
}

func (t *Task) run() (reason Reason, err error) {
	defer t.recoverBug(&err)
	t.deadline = never
	for {
		if !t.mailbox.empty() {
			t.mailbox.serve(false)
		}
		switch {
		case t.canceled:
			return Ended, operator.ErrCanceled
		case t.fault != nil:
			return Ended, t.fault
		case t.phase == ended:
			return Ended, nil
		}
		copied := t.copySlice()
		free := t.drainOutputs()
		if free && t.phase == finishing && !t.awaiting && t.stopped == 0 {
			t.copyAll()
			t.end(nil)
			return Ended, nil
		}
		if free {
			free, err = t.chain.ready()
		}
		if err != nil {
			return 0, err
		}
		if !free {
			t.flushIdle()
			if copied {
				continue
			}
			return BackPressured, nil
		}
		if t.phase == finishing || t.stopped != 0 {
			if !copied && t.mailbox.empty() {
				return Idle, nil
			}
			continue
		}
		t.deadline = never
		if err := t.callDue(); err != nil {
			return 0, err
		}
		worked, err := t.step()
		if err != nil {
			return 0, err
		}
		if !worked {
			t.flushIdle()
			if !copied && t.drainOutputs() && t.noInput() && t.mailbox.empty() {
				return Idle, nil
			}
		}
	}
}

// step does one slice of work, if there is any, and flushes what has waited for too long.
func (t *Task) step() (worked bool, err error) {
	start := t.clock.Nanos()
	for _, out := range t.outputs {
		out.Stamp(start)
	}
	t.waited = 0
	records := 0
	if t.chain.source != nil && !t.drained {
		records, worked, err = t.pollSource()
	} else {
		records, worked, err = t.stepInput()
	}
	if err != nil || !worked {
		return worked, err
	}
	now := t.clock.Nanos()
	t.slice.measured(records, now-start-t.waited)
	t.noteAt(now)
	if timeout := t.spec.Settings.BufferTimeout; now-t.lastFlush > timeout/2 {
		t.lastFlush = now
		for _, out := range t.outputs {
			out.FlushOld(now - timeout/2)
		}
	}
	return true, nil
}

// finish ends the chain from head to tail; the task then only delivers what is in its outputs.
func (t *Task) finish() error {
	if !t.over {
		if err := t.chain.finish(); err != nil {
			return err
		}
	}
	for _, out := range t.outputs {
		if t.over {
			// Those behind it start without a watermark, and would wait for one of this channel.
			out.Broadcast(element.Event{Kind: element.Watermark, Time: element.MaxWatermark})
		}
		out.Broadcast(element.Event{Kind: element.EndOfInput, Barrier: t.drainedBy})
	}
	t.phase = finishing
	t.awaitLast()
	return nil
}

func (t *Task) flushIdle() {
	for _, out := range t.outputs {
		out.FlushIdle()
	}
}

func (t *Task) drainOutputs() bool {
	free := true
	for _, out := range t.outputs {
		if out.Blocked() && !out.Drain() {
			free = false
		}
	}
	return free
}

// end closes the chain once, whatever the way.
func (t *Task) end(err error) {
	if t.phase == ended {
		return
	}
	t.phase = ended
	canceled := t.ctx.Err() != nil // by Cancel, though the action that says so may still be in the mailbox
	t.stop()
	t.dropCopying()
	if t.spec.Checkpoints != nil {
		t.spec.Checkpoints.Ending()
	}
	closed := t.chain.close()
	if err == nil {
		err, closed = closed, nil
	}
	if err != nil && canceled {
		// What user code makes of a context that is done is no failure, whatever it returns.
		if !errors.Is(err, operator.ErrCanceled) && !errors.Is(err, context.Canceled) {
			t.spec.Log.Info("a task that was being canceled failed", "vertex", t.spec.Vertex.Name, "error", err)
		}
		err = operator.ErrCanceled
	}
	if closed != nil {
		t.spec.Log.Warn("closing a task that had failed or was canceled", "vertex", t.spec.Vertex.Name, "error", closed)
	}
	t.err = err
	t.latencies.close()
	t.note(t.clock.Nanos())
	t.times.stop(t.clock.Nanos())
}

// Close ends the task as failed if it has not ended. It is for the goroutine that drove the task and cannot go on, because
// user code has ended it with runtime.Goexit.
func (t *Task) Close() {
	if t.phase == ended {
		return
	}
	t.end(&operator.Failure{
		Job: t.spec.JobName, Operator: t.spec.Vertex.Name, Subtask: int(t.spec.Execution.Subtask), Class: operator.User,
		Cause: errors.New("user code ended the subtask's goroutine with runtime.Goexit, as FailNow and SkipNow of a test do: return an error instead"),
	})
}

// recoverBug turns a panic outside of user code into a failure that says so.
func (t *Task) recoverBug(err *error) {
	r := recover()
	if r == nil {
		return
	}
	cause, ok := r.(error)
	if !ok {
		cause = fmt.Errorf("%v", r)
	}
	var placed *operator.Failure
	if errors.As(cause, &placed) {
		*err = placed
		return
	}
	class := operator.Bug
	if unsendable := (*exchange.EncodingError)(nil); errors.As(cause, &unsendable) {
		class = operator.User
	}
	*err = &operator.Failure{
		Job: t.spec.JobName, Operator: t.spec.Vertex.Name, Subtask: int(t.spec.Execution.Subtask),
		Class: class, Cause: cause, Stack: string(debug.Stack()),
	}
}
