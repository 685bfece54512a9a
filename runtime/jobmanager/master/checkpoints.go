package master

import (
	"fmt"
	"slices"
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
)

// Checkpoints is how a job takes checkpoints and what it goes on from.
type Checkpoints struct {
	// Coordinator decides; the job's log is claimed.
	Coordinator *coordinator.Coordinator
	// From is the snapshot that the job starts from, nil for the beginning.
	From *snapshot.Completed
	// Term is that of the leader in the job's log.
	Term ident.LeaderEpoch
	// Job is the job with the max parallelism that the snapshot has fixed where the program has not, KeyGroups are the vertices that this
	// concerns.
	Job       *graph.JobGraph
	KeyGroups map[ident.VertexID]int
	// Location returns where a snapshot lies whose path is as the log has it.
	Location func(path string) string
}

// Carry is a command of the checkpoint coordinator that needs the store: the shell carries it out and tells what came of it by
// Checkpoint.
type Carry struct{ Command coordinator.Command }

// Answer answers a request for a savepoint or checkpoint.
type Answer coordinator.Answer

// GivenUp says that a checkpoint was begun and came to nothing, for the log.
type GivenUp struct {
	Checkpoint ident.CheckpointID
	Reason     string
}

func (Carry) command()   {}
func (Answer) command()  {}
func (GivenUp) command() {}

// checkpointing is the part of a Master that has to do with checkpoints. The zero value is that of a job without.
type checkpointing struct {
	Checkpoints
	// restore is what regions start from, nil for the beginning.
	restore *message.Restore
	// tokens counts the restarts that were asked for; granted is the last that may go on.
	tokens, granted uint64
	closed          bool
	// queue are commands of the coordinator that are yet to be carried out, in their order; carrying says that one is.
	queue    []coordinator.Command
	carrying bool
}

func (c *checkpointing) on() bool { return c.Coordinator != nil }

// startFrom sets what regions start from.
func (c *checkpointing) startFrom(from *snapshot.Completed) {
	c.restore = nil
	if from != nil {
		c.restore = &message.Restore{
			Location: c.Location(from.Path), Root: from.Root(), Checkpoint: from.Checkpoint, Owned: from.Owned, TriggerMillis: from.TriggerMillis,
		}
		for id, n := range c.KeyGroups {
			c.restore.KeyGroups = append(c.restore.KeyGroups, &message.VertexKeyGroups{Vertex: message.IDBytes(id), MaxParallelism: int32(n)})
		}
	}
}

// Checkpoint takes in what has happened to the job's checkpoints outside: what came of a Carry, requests of users.
func (m *Master) Checkpoint(now time.Time, e coordinator.Event) {
	m.step(now, e)
	m.advance(now)
}

// step tells the coordinator and does what it says.
func (m *Master) step(now time.Time, e coordinator.Event) {
	if m.checkpoints.on() {
		m.carryOut(now, m.checkpoints.Coordinator.Step(now, e))
	}
}

// carryOut carries out commands in the order in which the coordinator gave them. To carry one out may lead to more of them, which come
// behind those that are there already.
func (m *Master) carryOut(now time.Time, commands []coordinator.Command) {
	c := &m.checkpoints
	c.queue = append(c.queue, commands...)
	if c.carrying {
		return
	}
	c.carrying = true
	for len(c.queue) > 0 {
		next := c.queue[0]
		c.queue = c.queue[1:]
		m.carryOne(now, next)
	}
	c.carrying = false
}

func (m *Master) carryOne(now time.Time, command coordinator.Command) {
	switch c := command.(type) {
	case coordinator.SnapshotCoordinators:
		m.snapshotCoordinators(now, c)
	case coordinator.Trigger:
		m.trigger(now, c)
	case coordinator.Abort:
		m.abort(now, c)
		m.checkpointed(false)
	case coordinator.Notify:
		m.notify(now, c)
		m.checkpointed(true)
	case coordinator.Restore:
		m.checkpoints.granted = c.Token
		m.checkpoints.startFrom(c.From)
	case coordinator.FailJob:
		m.failRegions(now, &fault{cause: m.checkpointFault(now, c.Reason)}, slices.Clone(m.regions))
	case coordinator.Fenced:
		m.checkpoints.closed = true
		m.failForGood(now, &fault{cause: m.checkpointFault(now, c.Reason)})
	case coordinator.Closed:
		m.checkpoints.closed = true
	case coordinator.Answer:
		m.do(Answer(c))
	default:
		m.do(Carry{command})
	}
}

func (m *Master) checkpointFault(now time.Time, reason string) *graph.FailureCause {
	return toCause(now, &message.Failure{
		Message: fmt.Sprintf("job %q: %s", m.config.Job.Name, reason), Subtask: -1, Class: int32(operator.Environment),
	})
}

// snapshotCoordinators asks the coordinators for their states. One whose vertex is done has nothing left to say.
func (m *Master) snapshotCoordinators(now time.Time, s coordinator.SnapshotCoordinators) {
	for _, id := range s.Operators {
		c := m.coordinator(message.IDBytes(id))
		switch {
		case c.running:
			c.asked = s.Checkpoint
			m.tellWorker(now, c.host, &message.ToWorker{Body: &message.ToWorker_SnapshotCoordinator{SnapshotCoordinator: &message.SnapshotCoordinator{
				Coordinator: c.id(), Checkpoint: uint64(s.Checkpoint),
			}}})
		case m.finished(c.vertex):
			m.step(now, coordinator.CoordinatorState{Checkpoint: s.Checkpoint, Operator: id, Over: true})
		default:
			m.step(now, coordinator.CoordinatorState{
				Checkpoint: s.Checkpoint, Operator: id, Failure: fmt.Sprintf("the enumerator of %q is not running", c.name), Harmless: true,
			})
		}
	}
}

func (c *sourceCoordinator) id() *message.CoordinatorID {
	return &message.CoordinatorID{Operator: message.IDBytes(c.operator), Attempt: c.attempt}
}

// onCoordinatorSnapshot takes in the state of a coordinator. What it sends from now on waits until the checkpoint is triggered at
// those who get it.
func (m *Master) onCoordinatorSnapshot(now time.Time, x *executor, s *message.CoordinatorSnapshot) {
	c := m.coordinator(s.GetCoordinator().GetOperator())
	if c == nil || !c.running || c.host != x || c.attempt != s.GetCoordinator().GetAttempt() || c.asked != ident.CheckpointID(s.Checkpoint) {
		m.stale++ // of a checkpoint that was given up, perhaps: nobody would let go what is held for it
		return
	}
	c.asked, c.holding = 0, ident.CheckpointID(s.Checkpoint)
	m.step(now, coordinator.CoordinatorState{Checkpoint: ident.CheckpointID(s.Checkpoint), Operator: c.operator, State: s.State, Failure: s.Failure})
}

// letGo sends on what coordinators have sent since they gave their states for a checkpoint.
func (m *Master) letGo(now time.Time, id ident.CheckpointID) {
	for _, c := range m.coordinators {
		if c.holding == 0 || c.holding > id {
			continue
		}
		held := c.held
		c.holding, c.held = 0, nil
		for _, event := range held {
			m.sendToSubtask(now, event)
		}
	}
}

func (m *Master) trigger(now time.Time, t coordinator.Trigger) {
	m.eachExecutor(t.Tasks, func(x *executor, tasks []*message.ExecutionID) {
		m.tellWorker(now, x, &message.ToWorker{Body: &message.ToWorker_TriggerCheckpoint{TriggerCheckpoint: &message.TriggerCheckpoint{
			Tasks: tasks, Checkpoint: uint64(t.Checkpoint), Savepoint: t.Kind == snapshot.Kind_SAVEPOINT, Full: t.Kind == snapshot.Kind_FULL,
			ExactlyOnce: t.ExactlyOnce, Stop: t.Stop, Drain: t.Drain, Folder: t.Folder, Millis: t.Millis,
		}}})
	})
	m.letGo(now, t.Checkpoint)
}

func (m *Master) abort(now time.Time, a coordinator.Abort) {
	m.do(GivenUp{a.Checkpoint, a.Reason})
	m.eachExecutor(a.Tasks, func(x *executor, tasks []*message.ExecutionID) {
		m.tellWorker(now, x, &message.ToWorker{Body: &message.ToWorker_CheckpointAborted{CheckpointAborted: &message.CheckpointAborted{
			Tasks: tasks, Checkpoint: uint64(a.Checkpoint), Reason: a.Reason,
		}}})
	})
	for _, c := range m.coordinators {
		if c.asked == a.Checkpoint {
			c.asked = 0
		}
	}
	m.letGo(now, a.Checkpoint)
}

func (m *Master) notify(now time.Time, n coordinator.Notify) {
	for _, c := range m.coordinators {
		if c.running {
			m.tellWorker(now, c.host, &message.ToWorker{Body: &message.ToWorker_CheckpointComplete{CheckpointComplete: &message.CheckpointComplete{
				Coordinators: []*message.CoordinatorID{c.id()}, Checkpoint: uint64(n.Checkpoint), Subsumed: uint64(n.Subsumed),
			}}})
		}
	}
	m.eachExecutor(n.Tasks, func(x *executor, tasks []*message.ExecutionID) {
		m.tellWorker(now, x, &message.ToWorker{Body: &message.ToWorker_CheckpointComplete{CheckpointComplete: &message.CheckpointComplete{
			Tasks: tasks, Checkpoint: uint64(n.Checkpoint), Subsumed: uint64(n.Subsumed),
		}}})
	})
}

// eachExecutor calls f for each executor that runs some of the attempts.
func (m *Master) eachExecutor(attempts []ident.ExecutionID, f func(*executor, []*message.ExecutionID)) {
	at := map[*executor][]*message.ExecutionID{}
	for _, id := range attempts {
		if e, err := m.graph.Execution(id); err == nil {
			if x := m.executor(e.Location); x != nil {
				at[x] = append(at[x], message.NewExecutionID(id))
			}
		}
	}
	for _, x := range m.executors {
		if len(at[x]) > 0 {
			f(x, at[x])
		}
	}
}

// onAck takes in that an attempt's part of a checkpoint is durable.
func (m *Master) onAck(now time.Time, a *message.CheckpointAck) {
	id, err := a.Execution.Ident()
	if err != nil {
		m.stale++
		return
	}
	event := coordinator.Ack{
		Checkpoint: ident.CheckpointID(a.Checkpoint), Execution: id, InputEnded: a.InputEnded,
		Stats: coordinator.SubtaskStats{
			CheckpointedBytes: a.WrittenBytes, StateBytes: a.StateBytes, StartDelay: time.Duration(a.StartDelayNanos),
			Alignment: time.Duration(a.AlignmentNanos), Sync: time.Duration(a.SyncNanos), Async: time.Duration(a.AsyncNanos),
		},
	}
	for _, o := range a.Operators {
		of, err := message.ID(o.Operator)
		if err != nil {
			m.stale++
			return
		}
		event.Operators = append(event.Operators, coordinator.OperatorAck{ID: of, States: o.States, Lists: o.Lists, State: o.State})
	}
	m.step(now, event)
}

func (m *Master) onDecline(now time.Time, d *message.CheckpointDecline) {
	id, err := d.Execution.Ident()
	if err != nil {
		m.stale++
		return
	}
	m.step(now, coordinator.Decline{Checkpoint: ident.CheckpointID(d.Checkpoint), Execution: id, Reason: d.Reason, Harmless: d.Harmless})
}

func (m *Master) onInputEnded(now time.Time, e *message.TaskInputEnded) {
	if id, err := e.Execution.Ident(); err == nil {
		m.step(now, coordinator.InputEnded{Execution: id})
		return
	}
	m.stale++
}

// askRestart asks what regions are to be started from that have failed. They wait for the answer.
func (m *Master) askRestart(now time.Time, regions []*region) {
	if !m.checkpoints.on() {
		return
	}
	m.checkpoints.tokens++
	for _, r := range regions {
		r.token = m.checkpoints.tokens
	}
	m.step(now, coordinator.Restart{Token: m.checkpoints.tokens})
}

// mayRestart reports whether it is known what a region starts from.
func (c *checkpointing) mayRestart(r *region) bool { return !c.on() || r.token <= c.granted }
