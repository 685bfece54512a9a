package master

import (
	"errors"
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/message"
)

// onReport takes in what a worker says.
func (m *Master) onReport(now time.Time, x *executor, report *message.FromWorker) {
	if report.LeaderEpoch != m.config.LeaderEpoch {
		m.stale++
		return
	}
	switch body := report.Body.(type) {
	case *message.FromWorker_TaskState:
		m.onTaskState(now, x, body.TaskState)
	case *message.FromWorker_ToCoordinator:
		m.toCoordinator(now, x, body.ToCoordinator)
	case *message.FromWorker_ToSubtask:
		m.toSubtask(now, x, body.ToSubtask)
	case *message.FromWorker_CoordinatorFailed:
		m.onCoordinatorFailed(now, x, body.CoordinatorFailed)
	case *message.FromWorker_Progress:
		m.onProgress(x, body.Progress)
	case *message.FromWorker_Drained:
		m.onDrained(x, body.Drained)
	case *message.FromWorker_CheckpointAck:
		m.onAck(now, body.CheckpointAck)
	case *message.FromWorker_CheckpointDecline:
		m.onDecline(now, body.CheckpointDecline)
	case *message.FromWorker_InputEnded:
		m.onInputEnded(now, body.InputEnded)
	case *message.FromWorker_CoordinatorSnapshot:
		m.onCoordinatorSnapshot(now, x, body.CoordinatorSnapshot)
	}
}

func (m *Master) onTaskState(now time.Time, x *executor, report *message.TaskStateChanged) {
	id, err := report.Execution.Ident()
	state, known := report.State.Graph()
	if err != nil || !known || state < graph.TaskInitializing || state == graph.TaskCanceling {
		m.stale++
		return
	}
	e, err := m.graph.Execution(id)
	if err != nil || e.Location != x.id {
		m.stale++
		return
	}
	before := e.State()
	var cause *graph.FailureCause
	if report.Failure != nil || state == graph.TaskFailed {
		cause = toCause(now, report.Failure)
	}
	changed, err := m.graph.Update(id, state, now.UnixMilli(), cause)
	if refused := (*graph.TaskTransitionError)(nil); errors.As(err, &refused) {
		// RUNNING of an attempt that is being canceled, say: it was on its way.
		m.stale++
		return
	}
	if !changed {
		return
	}
	subtask := graph.SubtaskID{Vertex: id.Vertex, Subtask: id.Subtask}
	m.keep(subtask, report.Accumulators, report.Io)
	switch e.State() {
	case graph.TaskInitializing:
		m.attach(now, id)
	case graph.TaskRunning:
		m.attach(now, id)
		m.step(now, coordinator.Running{Execution: id})
	case graph.TaskFinished:
		m.markDone(now, m.regionOf[subtask])
		m.step(now, coordinator.Finished{Execution: id})
	case graph.TaskFailed:
		m.step(now, coordinator.Gone{Execution: id})
		m.detach(now, subtask, id.Attempt, "it has failed")
		m.failRegions(now, &fault{cause, e, x.id}, []*region{m.regionOf[subtask]})
	case graph.TaskCanceled:
		m.step(now, coordinator.Gone{Execution: id})
		m.detach(now, subtask, id.Attempt, "it has ended")
		switch {
		case before != graph.TaskCanceling:
			// It ended without having been asked to.
			m.failRegions(now, &fault{toCause(now, report.Failure), e, x.id}, []*region{m.regionOf[subtask]})
		case cause != nil:
			m.besides(&fault{cause, e, x.id})
		}
	}
}

func (m *Master) onProgress(x *executor, p *message.TaskProgress) {
	id, err := p.Execution.Ident()
	if err != nil {
		m.stale++
		return
	}
	if e, err := m.graph.Execution(id); err != nil || e.Location != x.id || e.State().Terminal() {
		m.stale++
		return
	}
	m.keep(graph.SubtaskID{Vertex: id.Vertex, Subtask: id.Subtask}, p.Accumulators, p.Io)
}

// keep holds on to the latest accumulators and counts of a subtask.
func (m *Master) keep(id graph.SubtaskID, accumulators []*message.Accumulator, io *message.TaskIO) {
	if len(accumulators) > 0 {
		m.accumulators[id] = accumulators
	}
	if io != nil {
		m.io[id] = io
	}
}
