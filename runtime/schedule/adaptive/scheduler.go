// Package adaptive decides with what parallelism a job runs where that follows the slots that there are, as Flink's adaptive scheduler does. It is
// pure: facts and time come in, and what is to be done comes out.
package adaptive

import (
	"maps"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/schedule"
)

// Config is what a Scheduler is made with.
type Config struct {
	Job          *graph.JobGraph
	Requirements schedule.Requirements
	// SubmissionWait is how long a job that does not run waits for the slots that it cannot run without, below 0 for ever, and
	// SubmissionStabilization how long it waits for more once it has these.
	SubmissionWait, SubmissionStabilization time.Duration
	// Cooldown is how long it runs at least before its parallelism is changed, Stabilization how long it waits for all the slots that it wishes
	// before it takes what there is.
	Cooldown, Stabilization time.Duration
	// Checkpoints says that it takes checkpoints, the next of which a change waits for: at most for MaxDelay, or until CheckpointFailures of them have failed.
	Checkpoints        bool
	MaxDelay           time.Duration
	CheckpointFailures int
	// History is how many changes are kept.
	History int
	NewID   func() ident.ID
}

// Scheduler is the state of a job's scheduler. One goroutine owns it.
//
//	Created --> WaitingForResources --slots--> CreatingExecutionGraph --deployed--> Executing
//	                 ^                                                               |  ^  |
//	                 |                                                  to be stopped|  |  |a failure, or other slots
//	                 |                                                               v  |  v
//	                 |                                               StopWithSavepoint  |  |
//	                 |                                                               |     |
//	                 +---------------all attempts are over---------- Restarting <----+-----+
//
//	any --the job is being canceled, fails, is over--> Canceling, Failing, Finished
type Scheduler struct {
	config Config
	state  State
	// since is when the state was entered.
	since time.Time
	// enoughSince is, while WaitingForResources, when the slots came to be enough; zero while they are not.
	enoughSince time.Time
	gaveUp      bool
	// current is the parallelism that the job was last deployed with, nil before; again says that the job restarts only to change it.
	current map[ident.VertexID]int
	again   bool
	change  change
	// last is the last answer of fit, since nothing has changed the requirements.
	last fitted

	requirements string // the id of those that hold
	attempt      int64
	records      records
}

// change is what a Scheduler knows, while Executing, of another parallelism that would be possible. The zero value is that none is.
type change struct {
	// since is when it became possible, ready when nothing but a checkpoint was left to wait for; zero if it has not.
	since, ready time.Time
	checkpointed bool
	failures     int
}

// fitted is what Fit has said of a number of slots.
type fitted struct {
	known       bool
	slots       int
	parallelism map[ident.VertexID]int
	enough      bool
}

// Facts are how the job stands.
type Facts struct {
	// Slots are those that it holds.
	Slots int
	State graph.JobState
	// Stopped says, of a job that restarts, that its next attempts can be deployed. Running says that all subtasks run or have finished.
	Stopped, Running bool
	// Stopping says that it is being stopped with a savepoint.
	Stopping bool
	// Failure is the last one, empty if there was none.
	Failure string
}

// Command is something for the owner to do: one of the types below.
type Command interface{ command() }

type (
	// Deploy has the job deployed with a parallelism for which its slots are enough. It is RUNNING then.
	Deploy struct{ Parallelism map[ident.VertexID]int }
	// Restart has it restart at once, to change its parallelism. It is RESTARTING then.
	Restart struct{}
	// GiveUp says that the slots that it cannot run without did not come in time.
	GiveUp struct{ Least int }
)

func (Deploy) command()  {}
func (Restart) command() {}
func (GiveUp) command()  {}

// New returns the scheduler of a job that has not begun.
func New(config Config, now time.Time) *Scheduler {
	s := &Scheduler{config: config, since: now, records: records{limit: config.History}}
	s.requirements = uuid(config.NewID())
	return s
}

// State is the scheduler's state.
func (s *Scheduler) State() State { return s.state }

// Requirements are those that hold. They must not be changed.
func (s *Scheduler) Requirements() schedule.Requirements { return s.config.Requirements }

// Need is how many slots the job cannot run without, and how many it makes use of.
func (s *Scheduler) Need() (least, desired int) {
	return s.config.Requirements.Need(s.config.Job)
}

// Require changes the requirements, which must be such as their Check accepts. Step is to be called then.
func (s *Scheduler) Require(now time.Time, r schedule.Requirements) {
	if maps.Equal(r, s.config.Requirements) {
		return
	}
	s.config.Requirements, s.requirements, s.attempt = maps.Clone(r), uuid(s.config.NewID()), 0
	if s.state >= Canceling {
		return
	}
	s.begin(now, UpdateRequirement)
	s.enoughSince, s.gaveUp, s.change, s.last = time.Time{}, false, change{}, fitted{}
}

// Checkpointed says that a checkpoint has completed, or failed. Step is to be called then.
func (s *Scheduler) Checkpointed(completed bool) {
	if completed {
		s.change.checkpointed = true
	} else {
		s.change.failures++
	}
}

// Step takes in how the job stands, and returns what is to be done. It is to be called again when that was done. Time must not go backward.
func (s *Scheduler) Step(now time.Time, f Facts) []Command {
	if s.state == Finished || s.follow(now, f) {
		return nil
	}
	switch s.state {
	case WaitingForResources:
		return s.awaitSlots(now, f)
	case Executing:
		return s.watchSlots(now, f)
	}
	return nil
}

// follow enters the state that the job's own means, and reports whether nothing is left to decide.
func (s *Scheduler) follow(now time.Time, f Facts) (over bool) {
	switch f.State {
	case graph.JobCancelling:
		s.enter(now, Canceling)
		return true
	case graph.JobFailing:
		s.failing(now, f)
		return true
	case graph.JobFinished, graph.JobCanceled, graph.JobFailed, graph.JobSuspended:
		s.finish(now, f)
		return true
	}
	switch s.state {
	case Created:
		s.enter(now, WaitingForResources)
		s.begin(now, InitialSchedule)
	case CreatingExecutionGraph:
		if f.State == graph.JobRunning {
			s.enter(now, Executing)
		}
	case Executing, StopWithSavepoint:
		switch {
		case f.State == graph.JobRestarting:
			s.failed(now, f)
		case f.Stopping:
			s.enter(now, StopWithSavepoint)
		default:
			s.enter(now, Executing)
		}
	}
	if s.state == Restarting && f.Stopped {
		s.enter(now, WaitingForResources)
	}
	if r := s.records.current; s.state == Executing && f.Running && r != nil && r.deployed {
		s.records.after(s.current, s.groupSlots(s.current))
		s.end(now, Succeeded, "")
	}
	return false
}

// awaitSlots deploys the job when its slots are all it wishes, or enough and nothing more has come for a while. One that is started again only
// to be changed, or for which all is there that it had before, does not wait.
func (s *Scheduler) awaitSlots(now time.Time, f Facts) []Command {
	least, desired := s.Need()
	late := s.config.SubmissionWait >= 0 && !now.Before(s.since.Add(s.config.SubmissionWait))
	fit, enough := s.fit(f.Slots)
	if !enough {
		s.enoughSince, s.again = time.Time{}, false
		if late && !s.gaveUp {
			s.gaveUp = true
			return []Command{GiveUp{least}}
		}
		return nil
	}
	if s.enoughSince.IsZero() {
		s.enoughSince = now
	}
	stable := !now.Before(s.enoughSince.Add(s.config.SubmissionStabilization))
	if f.Slots < desired && !late && !stable && !s.again && !maps.Equal(fit, s.current) {
		return nil
	}
	if s.records.current != nil {
		s.records.current.deployed = true
	}
	if s.current != nil && !maps.Equal(fit, s.current) {
		s.records.rescales++
	}
	s.current = fit
	s.enter(now, CreatingExecutionGraph)
	return []Command{Deploy{maps.Clone(fit)}}
}

// watchSlots changes the parallelism of a job that runs when its slots allow another one, for long enough, and a checkpoint has just completed, so that little is done again.
func (s *Scheduler) watchSlots(now time.Time, f Facts) []Command {
	fit, enough := s.fit(f.Slots)
	c := &s.change
	if !enough || maps.Equal(fit, s.current) {
		*c = change{}
		if r := s.records.current; r != nil && !r.deployed && (r.Trigger == NewResourceAvailable || !now.Before(s.ignoredAt())) {
			s.end(now, NoChange, "")
		}
		return nil
	}
	if c.since.IsZero() {
		*c = change{since: now}
		if s.records.current == nil {
			s.begin(now, NewResourceAvailable)
		}
	}
	if c.ready.IsZero() {
		if now.Before(s.readyAt(f.Slots)) {
			return nil
		}
		c.ready, c.checkpointed, c.failures = now, false, 0
	}
	if s.config.Checkpoints && !c.checkpointed && c.failures < s.config.CheckpointFailures && now.Before(c.ready.Add(s.config.MaxDelay)) {
		return nil
	}
	s.again = true
	s.enter(now, Restarting)
	return []Command{Restart{}}
}

// fit is what the requirements make of so many slots.
func (s *Scheduler) fit(slots int) (parallelism map[ident.VertexID]int, enough bool) {
	if l := &s.last; !l.known || l.slots != slots {
		fit, enough := s.config.Requirements.Fit(s.config.Job, slots)
		*l = fitted{true, slots, fit, enough}
	}
	return s.last.parallelism, s.last.enough
}

// readyAt is when a change that is possible need not wait for slots any more.
func (s *Scheduler) readyAt(slots int) time.Time {
	cool := s.since.Add(s.config.Cooldown)
	if _, desired := s.Need(); slots >= desired {
		return cool
	}
	if s.change.since.After(cool) {
		cool = s.change.since
	}
	return cool.Add(s.config.Stabilization)
}

// ignoredAt is when new requirements are taken for such as change nothing.
func (s *Scheduler) ignoredAt() time.Time {
	return s.records.current.Start.Add(s.config.Stabilization)
}

// Deadline is when Step is to be called if nothing happens before; zero if nothing waits for time.
func (s *Scheduler) Deadline(slots int) time.Time {
	var at time.Time
	earlier := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	switch s.state {
	case WaitingForResources:
		if s.config.SubmissionWait >= 0 && !s.gaveUp {
			earlier(s.since.Add(s.config.SubmissionWait))
		}
		if !s.enoughSince.IsZero() {
			earlier(s.enoughSince.Add(s.config.SubmissionStabilization))
		}
	case Executing:
		switch c := &s.change; {
		case c.since.IsZero():
			if r := s.records.current; r != nil && !r.deployed {
				earlier(s.ignoredAt())
			}
		case c.ready.IsZero():
			earlier(s.readyAt(slots))
		case s.config.Checkpoints:
			earlier(c.ready.Add(s.config.MaxDelay))
		}
	}
	return at
}

func (s *Scheduler) enter(now time.Time, to State) {
	if s.state == to {
		return
	}
	s.records.left(now)
	switch to {
	case WaitingForResources:
		s.enoughSince, s.gaveUp = time.Time{}, false
	case Executing:
		s.again = false
	}
	if to != StopWithSavepoint && s.state != StopWithSavepoint {
		s.change = change{}
	}
	s.state, s.since = to, now
	s.records.entered(now, to)
}
