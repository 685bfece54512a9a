package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/failpoint"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/task"
)

// Checkpoints says where the job's checkpoints go.
type Checkpoints struct {
	// Open returns the store of a location.
	Open func(location string) (storage.Store, error)
	// Folder is the location of the job's folder; "" if the job takes no checkpoints.
	Folder string
	// Inline is up to how many bytes a file becomes a part of the metadata instead.
	Inline int64
	// Timeout bounds the writing of a subtask's part of a checkpoint.
	Timeout time.Duration
	// NewID makes the names of files unique; ident.NewID if nil.
	NewID func() ident.ID
}

// captures writes what one attempt has captured, one checkpoint after the other, in a goroutine of its own beside the task's.
type captures struct {
	host      *Host
	execution ident.ExecutionID
	// term is that of the leader that has deployed the attempt.
	term ident.LeaderEpoch
	// folder is where files are made before they are uploaded, "" for memory.
	folder string
	ctx    context.Context
	stop   context.CancelFunc
	loop   *loop
}

func (h *Host) newCaptures(execution ident.ExecutionID, folder string, term uint64) *captures {
	c := &captures{host: h, execution: execution, term: ident.LeaderEpoch(term), folder: folder, loop: startLoop(h.config.Threads)}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

// attachCheckpoints has an attempt take checkpoints, and go on from the one that its deployment names.
func (h *Host) attachCheckpoints(spec *task.Spec, t *hosted, d *message.Deploy) {
	if h.config.Checkpoints.Folder != "" {
		t.captures = h.newCaptures(spec.Execution, spec.Settings.StateFolder, d.GetTerm())
		spec.Checkpoints = t.captures
	}
	if d.GetRestore() != nil {
		r := &restoring{restores: &h.restores, restore: d.GetRestore(), vertex: spec.Vertex, subtask: spec.Execution.Subtask}
		r.folder = h.state.restored(spec.Execution)
		spec.Restore = r.run
	}
}

// close gives up what is being written, and calls then when nothing is written any more.
func (c *captures) close(then func()) {
	c.stop()
	c.loop.stopAfter(then)
}

// Captured implements task.Checkpoints.
func (c *captures) Captured(taken *task.Captured) {
	c.loop.do(func() {
		ack, err := c.write(taken)
		if err == nil {
			err = failpoint.Reach(failpoint.Acknowledging)
		}
		if err != nil {
			c.Declined(taken.Execution, taken.Barrier.Checkpoint, err.Error(), c.ctx.Err() != nil)
			return
		}
		c.report(&message.FromWorker{Body: &message.FromWorker_CheckpointAck{CheckpointAck: ack}})
		_ = failpoint.Reach(failpoint.Acknowledged) // nothing can fail any more
	})
}

// Declined implements task.Checkpoints.
func (c *captures) Declined(of ident.ExecutionID, checkpoint ident.CheckpointID, reason string, harmless bool) {
	c.report(&message.FromWorker{Body: &message.FromWorker_CheckpointDecline{CheckpointDecline: &message.CheckpointDecline{
		Execution: message.NewExecutionID(of), Checkpoint: uint64(checkpoint), Reason: reason, Harmless: harmless,
	}}})
}

// InputEnded implements task.Checkpoints.
func (c *captures) InputEnded(of ident.ExecutionID) {
	c.report(&message.FromWorker{Body: &message.FromWorker_InputEnded{InputEnded: &message.TaskInputEnded{Execution: message.NewExecutionID(of)}}})
}

// Ending implements task.Checkpoints.
func (c *captures) Ending() { c.stop() }

func (c *captures) report(m *message.FromWorker) {
	c.host.loop.do(func() { c.host.report(m) })
}

// write makes everything durable that an attempt has captured.
func (c *captures) write(taken *task.Captured) (*message.CheckpointAck, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.host.config.Checkpoints.Timeout)
	defer cancel()
	u, failed := c.host.config.Checkpoints.newUploads(c.term, c.execution.Attempt, taken.Barrier)
	upload := func(ctx context.Context, content storage.Source) (*snapshot.FileRef, error) {
		if u == nil {
			return nil, failed
		}
		return u.upload(ctx, content)
	}
	start := c.host.config.Clock.Now()
	ack := &message.CheckpointAck{
		Execution: message.NewExecutionID(taken.Execution), Checkpoint: uint64(taken.Barrier.Checkpoint), InputEnded: taken.InputEnded,
		StartDelayNanos: int64(taken.StartDelay), AlignmentNanos: int64(taken.Alignment), SyncNanos: int64(taken.Sync),
	}
	// Each is written whatever became of those before it: a capture that is left out would be missing in the next ones, too.
	for _, o := range taken.Operators {
		written, err := o.Capture.Write(ctx, c.folder, upload)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("state of operator %s: %w", o.ID, err))
			continue
		}
		part := &message.OperatorSnapshot{Operator: message.IDBytes(o.ID)}
		if part.State, part.States, part.Lists, err = written.Pack(int32(c.execution.Subtask)); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		for _, list := range part.State.Lists { // which may be larger than the snapshot's metadata can be
			if list.Elements, err = upload(ctx, storage.Bytes(list.Elements.Inline)); err != nil {
				failed = errors.Join(failed, fmt.Errorf("operator state of %s: %w", o.ID, err))
				break
			}
		}
		part.State.EachFile(func(f *snapshot.FileRef) { ack.StateBytes += int64(f.Length) })
		ack.Operators = append(ack.Operators, part)
	}
	if failed != nil {
		return nil, failed
	}
	ack.WrittenBytes = u.bytes.Load()
	ack.AsyncNanos = int64(c.host.config.Clock.Now().Sub(start))
	return ack, nil
}

// forTasks calls f with those of the attempts that this host runs.
func (h *Host) forTasks(ids []*message.ExecutionID, f func(*task.Task)) error {
	for _, id := range ids {
		execution, err := id.Ident()
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		if t := h.tasks[execution]; t != nil && t.task != nil && !t.state.Ended() {
			f(t.task)
		}
	}
	return nil
}

func (h *Host) triggerCheckpoint(m *message.TriggerCheckpoint) error {
	if err := failpoint.Reach(failpoint.Triggered); err != nil {
		return err
	}
	b := &element.Barrier{
		Checkpoint: ident.CheckpointID(m.GetCheckpoint()), Savepoint: m.GetSavepoint(), Full: m.GetFull(), ExactlyOnce: m.GetExactlyOnce(),
		Stop: m.GetStop(), Drain: m.GetDrain(), Folder: m.GetFolder(), Millis: m.GetMillis(),
	}
	return h.forTasks(m.GetTasks(), func(t *task.Task) { t.Trigger(b) })
}

func (h *Host) checkpointComplete(m *message.CheckpointComplete) error {
	id := ident.CheckpointID(m.GetCheckpoint())
	if err := h.forTasks(m.GetTasks(), func(t *task.Task) { t.CompleteCheckpoint(id) }); err != nil {
		return err
	}
	return h.forCoordinators(m.GetCoordinators(), func(c *coordinator) { c.checkpointComplete(id) })
}

func (h *Host) checkpointAborted(m *message.CheckpointAborted) error {
	id := ident.CheckpointID(m.GetCheckpoint())
	return h.forTasks(m.GetTasks(), func(t *task.Task) { t.AbortCheckpoint(id) })
}

func (h *Host) forCoordinators(ids []*message.CoordinatorID, f func(*coordinator)) error {
	for _, id := range ids {
		if err := h.withCoordinator(id.GetOperator(), id.GetAttempt(), f); err != nil {
			return err
		}
	}
	return nil
}
