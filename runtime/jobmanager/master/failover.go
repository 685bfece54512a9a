package master

import (
	"slices"
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
)

// fault is a failure with where it happened.
type fault struct {
	cause    *graph.FailureCause
	of       *graph.Execution // nil if it is not one task's
	executor string
}

// exception is a fault in the history that REST shows, with those that came while what it led to was under way.
type exception struct {
	fault
	concurrent []*fault
}

// maxConcurrent bounds the failures that are kept beside another.
const maxConcurrent = 16

// toCause reads a reported failure.
func toCause(now time.Time, f *message.Failure) *graph.FailureCause {
	cause := &graph.FailureCause{
		Message: f.GetMessage(), Operator: f.GetOperator(), Subtask: int(f.GetSubtask()),
		Class: operator.Class(f.GetClass()), Stack: f.GetStack(), At: now.UnixMilli(),
	}
	if cause.Message == "" {
		cause.Message = "a task failed without saying why"
	}
	return cause
}

// keepFault adds a fault to the history.
func (m *Master) keepFault(f *fault) {
	m.exceptions = append(m.exceptions, &exception{fault: *f})
	if surplus := len(m.exceptions) - max(m.config.ExceptionHistory, 1); surplus > 0 {
		m.exceptions = slices.Delete(m.exceptions, 0, surplus)
	}
}

// besides keeps a failure that followed from another, or came too late to matter.
func (m *Master) besides(f *fault) {
	if n := len(m.exceptions); n > 0 && len(m.exceptions[n-1].concurrent) < maxConcurrent {
		last := m.exceptions[n-1]
		last.concurrent = append(last.concurrent, f)
	}
}

// failRegions is what a failure leads to: the regions that it hit are cancelled, and started again after the pause of
// the restart strategy, or all regions if the job is being stopped with a savepoint; or the job fails, as it does at once where what it would
// go on from is lost.
func (m *Master) failRegions(now time.Time, f *fault, hit []*region) {
	if !m.running() {
		m.besides(f)
		return
	}
	if f.cause.Class == operator.Lost {
		m.failForGood(now, f)
		return
	}
	decision := m.config.Restart.Failed(now.UnixMilli(), m.config.Uniform())
	if !decision.Restart {
		if m.restarts > 0 {
			cause := *f.cause
			cause.Message += " (not restarted: " + decision.Reason + ")"
			f.cause = &cause
		}
		m.failForGood(now, f)
		return
	}
	if decision.SameAttempt {
		m.besides(f)
	} else {
		m.restarts++
		m.keepFault(f)
		m.graph.SetFailure(f.cause)
	}
	m.become(graph.JobRestarting, now)
	if m.adaptive != nil || m.checkpoints.on() && m.checkpoints.Coordinator.RestartsWhole() {
		hit = m.regions
	}
	m.restart(now, m.withCoordinators(hit), decision.Delay)
}

// restart cancels regions and has them start again after a pause.
func (m *Master) restart(now time.Time, regions []*region, pause time.Duration) {
	for _, r := range regions {
		r.phase = restarting
		r.restartAt = now.Add(pause)
		m.cancelRegion(now, r)
	}
	m.askRestart(now, regions)
}

// withCoordinators adds the regions that cannot go on without the others: where a source's coordinator is lost with all
// that it knew of which subtask reads what, the whole source begins anew.
func (m *Master) withCoordinators(hit []*region) []*region {
	all := slices.Clone(hit)
	for _, c := range m.coordinators {
		if !c.lost {
			continue
		}
		c.lost = false
		for _, r := range m.regionsOf(c.vertex) {
			if !slices.Contains(all, r) {
				all = append(all, r)
			}
		}
	}
	return all
}

func (m *Master) regionsOf(v *graph.JobVertex) []*region {
	var all []*region
	for _, s := range m.graph.Vertex(v.ID).Subtasks {
		if r := m.regionOf[s.ID]; !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// failForGood cancels everything; the job is FAILED when all attempts are over. The first cause stays.
func (m *Master) failForGood(now time.Time, f *fault) {
	if !m.graph.State().CanBecome(graph.JobFailing) {
		m.besides(f)
		return
	}
	m.keepFault(f)
	m.graph.SetFailure(f.cause)
	m.become(graph.JobFailing, now)
	m.cancelAll(now)
}

func (m *Master) cancelAll(now time.Time) {
	for _, r := range m.regions {
		m.cancelRegion(now, r)
	}
}

func (m *Master) cancelRegion(now time.Time, r *region) {
	for _, id := range r.subtasks {
		m.cancel(now, id)
	}
}

func (m *Master) cancel(now time.Time, id graph.SubtaskID) {
	e := m.execution(id)
	switch e.State() {
	case graph.TaskCreated, graph.TaskScheduled:
		m.update(now, e.ID, graph.TaskCanceled, nil)
	case graph.TaskDeploying, graph.TaskInitializing, graph.TaskRunning:
		m.update(now, e.ID, graph.TaskCanceling, nil)
		m.step(now, coordinator.Gone{Execution: e.ID})
		m.detach(now, id, e.ID.Attempt, "it is being canceled")
		m.tellWorker(now, m.slotOf(id).executor, &message.ToWorker{
			Body: &message.ToWorker_CancelTask{CancelTask: &message.CancelTask{Execution: message.NewExecutionID(e.ID)}},
		})
	}
}

// loseTasks is called when attempts and coordinators are gone without having said so: the worker or the whole TaskExecutor
// is lost. With fatal, something of them may live on, so the job cannot.
func (m *Master) loseTasks(now time.Time, x *executor, failure *message.Failure, fatal bool) {
	f := &fault{cause: toCause(now, failure), executor: x.id}
	coordinators := m.loseCoordinators(x)
	var hit []*region
	for _, r := range m.regions {
		for _, id := range r.subtasks {
			if m.loseTask(now, x, id, f.cause) && !slices.Contains(hit, r) {
				hit = append(hit, r)
			}
		}
	}
	switch {
	case fatal:
		m.failForGood(now, f)
	case len(hit) > 0 || coordinators:
		m.failRegions(now, f, hit)
	}
}

// loseTask ends an attempt that is gone, and reports whether that is a failure.
func (m *Master) loseTask(now time.Time, x *executor, id graph.SubtaskID, cause *graph.FailureCause) bool {
	e := m.execution(id)
	if e.Location != x.id || e.State().Terminal() {
		return false
	}
	m.step(now, coordinator.Gone{Execution: e.ID})
	if e.State() == graph.TaskCanceling {
		m.update(now, e.ID, graph.TaskCanceled, nil)
		return false
	}
	m.update(now, e.ID, graph.TaskFailed, cause)
	m.detach(now, id, e.ID.Attempt, "it is lost")
	return true
}

// loseCoordinators notes which coordinators are gone, and reports whether any is missed.
func (m *Master) loseCoordinators(x *executor) bool {
	missed := false
	for _, c := range m.coordinators {
		if !c.running || c.host != x {
			continue
		}
		c.stop()
		if !m.finished(c.vertex) {
			c.lost, missed = true, true
		}
	}
	return missed
}

// finished reports whether a vertex has nothing left to run.
func (m *Master) finished(v *graph.JobVertex) bool {
	for _, r := range m.regionsOf(v) {
		if r.phase != done {
			return false
		}
	}
	return true
}
