package master

import (
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// sourceCoordinator is the coordinator of a source operator: the enumerator of its splits, hosted by one worker of the job.
//
//	stopped --a region of its vertex is deployed--> running --its vertex is done--> stopped
//	running --it failed, or its worker is lost--> lost --all of its vertex restarts--> stopped
//	running --all of its vertex restarts--> stopped
//
// While its vertex restarts only in part, it runs on and is told which subtasks begin anew.
type sourceCoordinator struct {
	operator ident.OperatorID
	name     string
	vertex   *graph.JobVertex
	// attempt numbers the starts from 0; it is that of the running one, or of the next.
	attempt int32
	running bool
	// lost says that it is gone and missed, until the regions of its vertex were failed for that.
	lost bool
	host *executor
	// attached are the attempts that it was told of, by subtask.
	attached map[int32]int32
	// asked is the checkpoint for which its state was asked and has not come, 0 if none.
	asked ident.CheckpointID
	// holding is the checkpoint for which it has given its state and that is yet to be triggered, held what it has sent to readers since.
	holding ident.CheckpointID
	held    []*message.CoordinatorToSubtask
}

func (c *sourceCoordinator) stop() {
	c.running, c.host = false, nil
	c.attempt++
	c.asked, c.holding, c.held = 0, 0, nil
	clear(c.attached)
}

// startCoordinator starts a coordinator with the first region of its vertex, in the worker of the first subtask there.
func (m *Master) startCoordinator(now time.Time, c *sourceCoordinator, r *region) {
	if c.running {
		return
	}
	for _, id := range r.subtasks {
		if id.Vertex != c.vertex.ID {
			continue
		}
		c.running, c.host = true, m.slotOf(id).executor
		m.tellWorker(now, c.host, &message.ToWorker{Body: &message.ToWorker_StartCoordinator{StartCoordinator: &message.StartCoordinator{
			Operator: message.IDBytes(c.operator), Vertex: message.IDBytes(c.vertex.ID), Attempt: c.attempt, Parallelism: int32(c.vertex.Parallelism),
			Restore: m.checkpoints.restore,
		}}})
		return
	}
}

// stopIdleCoordinators stops those whose vertex is done.
func (m *Master) stopIdleCoordinators(now time.Time) {
	for _, c := range m.coordinators {
		if !c.running || !m.finished(c.vertex) {
			continue
		}
		asked := c.asked
		m.stopCoordinator(now, c)
		if asked != 0 { // nobody will answer any more
			m.step(now, coordinator.CoordinatorState{Checkpoint: asked, Operator: c.operator, Over: true})
		}
	}
}

func (m *Master) stopCoordinator(now time.Time, c *sourceCoordinator) {
	m.tellWorker(now, c.host, &message.ToWorker{Body: &message.ToWorker_StopCoordinator{StopCoordinator: &message.StopCoordinator{
		Operator: message.IDBytes(c.operator), Attempt: c.attempt,
	}}})
	c.stop()
}

// resetSubtasks tells coordinators which subtasks begin anew, from the last checkpoint or from the very beginning. A coordinator all of whose subtasks do is started anew itself, which needs no trust in its giving back.
func (m *Master) resetSubtasks(now time.Time, r *region) {
	for _, c := range m.coordinators {
		if !c.running {
			continue
		}
		var own []graph.SubtaskID
		for _, id := range r.subtasks {
			if id.Vertex == c.vertex.ID {
				own = append(own, id)
			}
		}
		if len(own) == c.vertex.Parallelism {
			m.stopCoordinator(now, c)
			continue
		}
		for _, id := range own {
			if finished, ok := c.attached[int32(id.Subtask)]; ok {
				m.detach(now, id, finished, "it starts again")
			}
			m.tellWorker(now, c.host, &message.ToWorker{Body: &message.ToWorker_SubtaskReset{SubtaskReset: &message.SubtaskReset{
				Operator: message.IDBytes(c.operator), CoordinatorAttempt: c.attempt, Subtask: int32(id.Subtask),
				Checkpoint: m.checkpoints.restore.GetCheckpoint(),
			}}})
		}
	}
}

// attach tells the coordinators of a subtask that it can receive.
func (m *Master) attach(now time.Time, id ident.ExecutionID) {
	for _, c := range m.coordinators {
		subtask := int32(id.Subtask)
		if attempt, known := c.attached[subtask]; c.vertex.ID != id.Vertex || !c.running || known && attempt == id.Attempt {
			continue
		}
		c.attached[subtask] = id.Attempt
		m.tellWorker(now, c.host, &message.ToWorker{Body: &message.ToWorker_SubtaskReady{SubtaskReady: &message.SubtaskReady{
			Operator: message.IDBytes(c.operator), CoordinatorAttempt: c.attempt, Subtask: subtask, Attempt: id.Attempt,
		}}})
	}
}

// detach tells the coordinators of a subtask that its attempt is over before its time.
func (m *Master) detach(now time.Time, id graph.SubtaskID, attempt int32, why string) {
	for _, c := range m.coordinators {
		subtask := int32(id.Subtask)
		if known, ok := c.attached[subtask]; c.vertex.ID != id.Vertex || !c.running || !ok || known != attempt {
			continue
		}
		delete(c.attached, subtask)
		m.tellWorker(now, c.host, &message.ToWorker{Body: &message.ToWorker_SubtaskGone{SubtaskGone: &message.SubtaskGone{
			Operator: message.IDBytes(c.operator), CoordinatorAttempt: c.attempt, Subtask: subtask, Attempt: attempt, Reason: why,
		}}})
	}
}

func (m *Master) coordinator(operator []byte) *sourceCoordinator {
	id, err := message.ID(operator)
	if err != nil {
		return nil
	}
	for _, c := range m.coordinators {
		if c.operator == id {
			return c
		}
	}
	return nil
}

// toCoordinator relays an event of a reader.
func (m *Master) toCoordinator(now time.Time, x *executor, event *message.SubtaskToCoordinator) {
	c := m.coordinator(event.Operator)
	e := m.receiving(event.Execution)
	if c == nil || !c.running || e == nil || e.Location != x.id || e.ID.Vertex != c.vertex.ID {
		m.stale++
		return
	}
	m.tellWorker(now, c.host, &message.ToWorker{Body: &message.ToWorker_ToCoordinator{ToCoordinator: &message.SubtaskToCoordinator{
		Operator: event.Operator, Execution: event.Execution, Event: event.Event, CoordinatorAttempt: c.attempt,
	}}})
}

// toSubtask relays an event of a coordinator.
func (m *Master) toSubtask(now time.Time, x *executor, event *message.CoordinatorToSubtask) {
	c := m.coordinator(event.Operator)
	e := m.receiving(event.Execution)
	if c == nil || !c.running || c.host != x || c.attempt != event.CoordinatorAttempt || e == nil || e.ID.Vertex != c.vertex.ID {
		m.stale++
		return
	}
	if c.holding != 0 {
		c.held = append(c.held, event)
		return
	}
	m.sendToSubtask(now, event)
}

// sendToSubtask sends on an event of a coordinator, unless the attempt that it is for is gone.
func (m *Master) sendToSubtask(now time.Time, event *message.CoordinatorToSubtask) {
	e := m.receiving(event.Execution)
	if e == nil || m.executor(e.Location) == nil {
		m.stale++
		return
	}
	m.tellWorker(now, m.executor(e.Location), &message.ToWorker{Body: &message.ToWorker_ToSubtask{ToSubtask: event}})
}

// receiving returns the current attempt that a message names if it can take in events, or nil.
func (m *Master) receiving(id *message.ExecutionID) *graph.Execution {
	named, err := id.Ident()
	if err != nil {
		return nil
	}
	e, err := m.graph.Execution(named)
	if err != nil || e.State() != graph.TaskInitializing && e.State() != graph.TaskRunning {
		return nil
	}
	return e
}

func (m *Master) onCoordinatorFailed(now time.Time, x *executor, f *message.CoordinatorFailed) {
	c := m.coordinator(f.Operator)
	if c == nil || !c.running || c.host != x || c.attempt != f.Attempt {
		m.stale++
		return
	}
	c.stop()
	c.lost = true
	m.failRegions(now, &fault{cause: toCause(now, f.Failure), executor: x.id}, nil)
}
