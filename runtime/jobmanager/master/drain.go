package master

import (
	"time"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// drain is a job that is about to be canceled once what is in flight has reached its sinks:
//
//	running --Drain--> draining --all attempts drained or finished; time is up; a failure; Cancel--> cancelled
type drain struct {
	deadline time.Time
	// left are the attempts that have not said that they are done.
	left map[ident.ExecutionID]bool
}

// Drain stops the sources and cancels the job when nothing is in flight any more, at the latest after limit. A job whose
// tasks do not all run has nothing worth waiting for: it is canceled at once.
func (m *Master) Drain(now time.Time, limit time.Duration) {
	if m.draining != nil {
		return
	}
	if m.graph.State() != graph.JobRunning || !m.graph.AllIn(graph.TaskRunning, graph.TaskFinished) {
		m.Cancel(now)
		return
	}
	m.draining = &drain{deadline: now.Add(limit), left: map[ident.ExecutionID]bool{}}
	for _, v := range m.graph.Job().Vertices {
		for subtask := range v.Parallelism {
			id := graph.SubtaskID{Vertex: v.ID, Subtask: ident.SubtaskIndex(subtask)}
			e := m.execution(id)
			if e.State() != graph.TaskRunning {
				continue
			}
			m.draining.left[e.ID] = true
			if len(v.Inputs) == 0 {
				m.tellWorker(now, m.slotOf(id).executor, &message.ToWorker{
					Body: &message.ToWorker_DrainTask{DrainTask: &message.DrainTask{Execution: message.NewExecutionID(e.ID)}},
				})
			}
		}
	}
	m.advance(now)
}

func (m *Master) onDrained(x *executor, report *message.TaskDrained) {
	id, err := report.Execution.Ident()
	if err != nil {
		m.stale++
		return
	}
	if e, err := m.graph.Execution(id); err != nil || e.Location != x.id || m.draining == nil {
		m.stale++
		return
	}
	delete(m.draining.left, id)
}

// settleDrain cancels the job when there is nothing more to wait for.
func (m *Master) settleDrain(now time.Time) {
	d := m.draining
	if d == nil || !m.running() {
		return
	}
	for id := range d.left {
		if e, err := m.graph.Execution(id); err != nil || e.State().Terminal() {
			delete(d.left, id)
		}
	}
	if len(d.left) == 0 && !m.graph.AllIn(graph.TaskFinished) || !now.Before(d.deadline) || m.graph.State() != graph.JobRunning {
		m.stop(now)
	}
}
