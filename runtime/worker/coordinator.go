package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/source"
)

// coordinator runs the enumerator of a source. Its own loop calls the enumerator, so that listing a large folder holds
// up nothing else.
type coordinator struct {
	host     *Host
	job      ident.JobID
	jobName  string
	operator ident.OperatorID
	vertex   ident.VertexID
	name     string
	attempt  int32
	ctx      context.Context
	stop     context.CancelFunc
	loop     *loop

	enumerator connector.Enumerator
	// last is the last checkpoint that the enumerator's state was taken for.
	last        ident.CheckpointID
	parallelism int
	failed      bool
	// readers are the attached attempts of the subtasks.
	readers map[int]*reader
	// early are requests that came before their attempt was attached.
	early []*message.SubtaskToCoordinator
}

// reader is what a coordinator knows of a subtask. Assigned is everything it was ever sent, to be given back when it
// starts again from nothing.
type reader struct {
	attempt  int32
	attached bool
	assigned []assignment
	// unsent are events for the next attempt: what the enumerator sends while no attempt is attached.
	unsent [][]byte
}

// assignment is a split that was sent to a reader, with the last checkpoint whose state of the coordinator was taken before that: it is in
// the reader's state from the next one on.
type assignment struct {
	split connector.Split
	after ident.CheckpointID
}

func (h *Host) startCoordinator(m *message.StartCoordinator) error {
	id, err := message.ID(m.GetOperator())
	if err != nil {
		return fmt.Errorf("start coordinator: %w", err)
	}
	if running := h.coordinators[id]; running != nil {
		if running.attempt >= m.GetAttempt() {
			return nil
		}
		running.close()
	}
	vertex, op := h.config.Program.Operator(id)
	if op == nil {
		return h.refuseCoordinator(m, fmt.Errorf("start coordinator: this worker's program has no operator %s", id))
	}
	factory, ok := op.Node.NewEnumerator.(connector.EnumeratorFactory)
	if !ok {
		return h.refuseCoordinator(m, fmt.Errorf("start coordinator: operator %q has none", op.Name))
	}
	c := &coordinator{
		host: h, job: h.config.Program.ID, jobName: h.config.Program.Name, operator: id, vertex: vertex.ID, name: op.Name, attempt: m.GetAttempt(), parallelism: int(m.GetParallelism()),
		readers: map[int]*reader{}, loop: startLoop(h.config.Threads),
	}
	if c.parallelism == 0 {
		c.parallelism = vertex.Parallelism
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	h.coordinators[id] = c
	h.running.Add(1)
	c.do(func() error { return c.start(factory, m) })
	return nil
}

// refuseCoordinator answers a start that cannot be, so that nobody waits for splits that never come.
func (h *Host) refuseCoordinator(m *message.StartCoordinator, cause error) error {
	failure := &operator.Failure{Job: h.config.Program.Name, Subtask: -1, Class: operator.Bug, Cause: cause}
	h.report(&message.FromWorker{Body: &message.FromWorker_CoordinatorFailed{CoordinatorFailed: &message.CoordinatorFailed{
		Operator: m.GetOperator(), Attempt: m.GetAttempt(),
		Failure: &message.Failure{Message: failure.Error(), Subtask: -1, Class: int32(operator.Bug)},
	}}})
	return cause
}

func (h *Host) stopCoordinator(m *message.StopCoordinator) error {
	return h.withCoordinator(m.GetOperator(), m.GetAttempt(), func(c *coordinator) {
		c.close()
		delete(h.coordinators, c.operator)
	})
}

// withCoordinator calls f with the coordinator if it is of that attempt; what is meant for another one is stale.
func (h *Host) withCoordinator(operatorID []byte, attempt int32, f func(*coordinator)) error {
	id, err := message.ID(operatorID)
	if err != nil {
		return fmt.Errorf("coordinator: %w", err)
	}
	if c := h.coordinators[id]; c != nil && c.attempt == attempt {
		f(c)
	}
	return nil
}

// do runs a step of the enumerator; its error ends the coordinator.
func (c *coordinator) do(step func() error) {
	c.loop.do(func() {
		if c.failed {
			return
		}
		if err := c.guarded(step); err != nil {
			c.fail(err)
		}
	})
}

func (c *coordinator) guarded(step func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &operator.Failure{
				Job: c.jobName, Operator: c.name, Subtask: -1, Class: operator.User,
				Cause: fmt.Errorf("%v", r), Stack: string(debug.Stack()),
			}
		}
	}()
	return step()
}

func (c *coordinator) fail(cause error) {
	c.failed = true
	var placed *operator.Failure
	if !errors.As(cause, &placed) {
		placed = &operator.Failure{Job: c.jobName, Operator: c.name, Subtask: -1, Class: operator.ClassOf(cause), Cause: cause}
	}
	failure := &message.Failure{
		Message: placed.Error(), Operator: placed.Operator, Subtask: -1, Class: int32(placed.Class), Stack: placed.Stack,
	}
	c.host.loop.do(func() {
		c.host.report(&message.FromWorker{Body: &message.FromWorker_CoordinatorFailed{CoordinatorFailed: &message.CoordinatorFailed{
			Operator: message.IDBytes(c.operator), Attempt: c.attempt, Failure: failure,
		}}})
	})
}

func (c *coordinator) start(factory connector.EnumeratorFactory, m *message.StartCoordinator) error {
	state, found, err := c.stateOf(m)
	if err != nil {
		return err
	}
	made, err := factory(enumeratorContext{c})
	if err != nil {
		return err // what came with it, perhaps a nil pointer, is not to be closed
	}
	c.enumerator = made
	if found {
		return c.enumerator.Restore(state)
	}
	return c.enumerator.Start()
}

// stateOf returns what the enumerator goes on from, which may be no bytes, and whether there is such a state.
func (c *coordinator) stateOf(m *message.StartCoordinator) (state []byte, found bool, err error) {
	if m.GetRestore() == nil {
		return nil, false, nil
	}
	r := &restoring{restores: &c.host.restores, restore: m.GetRestore()}
	state, found, err = r.coordinator(c.ctx, c.operator)
	if err != nil {
		class, cause := operator.RestoreFailure(fmt.Errorf("restore from %s: %w", m.GetRestore().GetLocation(), err))
		return nil, false, &operator.Failure{Job: c.jobName, Operator: c.name, Subtask: -1, Class: class, Cause: cause}
	}
	c.last = ident.CheckpointID(m.GetRestore().GetCheckpoint())
	return state, found, nil
}

// close ends the coordinator after what it is doing.
func (c *coordinator) close() {
	c.stop()
	c.leaveAll()
	c.loop.stopAfter(func() {
		defer c.host.running.Done()
		if c.enumerator == nil {
			return
		}
		if err := c.guarded(c.enumerator.Close); err != nil {
			c.host.config.Log.Warn("closing an enumerator", "operator", c.name, "error", err)
		}
	})
}

func (c *coordinator) reader(subtask int) *reader {
	r := c.readers[subtask]
	if r == nil {
		r = &reader{attempt: -1}
		c.readers[subtask] = r
	}
	return r
}

func (c *coordinator) subtaskReady(m *message.SubtaskReady) {
	c.do(func() error {
		subtask := int(m.GetSubtask())
		r := c.reader(subtask)
		if m.GetAttempt() <= r.attempt {
			return nil
		}
		r.attempt, r.attached = m.GetAttempt(), true
		for _, event := range r.unsent {
			c.send(subtask, event)
		}
		r.unsent = nil
		if err := c.enumerator.AddReader(subtask); err != nil {
			return err
		}
		return c.serveEarly(subtask, r.attempt)
	})
}

func (c *coordinator) subtaskGone(m *message.SubtaskGone) {
	c.do(func() error {
		if r := c.reader(int(m.GetSubtask())); r.attempt == m.GetAttempt() {
			r.attached = false
			c.leave(int(m.GetSubtask()))
		}
		return nil
	})
}

func (c *coordinator) subtaskReset(m *message.SubtaskReset) {
	c.do(func() error {
		subtask := int(m.GetSubtask())
		r := c.reader(subtask)
		var kept []assignment
		var back []connector.Split
		for _, a := range r.assigned {
			if m.GetCheckpoint() > 0 && a.after < ident.CheckpointID(m.GetCheckpoint()) {
				kept = append(kept, a)
			} else {
				back = append(back, a.split)
			}
		}
		r.assigned, r.unsent, r.attached = kept, nil, false
		if len(back) == 0 {
			return nil
		}
		return c.enumerator.AddSplitsBack(subtask, back)
	})
}

// snapshot takes the enumerator's state. What it assigns from here on is after the checkpoint.
func (h *Host) snapshotCoordinator(m *message.SnapshotCoordinator) error {
	return h.withCoordinator(m.GetCoordinator().GetOperator(), m.GetCoordinator().GetAttempt(), func(c *coordinator) {
		c.do(func() error {
			state, err := c.enumerator.Snapshot()
			answer := &message.CoordinatorSnapshot{Coordinator: m.GetCoordinator(), Checkpoint: m.GetCheckpoint(), State: state}
			if err != nil {
				answer.Failure = fmt.Sprintf("the enumerator of %q: %v", c.name, err)
			}
			c.last = max(c.last, ident.CheckpointID(m.GetCheckpoint()))
			c.host.loop.do(func() {
				c.host.report(&message.FromWorker{Body: &message.FromWorker_CoordinatorSnapshot{CoordinatorSnapshot: answer}})
			})
			return nil
		})
	})
}

// checkpointComplete forgets the assignments that the checkpoint has: no restart goes back behind it.
func (c *coordinator) checkpointComplete(id ident.CheckpointID) {
	c.do(func() error {
		for _, r := range c.readers {
			r.assigned = slices.DeleteFunc(r.assigned, func(a assignment) bool { return a.after < id })
		}
		return nil
	})
}

func (c *coordinator) fromSubtask(m *message.SubtaskToCoordinator) {
	c.do(func() error {
		execution := m.GetExecution()
		r := c.reader(int(execution.GetSubtask()))
		switch {
		case execution.GetAttempt() < r.attempt:
			return nil // the attempt has ended
		case execution.GetAttempt() > r.attempt || !r.attached:
			c.early = append(c.early, m)
			return nil
		}
		return c.request(m)
	})
}

// serveEarly answers what an attempt asked before it was known to run.
func (c *coordinator) serveEarly(subtask int, attempt int32) error {
	waiting := c.early
	c.early = nil
	for _, m := range waiting {
		switch from := m.GetExecution(); {
		case int(from.GetSubtask()) != subtask || from.GetAttempt() > attempt:
			c.early = append(c.early, m)
		case from.GetAttempt() == attempt:
			if err := c.request(m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *coordinator) request(m *message.SubtaskToCoordinator) error {
	if report, ok, err := source.DecodeReport(m.GetEvent()); ok {
		if err == nil {
			c.align(int(m.GetExecution().GetSubtask()), report)
		}
		return err
	}
	if err := source.DecodeRequest(m.GetEvent()); err != nil {
		return err
	}
	return c.enumerator.RequestSplit(int(m.GetExecution().GetSubtask()))
}

// send sends an event to the attached attempt of a subtask, or keeps it for the next one.
func (c *coordinator) send(subtask int, event []byte) {
	r := c.reader(subtask)
	if !r.attached {
		r.unsent = append(r.unsent, event)
		return
	}
	to := ident.ExecutionID{Job: c.job, Vertex: c.vertex, Subtask: ident.SubtaskIndex(subtask), Attempt: r.attempt}
	c.host.loop.do(func() {
		c.host.report(&message.FromWorker{Body: &message.FromWorker_ToSubtask{ToSubtask: &message.CoordinatorToSubtask{
			Operator: message.IDBytes(c.operator), Execution: message.NewExecutionID(to), Event: event, CoordinatorAttempt: c.attempt,
		}}})
	})
}

// enumeratorContext is the enumerator's view of its coordinator.
type enumeratorContext struct{ c *coordinator }

func (e enumeratorContext) Context() context.Context { return e.c.ctx }
func (e enumeratorContext) Parallelism() int         { return e.c.parallelism }
func (e enumeratorContext) Logger() *slog.Logger {
	return e.c.host.config.Log.With("operator", e.c.name)
}

func (e enumeratorContext) Assign(subtask int, splits ...connector.Split) {
	r := e.c.reader(subtask)
	for _, split := range splits {
		r.assigned = append(r.assigned, assignment{split, e.c.last})
	}
	e.c.send(subtask, source.EncodeAssign(splits))
}

func (e enumeratorContext) NoMoreSplits(subtask int) {
	e.c.send(subtask, source.EncodeNoMoreSplits())
}

// toCoordinator is called by subtasks.
func (h *Host) toCoordinator(from ident.ExecutionID, op ident.OperatorID, event []byte) {
	h.loop.do(func() {
		h.report(&message.FromWorker{Body: &message.FromWorker_ToCoordinator{ToCoordinator: &message.SubtaskToCoordinator{
			Operator: message.IDBytes(op), Execution: message.NewExecutionID(from), Event: event,
		}}})
	})
}

// toSubtask hands an event of a coordinator to the source at the head of an attempt's chain.
func (h *Host) toSubtask(m *message.CoordinatorToSubtask) error {
	execution, err := m.GetExecution().Ident()
	if err != nil {
		return fmt.Errorf("event for a source: %w", err)
	}
	t := h.tasks[execution]
	if t == nil || t.task == nil {
		return nil
	}
	if limit, ok, err := source.DecodeLimit(m.GetEvent()); ok {
		if err == nil {
			t.task.Align(limit)
		}
		return err
	}
	splits, more, err := source.DecodeAssign(m.GetEvent())
	if err != nil {
		return err
	}
	if !more {
		t.task.NoMoreSplits()
		return nil
	}
	t.task.AddSplits(splits)
	return nil
}
