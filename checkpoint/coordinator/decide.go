package coordinator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// maxRequests is how many requests may wait.
const maxRequests = 1000

// request takes a request up, or answers it at once if it cannot be granted.
func (c *Coordinator) request(r *request) {
	refuse := ""
	switch reason := c.ready(); {
	case reason != "":
		refuse = reason
	case c.stopping != nil:
		refuse = "the job is being stopped with a savepoint"
	case len(c.requests) >= maxRequests:
		refuse = fmt.Sprintf("%d requests are waiting already", maxRequests)
	case !r.checkpoint && r.Directory == "":
		refuse = "no directory is given and execution.checkpointing.savepoint-dir is not set"
	}
	if refuse != "" {
		c.do(Answer{Request: r.Request, Failure: refuse})
		return
	}
	c.requests = append(c.requests, r)
	if r.Stop {
		c.stopping = r
		c.schedule()
	}
}

// answerAll answers what still waits to be taken up.
func (c *Coordinator) answerAll(failure string) {
	for _, r := range c.requests {
		c.do(Answer{Request: r.Request, Failure: failure})
	}
	c.requests = nil
}

// decide starts what is due. One checkpoint after the other comes to be triggered, so that barriers enter the job in the
// order of their numbers.
func (c *Coordinator) decide() {
	for !c.starting() && c.ready() == "" {
		switch {
		case c.startRequested():
		case c.stopping != nil || !c.roomForOne():
			return
		case c.lastOfBounded():
			c.lastCalled = true
			c.start(c.unasked(), nil)
		case c.periodicIsDue():
			c.start(c.unasked(), nil)
		default:
			return
		}
	}
}

// starting reports whether a checkpoint waits for the states of coordinators.
func (c *Coordinator) starting() bool {
	return len(c.pendings) > 0 && c.pendings[len(c.pendings)-1].stage == ofCoordinators
}

func (c *Coordinator) roomForOne() bool { return len(c.pendings) < c.config.MaxConcurrent }

// startRequested starts the request that waits longest and may start: savepoints always may.
// Nothing starts behind the savepoint with which the job stops.
func (c *Coordinator) startRequested() bool {
	if c.stopBegun() {
		return false
	}
	for i, r := range c.requests {
		if r.checkpoint && !c.roomForOne() {
			continue
		}
		c.requests = append(c.requests[:i:i], c.requests[i+1:]...)
		kind := snapshot.Kind_SAVEPOINT
		if r.checkpoint {
			if kind = c.unasked(); r.full {
				kind = snapshot.Kind_FULL
			}
		}
		c.start(kind, r)
		return true
	}
	return false
}

// stopBegun reports whether the savepoint with which the job stops is under way or complete.
func (c *Coordinator) stopBegun() bool {
	return c.stopping != nil && !slices.Contains(c.requests, c.stopping)
}

// unasked is the kind of a checkpoint for which none was asked.
func (c *Coordinator) unasked() snapshot.Kind {
	if c.needFull {
		return snapshot.Kind_FULL
	}
	return snapshot.Kind_CHECKPOINT
}

// lastOfBounded reports whether all tasks that are left wait for their last checkpoint and none was started for that.
func (c *Coordinator) lastOfBounded() bool {
	counts := &c.tasks.counts
	return c.config.Interval > 0 && !c.lastCalled && counts[ended] > 0 && counts[running] == 0
}

func (c *Coordinator) periodicIsDue() bool {
	due := c.periodicDue()
	return !due.IsZero() && !c.now.Before(due)
}

// periodicDue is when the next periodic checkpoint may start as far as time goes, zero if there is none.
func (c *Coordinator) periodicDue() time.Time {
	due := c.periodic
	if due.IsZero() || c.lastEnd.IsZero() {
		return due
	}
	if pause := c.lastEnd.Add(c.config.MinPause); pause.After(due) {
		return pause
	}
	return due
}

// start begins a checkpoint with the states of coordinators.
func (c *Coordinator) start(kind snapshot.Kind, r *request) {
	p := &pending{
		id: c.nextID, kind: kind, request: r, started: c.now, timeout: c.now.Add(c.config.Timeout),
		coordinators: map[ident.OperatorID]coordinatorState{},
	}
	c.nextID++
	p.folder = snapshot.CheckpointFolder(p.id)
	if p.savepoint() {
		p.folder = strings.TrimRight(r.Directory, "/") + "/" + snapshot.SavepointFolder(c.config.Job.ID, c.config.NewID())
	} else if !c.periodic.IsZero() {
		c.periodic = c.now.Add(c.interval())
	}
	p.plan(c.tasks)
	c.stats.begin(p)
	c.pendings = append(c.pendings, p)
	if coordinated := coordinatedOperators(c.config.Job); len(coordinated) > 0 {
		p.toCome = len(coordinated)
		c.do(SnapshotCoordinators{p.id, coordinated})
		return
	}
	c.trigger(p)
}

func coordinatedOperators(job *graph.JobGraph) (list []ident.OperatorID) {
	for _, v := range job.Vertices {
		for _, op := range v.Operators {
			if op.Coordinated {
				list = append(list, op.ID)
			}
		}
	}
	return list
}

// trigger triggers the attempts that no barrier may reach.
func (c *Coordinator) trigger(p *pending) {
	p.stage = ofTasks
	fronts, stop := p.fronts(c.tasks), p.stop()
	if len(fronts) == 0 {
		return
	}
	c.do(Trigger{
		Checkpoint: p.id, Kind: p.kind, Folder: p.folder, ExactlyOnce: c.config.ExactlyOnce, Stop: stop, Drain: stop && p.request.Drain,
		Millis: p.started.UnixMilli(), Tasks: fronts,
	})
}

func (c *Coordinator) coordinatorState(e CoordinatorState) {
	p := c.find(e.Checkpoint)
	if p == nil || p.stage != ofCoordinators {
		c.refused++
		return
	}
	if e.Failure != "" {
		c.fail(p, "the coordinator of an operator has no state: "+e.Failure, !e.Harmless)
		return
	}
	if _, twice := p.coordinators[e.Operator]; twice {
		return
	}
	p.coordinators[e.Operator] = coordinatorState{e.State, e.Over}
	if p.toCome--; p.toCome == 0 {
		c.trigger(p)
	}
}
