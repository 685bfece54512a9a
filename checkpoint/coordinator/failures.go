package coordinator

import (
	"fmt"
	"slices"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// expire fails the checkpoints that have taken too long.
func (c *Coordinator) expire() {
	for _, p := range slices.Clone(c.pendings) {
		if p.stage < logging && !c.now.Before(p.timeout) {
			c.fail(p, fmt.Sprintf("it was not complete after %v (execution.checkpointing.timeout); %s", c.config.Timeout, p.missing()), true)
		}
	}
}

// missing says what a checkpoint waits for.
func (p *pending) missing() string {
	switch p.stage {
	case ofCoordinators:
		return fmt.Sprintf("%d coordinators of operators have not answered", p.toCome)
	case ofTasks:
		for _, part := range p.order {
			if !part.finished && !part.acked {
				return fmt.Sprintf("%d subtasks have not answered, the first of them subtask %d of %s", p.unacknowledged, part.task.subtask, part.task.vertex.Name)
			}
		}
	}
	return "its metadata was being written"
}

// fail gives a checkpoint up. One that counts brings the job nearer to failure; savepoints of a job that goes on do not count, nor
// does what is nobody's fault.
func (c *Coordinator) fail(p *pending, reason string, counts bool) {
	c.remove(p)
	c.log.forget(p)
	c.lastEnd = c.now
	if again := c.now.Add(c.config.Retry); c.lastCalled && again.Before(c.periodic) {
		c.periodic = again
	}
	c.stats.failed(p, c.now, reason)
	c.do(Abort{p.id, p.live(), reason})
	if p.savepoint() {
		c.do(Discard{p.folder})
	}
	if p.request != nil {
		c.do(Answer{Request: p.request.Request, Failure: p.String() + " has failed: " + reason})
	}
	if p.stop() {
		c.stopFailed(p, reason)
	}
	if !counts || p.savepoint() {
		return
	}
	if c.failures++; c.failures > c.config.TolerableFailed {
		c.failures = 0
		c.do(FailJob{fmt.Sprintf("more checkpoints in a row have failed than tolerated (execution.checkpointing.tolerable-failed-checkpoints: %d), the last, %d: %s",
			c.config.TolerableFailed, p.id, reason)})
	}
}

// stopFailed lets the job go on. One that was to be drained cannot, unless all of it is being restarted anyway: its operators have seen the end
// of all input.
func (c *Coordinator) stopFailed(p *pending, reason string) {
	c.stopping = nil
	c.schedule()
	if p.request.Drain && p.stage > ofCoordinators && !c.whole && !c.ending {
		c.do(FailJob{"the job was drained, but its savepoint has failed, so it has to go on from its last checkpoint: " + reason})
	}
}

// stopEnds answers who has stopped the job, which is over.
func (c *Coordinator) stopEnds() {
	if c.end != graph.JobFinished {
		c.stopUndone("the job is " + c.end.String())
	} else if c.stopped != nil {
		c.do(Answer{Request: c.stopping.Request, Checkpoint: ident.CheckpointID(c.stopped.Checkpoint), Path: c.stopped.Path})
		c.stopping, c.stopped = nil, nil
	}
}

// stopUndone answers who wanted to stop the job that its savepoint is there, but the job has not ended with it. What the savepoint has may not
// be committed.
func (c *Coordinator) stopUndone(reason string) {
	if c.stopped != nil {
		c.do(Answer{Request: c.stopping.Request, Failure: fmt.Sprintf("the job was not stopped, though savepoint %s is complete: %s; "+
			"results up to the savepoint may not be committed until a job goes on from it", c.stopped.Path, reason)})
		c.stopping, c.stopped = nil, nil
	}
}

func (c *Coordinator) remove(p *pending) {
	c.pendings = slices.DeleteFunc(slices.Clone(c.pendings), func(other *pending) bool { return other == p })
}

// abortWhere fails, without anybody's fault, those in flight that can still fail.
func (c *Coordinator) abortWhere(reason string, which func(*pending) bool) {
	for _, p := range slices.Clone(c.pendings) {
		if p.stage < logging && which(p) {
			c.fail(p, reason, false)
		}
	}
}

// abortPending fails all of them.
func (c *Coordinator) abortPending(reason string) {
	c.abortWhere(reason, func(*pending) bool { return true })
	c.schedule()
}

// abortAll refuses what was asked for, too.
func (c *Coordinator) abortAll(reason string) {
	c.abortPending(reason)
	if !c.stopBegun() {
		c.stopping = nil
	}
	c.answerAll(reason)
	c.schedule()
}

// abortUnacknowledged fails what a subtask was to take part in that has now finished.
func (c *Coordinator) abortUnacknowledged(t *task) {
	reason := fmt.Sprintf("subtask %d of %s has finished before its part", t.subtask, t.vertex.Name)
	c.abortWhere(reason, func(p *pending) bool { return p.parts[t] != nil && !p.parts[t].finished && !p.parts[t].acked })
}
