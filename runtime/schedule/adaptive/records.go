package adaptive

import (
	"fmt"
	"slices"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/schedule"
)

// Trigger is why a rescale began.
type Trigger string

// The triggers.
const (
	InitialSchedule      Trigger = "INITIAL_SCHEDULE"
	UpdateRequirement    Trigger = "UPDATE_REQUIREMENT"
	NewResourceAvailable Trigger = "NEW_RESOURCE_AVAILABLE"
	RecoverableFailover  Trigger = "RECOVERABLE_FAILOVER"
)

// Reason is why a rescale ended.
type Reason string

// The reasons.
const (
	Succeeded           Reason = "SUCCEEDED"
	ExceptionOccurred   Reason = "EXCEPTION_OCCURRED"
	RequirementsUpdated Reason = "RESOURCE_REQUIREMENTS_UPDATED"
	NoChange            Reason = "NO_RESOURCES_OR_PARALLELISMS_CHANGE"
	JobFinished         Reason = "JOB_FINISHED"
	JobFailed           Reason = "JOB_FAILED"
	JobCanceled         Reason = "JOB_CANCELED"
	FailoverRestarting  Reason = "JOB_FAILOVER_RESTARTING"
)

// Outcome is how a rescale ended.
type Outcome string

// The outcomes. A rescale that goes on has none.
const (
	Completed Outcome = "COMPLETED"
	Failed    Outcome = "FAILED"
	Ignored   Outcome = "IGNORED"
)

// Outcome is how a rescale has ended that ended for this reason.
func (r Reason) Outcome() Outcome {
	switch r {
	case Succeeded:
		return Completed
	case ExceptionOccurred, JobFailed, FailoverRestarting:
		return Failed
	}
	return Ignored
}

// Rescale is a time in which the scheduler looked for another parallelism, its first one included.
type Rescale struct {
	ID, Requirements string
	// Attempt numbers the rescales of the same requirements from 1.
	Attempt  int64
	Vertices []VertexRescale
	Slots    []SlotRescale
	States   []Step
	Start    time.Time
	// End is zero, and Outcome and Reason are empty, while it goes on.
	End     time.Time
	Trigger Trigger
	Reason  Reason
	Outcome Outcome
	// deployed says that the job has been deployed, and the rescale ends when its subtasks run.
	deployed bool
}

// VertexRescale is what a rescale means for a vertex. Before and After are 0 where there was none.
type VertexRescale struct {
	Vertex        *graph.JobVertex
	Bounds        schedule.Bounds
	Before, After int
}

// SlotRescale is what it means for a slot sharing group.
type SlotRescale struct {
	schedule.GroupSlots
	Before, After int
}

// Step is a state that the scheduler was in meanwhile. Left is zero while it is.
type Step struct {
	State         State
	Entered, Left time.Time
	Failure       string
}

// records are the rescales of a job.
type records struct {
	limit   int
	current *Rescale
	// ended are newest first.
	ended  []*Rescale
	counts map[Outcome]int64
	latest map[Outcome]*Rescale
	// rescales is how often the parallelism of the job was changed.
	rescales int
}

// maxSteps bounds the states of one rescale that are kept: a job may fail over and over while it waits for slots.
const maxSteps = 64

func (r *records) entered(now time.Time, state State) {
	if r.current != nil && len(r.current.States) < maxSteps {
		r.current.States = append(r.current.States, Step{State: state, Entered: now})
	}
}

func (r *records) left(now time.Time) {
	if r.current == nil || len(r.current.States) == 0 {
		return
	}
	if last := &r.current.States[len(r.current.States)-1]; last.Left.IsZero() {
		last.Left = now
	}
}

func (r *records) after(parallelism map[ident.VertexID]int, slots map[string]int) {
	if r.current == nil {
		return
	}
	for i := range r.current.Vertices {
		v := &r.current.Vertices[i]
		v.After = parallelism[v.Vertex.ID]
	}
	for i := range r.current.Slots {
		r.current.Slots[i].After = slots[r.current.Slots[i].Name]
	}
}

// begin begins a rescale, and ends one that it takes the place of.
func (s *Scheduler) begin(now time.Time, why Trigger) {
	switch why {
	case UpdateRequirement:
		s.end(now, RequirementsUpdated, "")
	case RecoverableFailover:
		s.end(now, FailoverRestarting, "")
	}
	s.attempt++
	made := &Rescale{ID: uuid(s.config.NewID()), Requirements: s.requirements, Attempt: s.attempt, Start: now, Trigger: why}
	for _, v := range s.config.Job.Vertices {
		made.Vertices = append(made.Vertices, VertexRescale{Vertex: v, Bounds: s.config.Requirements[v.ID], Before: s.current[v.ID]})
	}
	slots := s.groupSlots(s.current)
	for _, g := range s.config.Requirements.Slots(s.config.Job) {
		made.Slots = append(made.Slots, SlotRescale{GroupSlots: g, Before: slots[g.Name]})
	}
	s.records.current = made
	s.records.entered(now, s.state)
}

// groupSlots are the slots of each slot sharing group under a parallelism.
func (s *Scheduler) groupSlots(parallelism map[ident.VertexID]int) map[string]int {
	slots := map[string]int{}
	for _, v := range s.config.Job.Vertices {
		slots[v.SlotSharingGroup] = max(slots[v.SlotSharingGroup], parallelism[v.ID])
	}
	return slots
}

// end ends the rescale that goes on, if one does.
func (s *Scheduler) end(now time.Time, why Reason, failure string) {
	r := s.records.current
	if r == nil {
		return
	}
	if n := len(r.States); n > 0 && failure != "" {
		r.States[n-1].Failure = failure
	}
	r.End, r.Reason, r.Outcome = now, why, why.Outcome()
	kept := &s.records
	kept.current = nil
	if kept.counts == nil {
		kept.counts, kept.latest = map[Outcome]int64{}, map[Outcome]*Rescale{}
	}
	kept.counts[r.Outcome]++
	kept.latest[r.Outcome] = r
	kept.ended = slices.Insert(kept.ended, 0, r)
	kept.ended = kept.ended[:min(len(kept.ended), kept.limit)]
}

// failed begins the restart after a failure.
func (s *Scheduler) failed(now time.Time, f Facts) {
	s.end(now, FailoverRestarting, f.Failure)
	s.enter(now, Restarting)
	s.begin(now, RecoverableFailover)
}

func (s *Scheduler) failing(now time.Time, f Facts) {
	if s.state != Failing {
		s.end(now, ExceptionOccurred, f.Failure)
		s.enter(now, Failing)
	}
}

func (s *Scheduler) finish(now time.Time, f Facts) {
	switch f.State {
	case graph.JobFinished:
		s.end(now, JobFinished, "")
	case graph.JobFailed:
		s.end(now, JobFailed, f.Failure)
	default:
		s.end(now, JobCanceled, "")
	}
	s.enter(now, Finished)
}

// History is what there is to see of a job's rescales.
type History struct {
	// Rescales are newest first: the one that goes on, and those that are kept.
	Rescales []*Rescale
	// Counts and Latest are by how they ended, InProgress is 1 while one goes on.
	Counts     map[Outcome]int64
	InProgress int64
	Latest     map[Outcome]*Rescale
}

// History returns what there is to see. It must not be changed.
func (s *Scheduler) History() History {
	h := History{Counts: s.records.counts, Latest: s.records.latest, Rescales: s.records.ended}
	if s.records.current != nil {
		h.InProgress = 1
		h.Rescales = slices.Insert(slices.Clone(h.Rescales), 0, s.records.current)
	}
	return h
}

// Rescales is how often the job's parallelism was changed.
func (s *Scheduler) Rescales() int { return s.records.rescales }

// uuid writes an id as a UUID.
func uuid(id ident.ID) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
