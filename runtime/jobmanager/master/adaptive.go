package master

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/schedule"
	"github.com/weir-stream/weir/runtime/schedule/adaptive"
)

// ErrDefaultScheduler says that a job's parallelism cannot be changed while it runs.
var ErrDefaultScheduler = errors.New("the job has the default scheduler: its parallelism does not change while it runs; start its cluster or the job with jobmanager.scheduler: Adaptive, " +
	"or stop it with a savepoint and run it again from that at another parallelism")

func newAdaptive(config Config, now time.Time) *adaptive.Scheduler {
	if config.Adaptive == nil {
		return nil
	}
	c := *config.Adaptive
	c.Job = config.Job
	if c.Requirements == nil {
		c.Requirements = schedule.RequirementsOf(config.Job, config.Reactive)
	}
	return adaptive.New(c, now)
}

// adapt does what the adaptive scheduler says, until it has nothing more to say.
func (m *Master) adapt(now time.Time) {
	for again := true; again; {
		again = false
		commands := m.adaptive.Step(now, m.facts(now))
		if m.adaptive.State() == adaptive.WaitingForResources && m.graph.State() == graph.JobRestarting {
			m.become(graph.JobCreated, now)
		}
		for _, command := range commands {
			again = true
			switch c := command.(type) {
			case adaptive.Deploy:
				m.deployAnew(now, c.Parallelism)
			case adaptive.Restart:
				m.become(graph.JobRestarting, now)
				m.restart(now, m.regions, 0)
			case adaptive.GiveUp:
				failure := m.lackOfSlots("jobmanager.adaptive-scheduler.submission.resource-wait-timeout", m.config.Adaptive.SubmissionWait, c.Least)
				m.failForGood(now, &fault{cause: toCause(now, failure)})
			}
		}
	}
}

func (m *Master) facts(now time.Time) adaptive.Facts {
	return adaptive.Facts{
		Slots: len(m.pool), State: m.graph.State(), Stopped: m.stopped(now), Failure: m.lastFailure(),
		Running:  m.graph.AllIn(graph.TaskRunning, graph.TaskFinished),
		Stopping: m.draining != nil || m.checkpoints.on() && m.checkpoints.Coordinator.RestartsWhole(),
	}
}

func (m *Master) lastFailure() string {
	if f := m.graph.Failure(); f != nil {
		return f.Message
	}
	return ""
}

// stopped reports whether a job that restarts as a whole can be deployed again.
func (m *Master) stopped(now time.Time) bool {
	if m.graph.State() != graph.JobRestarting {
		return false
	}
	for _, r := range m.regions {
		if now.Before(r.restartAt) || !m.over(r) || !m.checkpoints.mayRestart(r) {
			return false
		}
	}
	return true
}

// awaitsSlots reports whether the job does not run because the adaptive scheduler waits for slots.
func (m *Master) awaitsSlots() bool {
	return m.adaptive != nil && m.graph.State() == graph.JobCreated
}

// deployAnew deploys the whole job with a parallelism for which it has the slots. Nothing of it runs.
func (m *Master) deployAnew(now time.Time, parallelism map[ident.VertexID]int) {
	if !maps.Equal(parallelism, parallelismOf(m.graph.Job())) {
		job, err := m.config.Job.WithParallelism(parallelism)
		if err != nil {
			panic("master: " + err.Error())
		}
		m.lay(now, job)
		m.step(now, coordinator.Rescaled{Job: job})
	} else {
		m.lay(now, m.graph.Job())
	}
	m.become(graph.JobRunning, now)
	for _, r := range m.regions {
		m.wait(now, r)
	}
	for _, r := range m.regions {
		if !m.bind(r) {
			panic("master: the slots are not enough after all")
		}
		m.deploy(now, r)
	}
}

// lay begins the next attempts of all subtasks of the job, in slots that are found anew.
func (m *Master) lay(now time.Time, job *graph.JobGraph) {
	if err := m.graph.Rescale(job, now.UnixMilli()); err != nil {
		panic("master: " + err.Error())
	}
	clear(m.accumulators)
	clear(m.io)
	for _, c := range m.coordinators {
		if c.running {
			m.stopCoordinator(now, c)
		}
		c.lost = false
	}
	last := map[schedule.SlotKey]schedule.Offer{}
	for _, s := range m.shared {
		last[schedule.KeyOf(s.SharedSlot)] = s.last
	}
	for _, s := range m.pool {
		if s.shared != nil {
			s.shared, s.idleSince = nil, now
		}
	}
	m.regions, m.shared = nil, nil
	clear(m.regionOf)
	m.layOut(job)
	for _, s := range m.shared {
		s.last = last[schedule.KeyOf(s.SharedSlot)]
	}
}

func parallelismOf(job *graph.JobGraph) map[ident.VertexID]int {
	of := map[ident.VertexID]int{}
	for _, v := range job.Vertices {
		of[v.ID] = v.Parallelism
	}
	return of
}

// parallelism tells workers that of all vertices, where it may not be that of their program.
func (m *Master) parallelism() []*message.VertexParallelism {
	if m.adaptive == nil {
		return nil
	}
	var all []*message.VertexParallelism
	for _, v := range m.graph.Job().Vertices {
		all = append(all, &message.VertexParallelism{Vertex: message.IDBytes(v.ID), Parallelism: int32(v.Parallelism)})
	}
	return all
}

func (m *Master) checkpointed(completed bool) {
	if m.adaptive != nil {
		m.adaptive.Checkpointed(completed)
	}
}

// Job is the job as it runs, or is about to.
func (m *Master) Job() *graph.JobGraph { return m.graph.Job() }

// Require changes between which bounds the job's parallelism is chosen. The error is [ErrDefaultScheduler], or says why there is none within them.
func (m *Master) Require(now time.Time, wanted []*message.VertexBounds) error {
	if m.adaptive == nil {
		return ErrDefaultScheduler
	}
	requirements := schedule.Requirements{}
	for _, b := range wanted {
		id, err := message.ID(b.GetVertex())
		if err != nil {
			return fmt.Errorf("vertex: %w", err)
		}
		requirements[id] = schedule.Bounds{Lower: int(b.GetLower()), Upper: int(b.GetUpper())}
	}
	if err := requirements.Check(m.config.Job); err != nil {
		return err
	}
	m.adaptive.Require(now, requirements)
	m.advance(now)
	return nil
}
