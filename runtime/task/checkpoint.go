package task

import (
	"fmt"
	"slices"
	"time"

	"github.com/weir-stream/weir/checkpoint/barrier"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/failpoint"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
)

// Checkpoints takes what a task has to say of checkpoints. The subtask's goroutine calls it; it must not block.
type Checkpoints interface {
	// Captured hands over a subtask's part of a checkpoint, to be written and acknowledged.
	Captured(*Captured)
	// Declined says that the task will not take a checkpoint. If that is harmless, nothing is wrong with the task.
	Declined(of ident.ExecutionID, checkpoint ident.CheckpointID, reason string, harmless bool)
	// InputEnded says that the task has worked on all of its input and sent on what came of it. It ends when a checkpoint is complete
	// that it has taken since.
	InputEnded(of ident.ExecutionID)
	// Ending says that the task is about to close its operators. What was handed over and is not written is given up, since writing it may read what
	// they close.
	Ending()
}

// Captured is a subtask's part of a checkpoint, copied and not yet written.
type Captured struct {
	Execution ident.ExecutionID
	Barrier   *element.Barrier
	// Operators are the links of the chain that have state.
	Operators []OperatorCapture
	// InputEnded says that the operators had finished.
	InputEnded bool
	// StartDelay lasted from the trigger to the first barrier, Alignment from that to the last, Sync is what the task itself has spent.
	StartDelay, Alignment, Sync time.Duration
	// Copied is when the last of it was copied.
	Copied time.Time
}

// OperatorCapture is what an operator has in a Captured.
type OperatorCapture struct {
	ID      ident.OperatorID
	Capture operator.Capture
}

// checkpoints is what a task knows of its checkpoints.
type checkpoints struct {
	aligner *barrier.Aligner
	// held are notices of channels that a checkpoint blocks, released those that are to be looked at before the inbox.
	held, released []int32
	// copying are the parts of checkpoints not yet copied, in the order in which they were taken.
	copying []*copying
	pace    copyPace
	// stopped is the checkpoint with which the job is to end: nothing is done behind its barrier until it is complete. 0 if there is none.
	stopped ident.CheckpointID
	// drainedBy is the barrier of the savepoint that has ended the task's input, or a part of it; nil if there is none.
	drainedBy *element.Barrier
	// awaiting says that the task waits for its last checkpoint, and last is the first that it has taken since, 0 if none: the savepoint that has
	// drained it, if one has.
	awaiting bool
	last     ident.CheckpointID
	// over says that in the snapshot that the task goes on from its operators had finished: they do not finish again.
	over bool
}

// copying is a Captured on its way.
type copying struct {
	Captured
	// next is the operator to go on with.
	next int
}

// Trigger has the task take a checkpoint as soon as all of its channels have ended: a source at once. Any goroutine may call it.
func (t *Task) Trigger(b *element.Barrier) { t.Do(func() { t.keepFault(t.announce(b)) }) }

// CompleteCheckpoint says that a checkpoint is durable, and all before it are over. Any goroutine may call it.
func (t *Task) CompleteCheckpoint(id ident.CheckpointID) {
	t.Do(func() { t.keepFault(t.complete(id)) })
}

// AbortCheckpoint says that a checkpoint was given up. Any goroutine may call it.
func (t *Task) AbortCheckpoint(id ident.CheckpointID) { t.Do(func() { t.keepFault(t.abort(id)) }) }

// restore gives the operators the state that they go on from.
func (t *Task) restore() error {
	if t.spec.Restore == nil {
		return nil
	}
	if err := failpoint.Reach(failpoint.Restoring); err != nil {
		return err
	}
	states, over, err := t.spec.Restore(t.ctx)
	if err != nil {
		class, cause := operator.RestoreFailure(err)
		return &operator.Failure{Job: t.spec.JobName, Operator: t.spec.Vertex.Name, Subtask: int(t.spec.Execution.Subtask), Class: class, Cause: cause}
	}
	t.over = over
	for i := range t.chain.links {
		ctx := t.chain.links[i].ctx
		ctx.Restored = states[ctx.ID]
	}
	return nil
}

func (t *Task) announce(b *element.Barrier) error {
	if t.phase == ended {
		return nil
	}
	if b.Drain && t.chain.source != nil && t.phase == running {
		t.drainedBy = b
		if err := t.finish(); err != nil {
			return err
		}
	}
	return t.follow(t.aligner.Announce(b, t.clock.Now()))
}

// follow does what the barriers have led to.
func (t *Task) follow(out barrier.Outcome) error {
	for {
		if out.GaveUp != 0 {
			t.decline(out.GaveUp, "a newer checkpoint's barrier came before all barriers of this one", true)
		}
		if out.Changed {
			t.release()
		}
		if out.Take == nil {
			return nil
		}
		if err := t.take(out.Take, out.Since); err != nil {
			return err
		}
		if !out.More {
			return nil
		}
		out = t.aligner.Resume(t.clock.Now())
	}
}

func (t *Task) decline(id ident.CheckpointID, reason string, harmless bool) {
	if t.spec.Checkpoints != nil {
		t.spec.Checkpoints.Declined(t.spec.Execution, id, reason, harmless)
	}
}

// take sends the barrier on and marks the state of all operators.
func (t *Task) take(b *element.Barrier, since time.Time) error {
	if t.spec.Checkpoints == nil {
		return fmt.Errorf("checkpoint %d came to a task of a job without checkpoints", b.Checkpoint)
	}
	start := t.clock.Now()
	t.copyAll()
	failpoint.Begin(t.spec.Vertex.Name, failpoint.Marking)
	defer failpoint.End(t.spec.Vertex.Name, failpoint.Marking)
	if err := t.chain.prepareBarrier(b.Checkpoint); err != nil {
		return err
	}
	if t.phase == running {
		for _, out := range t.outputs {
			out.Broadcast(element.Event{Kind: element.CheckpointBarrier, Barrier: b})
		}
	}
	captures, err := t.chain.mark(markKind(b))
	if err != nil {
		return err
	}
	if b.Stop {
		t.standStill(b.Checkpoint)
	}
	if t.awaiting && t.last == 0 && (t.drainedBy == nil || b.Checkpoint >= t.drainedBy.Checkpoint) {
		t.last = b.Checkpoint
	}
	now := t.clock.Now()
	t.figures.number[StartDelay].Store(int64(max(0, since.Sub(time.UnixMilli(b.Millis)))))
	t.figures.number[Alignment].Store(int64(start.Sub(since)))
	t.copying = append(t.copying, &copying{Captured: Captured{
		Execution: t.spec.Execution, Barrier: b, Operators: captures, InputEnded: t.phase == finishing,
		StartDelay: max(0, since.Sub(time.UnixMilli(b.Millis))), Alignment: start.Sub(since), Sync: now.Sub(start),
	}})
	return nil
}

// standStill has the task do nothing behind a checkpoint, or go on if it is 0.
func (t *Task) standStill(behind ident.CheckpointID) {
	t.stopped = behind
	for i := range t.chain.links {
		t.chain.links[i].ctx.Stopped = behind
	}
}

func markKind(b *element.Barrier) snapshot.MarkKind {
	switch {
	case b.Savepoint:
		return snapshot.MarkCanonical
	case b.Full:
		return snapshot.MarkFull
	}
	return snapshot.MarkChanges
}

func (t *Task) complete(id ident.CheckpointID) error {
	if t.phase == ended {
		return nil
	}
	if err := failpoint.Reach(failpoint.Notified); err != nil {
		return err
	}
	if err := t.chain.checkpointComplete(id); err != nil {
		return err
	}
	if t.last != 0 && id >= t.last {
		t.awaiting = false
	}
	if t.stopped == id {
		t.awaiting, t.stopped = false, 0
		t.phase = finishing // without finishing the operators: the state of the savepoint is that of a job that goes on
	}
	return nil
}

func (t *Task) abort(id ident.CheckpointID) error {
	if t.phase == ended {
		return nil
	}
	out := t.aligner.Cancel(id, t.clock.Now())
	out.GaveUp = 0 // who cancels it knows
	if t.stopped == id {
		t.standStill(0)
	}
	if err := t.follow(out); err != nil {
		return err
	}
	return t.chain.checkpointAborted(id)
}

// awaitLast has the task wait, when its chain has finished, for the checkpoint that makes its results final. One that was drained waits for its
// savepoint in any case.
func (t *Task) awaitLast() {
	if t.spec.Checkpoints != nil && (t.spec.Settings.LastCheckpoint || t.drainedBy != nil) {
		t.awaiting = true
		t.spec.Checkpoints.InputEnded(t.spec.Execution)
	}
}

// copySlice copies for a slice of time, and hands over what is done. It reports whether there was something.
func (t *Task) copySlice() bool {
	if len(t.copying) == 0 {
		return false
	}
	c, start := t.copying[0], t.clock.Nanos()
	work, began := t.pace.work(), c.next
	failpoint.Begin(t.spec.Vertex.Name, failpoint.Slicing)
	done := c.copy(work)
	failpoint.End(t.spec.Vertex.Name, failpoint.Slicing)
	spent := t.clock.Nanos() - start
	t.pace.measured(work, spent, c.next > began)
	c.Sync += time.Duration(spent)
	t.keepFault(failpoint.Reach(failpoint.Copying))
	if done {
		t.copying = slices.Delete(t.copying, 0, 1)
		c.Captured.Copied = t.clock.Now()
		t.spec.Checkpoints.Captured(&c.Captured)
	}
	return true
}

// copyAll copies what is left of earlier checkpoints: the next mark may not wait for it.
func (t *Task) copyAll() {
	for t.copySlice() {
	}
}

// dropCopying gives up what was not copied when the task ended.
func (t *Task) dropCopying() {
	for _, c := range t.copying {
		for _, o := range c.Operators {
			o.Capture.Drop()
		}
	}
	t.copying = nil
}

// copy goes on with the captures, one after the other, and reports whether all are copied.
func (c *copying) copy(work int) (done bool) {
	if c.next < len(c.Operators) && c.Operators[c.next].Capture.Copy(work) {
		c.next++
	}
	return c.next == len(c.Operators)
}

// copyPace decides how much is copied in a slice.
type copyPace struct{ bytes int }

const (
	// copyNanos is how long a slice of copying takes, about: what a record has to wait for it.
	copyNanos = 200_000
	leastCopy = 4 << 10
	mostCopy  = 4 << 20
)

func (p *copyPace) work() int {
	if p.bytes == 0 {
		p.bytes = leastCopy
	}
	return p.bytes
}

// measured lets slices grow twofold at most, and shrink at once. One that came to the end of a capture had less to do than it might have
// had, and says nothing for larger ones.
func (p *copyPace) measured(work int, nanos int64, ended bool) {
	next := 2 * work
	if ended {
		next = work
	}
	if nanos > 0 {
		next = int(min(int64(next), int64(work)*copyNanos/nanos))
	}
	p.bytes = min(max(next, leastCopy), mostCopy)
}
