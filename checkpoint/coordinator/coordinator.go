package coordinator

import (
	"fmt"
	"slices"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// Coordinator is the state of a job's checkpoints under one leader. One goroutine owns it.
//
//	Start, then Step for each event and at each Deadline, until Closed or Fenced
//
// A checkpoint's way is told at type stage. When its metadata is durable it is written to the log, in the order in which checkpoints
// come to that; then another slot says that tasks are told, and what is released; then tasks are told and files deleted.
//
//	started at most once per number, numbers ascend
//	Notify(n)        only after the log's slots complete(n) and release(told n)
//	Delete(f)        only after the slot that releases f, which no retained checkpoint names
//	Restore(n), End  only when nothing is being written to the log, so that n is the newest complete one
//	starts unasked   only while in flight < MaxConcurrent; periodic ones only MinPause after the last end of one
//	stop             answered once its savepoint has failed, the job is over, or Restore has the job go on from the savepoint
//
// Savepoints that were asked for start beside others, as Flink's forced ones do.
type Coordinator struct {
	config  Config
	history *snapshot.History
	// held are the snapshots of history with their files: the retained and the unowned ones.
	held  map[string]snapshot.Held
	tasks *tasks
	out   []Command
	now   time.Time

	// nextID is the number of the next checkpoint.
	nextID ident.CheckpointID
	// pendings are in the order of their numbers.
	pendings []*pending
	requests []*request
	// stopping is the request to stop that was granted, until it is answered: when it fails, or the job is over. stopped is its savepoint once
	// tasks are told of it, nil before.
	stopping *request
	stopped  *snapshot.Completed
	// whole says that subtasks have failed while the job was being stopped, until Restore.
	whole bool
	// needFull is set until a checkpoint completes that stands on its own.
	needFull bool

	// periodic is when the next checkpoint is due that nobody has asked for, zero while none is.
	periodic time.Time
	lastEnd  time.Time
	// lastCalled says that the last checkpoint of a bounded job was started for the tasks that have ended.
	lastCalled bool
	failures   int

	log logQueue
	// swept are the slots whose released files are known to be deleted.
	swept map[uint64]bool
	sweeping
	// restarts are the tokens of those who wait for Restore.
	restarts []uint64
	// ending says that the job is over, in state end; endLogged that the log says so, closed that nothing else comes.
	ending, endLogged, closed bool
	end                       graph.JobState
	// storing is how many Stores have not been answered. What they write is cleaned up when the job has ended, so that is waited for, until
	// cleaning.
	storing  int
	cleaning time.Time

	stats   statsKeeper
	refused int64
}

// New makes a coordinator for a job whose log has just been claimed: history is the log with that claim. Held are the snapshots that
// the history names, retained and unowned, with their files; one that is missing is an error, since its files would seem to be nobody's.
// An unowned one that its owner has deleted is given without files.
func New(config Config, history *snapshot.History, held []snapshot.Held) (*Coordinator, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	c := &Coordinator{
		config: config, history: history, held: map[string]snapshot.Held{}, tasks: newTasks(config.Job), swept: map[uint64]bool{}, sweeping: sweeping{},
		stats: statsKeeper{limit: config.History}, nextID: history.NextCheckpoint,
	}
	for _, h := range held {
		c.held[h.Completed.Path] = h
	}
	for _, named := range slices.Concat(history.Retained, history.Unowned) {
		if _, known := c.held[named.Path]; !known {
			return nil, fmt.Errorf("job %s: the log names %s, but its files are not known", config.Job.ID, named.Path)
		}
	}
	c.goOnFrom(history.Latest())
	return c, nil
}

// goOnFrom has the next checkpoint name no file of the snapshot that the job goes on from if that is another's, as a savepoint is its user's.
func (c *Coordinator) goOnFrom(base *snapshot.Completed) {
	c.needFull = c.needFull || base != nil && !base.Owned
}

// Start returns what a new leader does first: it deletes what its predecessors had released and not deleted, and trims the log.
func (c *Coordinator) Start(now time.Time) []Command {
	c.now = now
	for _, r := range c.history.Released {
		c.do(Delete{r.Slot, snapshot.NamedFiles(r.Files)})
	}
	if c.history.Claimed > 1 {
		c.do(Trim{c.history.Claimed})
	}
	return c.take()
}

// Step takes an event and returns what is to be done. Time must not go backward.
func (c *Coordinator) Step(now time.Time, e Event) []Command {
	if c.closed {
		return nil
	}
	c.now = now
	c.handle(e)
	if !c.closed {
		c.expire()
		c.write()
		c.sweep()
		c.decide()
		c.settle()
	}
	return c.take()
}

// Deadline is when Step wants to be called, with Tick, if nothing happens before; zero if it need not be.
func (c *Coordinator) Deadline() time.Time {
	var earliest time.Time
	add := func(at time.Time) {
		if !at.IsZero() && (earliest.IsZero() || at.Before(earliest)) {
			earliest = at
		}
	}
	if c.closed {
		return earliest
	}
	for _, p := range c.pendings {
		if p.stage < logging {
			add(p.timeout)
		}
	}
	add(c.log.retry)
	for _, d := range c.sweeping {
		add(d.again)
	}
	if c.endLogged {
		add(c.cleaning)
	}
	if c.roomForOne() && !c.starting() && c.ready() == "" {
		add(c.periodicDue())
	}
	return earliest
}

// History is what the log says as far as this leader knows. It must not be changed.
func (c *Coordinator) History() *snapshot.History { return c.history }

// RestartsWhole reports whether a failure now concerns all subtasks, those that have finished too: the job is being stopped with a savepoint,
// so that some may have ended, or be about to, in the middle of their input.
func (c *Coordinator) RestartsWhole() bool { return c.stopping != nil || c.whole }

// Refused counts what came too late or from an attempt that does not count.
func (c *Coordinator) Refused() int64 { return c.refused }

func (c *Coordinator) do(command Command) { c.out = append(c.out, command) }

func (c *Coordinator) take() []Command {
	out := c.out
	c.out = nil
	return out
}

func (c *Coordinator) handle(e Event) {
	switch e := e.(type) {
	case Deployed:
		c.deployed(e.Execution)
	case Running:
		c.lives(e.Execution, running)
	case InputEnded:
		c.lives(e.Execution, ended)
	case Finished:
		c.lives(e.Execution, finished)
	case Gone:
		c.gone(e.Execution)
	case Restart:
		c.restarts = append(c.restarts, e.Token)
		c.whole = c.RestartsWhole()
		c.abortAll("subtasks of the job are being restarted")
	case Rescaled:
		c.abortAll("the job is being rescaled")
		c.config.Job, c.tasks = e.Job, newTasks(e.Job)
	case CoordinatorState:
		c.coordinatorState(e)
	case Ack:
		c.acknowledged(e)
	case Decline:
		c.declined(e)
	case Stored:
		c.storing = max(0, c.storing-1)
		c.stored(e)
	case LogAnswered:
		c.logAnswered(e)
	case Deleted:
		c.deleted(e)
	case Lost:
		c.fence(e.Reason)
	case RequestSavepoint:
		c.request(&request{RequestSavepoint: e})
	case RequestCheckpoint:
		c.request(&request{RequestSavepoint: RequestSavepoint{Request: e.Request}, checkpoint: true, full: e.Full})
	case End:
		c.ends(e.State)
	}
}

func (c *Coordinator) deployed(e ident.ExecutionID) {
	t := c.tasks.subtask(e)
	if t == nil || t.deployed && e.Attempt < t.execution.Attempt {
		c.refused++
		return
	}
	if t.deployed && t.execution == e {
		return
	}
	t.execution, t.deployed, t.gone = e, true, false
	c.tasks.set(t, absent)
	c.lastCalled = false
	c.abortPending("a subtask is being restarted")
}

// lives moves an attempt along its life, never back.
func (c *Coordinator) lives(e ident.ExecutionID, to life) {
	t := c.tasks.current(e)
	if t == nil || t.gone {
		c.refused++
		return
	}
	if to <= t.life {
		return
	}
	c.tasks.set(t, to)
	switch to {
	case ended:
		c.lastCalled = false
	case finished:
		c.abortUnacknowledged(t)
	}
	c.triggerAgain()
	c.schedule()
}

// triggerAgain triggers, for the checkpoints in flight, the attempts of which all inputs have come to their end since: the barrier may not
// have been sent before that.
func (c *Coordinator) triggerAgain() {
	for _, p := range c.pendings {
		if p.stage == ofTasks {
			c.trigger(p)
		}
	}
}

func (c *Coordinator) gone(e ident.ExecutionID) {
	t := c.tasks.current(e)
	if t == nil {
		c.refused++
		return
	}
	if t.gone {
		return
	}
	t.gone = true
	c.tasks.set(t, absent)
	c.whole = c.RestartsWhole()
	c.abortPending("a subtask has failed or was canceled")
}

// schedule starts the time to the next periodic checkpoint when the job has come to run, and stops it when it no longer does.
func (c *Coordinator) schedule() {
	switch ready := c.ready() == ""; {
	case !ready || c.config.Interval == 0 || c.stopping != nil:
		c.periodic = time.Time{}
	case c.periodic.IsZero():
		c.periodic = c.now.Add(c.interval())
	}
}

// interval is the time between starts, which is no shorter than the pause.
func (c *Coordinator) interval() time.Duration { return max(c.config.Interval, c.config.MinPause) }

// ready says why no checkpoint can be taken, empty if one can.
func (c *Coordinator) ready() string {
	counts := &c.tasks.counts
	switch {
	case c.ending:
		return "the job is over"
	case len(c.restarts) > 0 || counts[absent] > 0:
		return "not all subtasks of the job are running"
	case counts[running]+counts[ended] == 0:
		return "all subtasks of the job have finished"
	case counts[finished] > 0 && !c.config.AfterTasksFinish:
		return "subtasks of the job have finished (execution.checkpointing.checkpoints-after-tasks-finish is false)"
	}
	return ""
}

// ends begins the end of the job.
func (c *Coordinator) ends(state graph.JobState) {
	if c.ending {
		return
	}
	c.abortAll("the job is " + state.String())
	c.ending, c.end = true, state
	c.answerAll("the job is " + state.String())
	c.stopEnds()
}

// fence stops everything at once. Nothing is told to tasks: they are another's now.
func (c *Coordinator) fence(reason string) {
	c.closed = true
	c.out = nil
	for _, p := range c.pendings {
		if p.request != nil {
			c.do(Answer{Request: p.request.Request, Failure: p.String() + " is not certain: " + reason})
		}
	}
	c.pendings = nil
	for _, w := range append(c.log.waiting, c.log.inFlight) {
		if w != nil && w.answers != nil {
			c.do(Answer{Request: w.answers.Request, Failure: "it is complete, but the job is another leader's now: " + reason})
		}
	}
	c.answerAll(reason)
	c.stopUndone("the job is another leader's now: " + reason)
	c.do(Fenced{reason})
}

// settle answers those who wait until nothing is being written to the log.
func (c *Coordinator) settle() {
	if c.closed || !c.log.quiet() {
		return
	}
	for _, token := range c.restarts {
		c.do(Restore{token, c.history.Latest()})
		c.stats.restored(c.history.Latest(), c.now)
	}
	if len(c.restarts) > 0 {
		c.restarts, c.whole = nil, false
		c.goOnFrom(c.history.Latest())
		c.stopUndone("a failure came before the job could end, and it goes on from the savepoint")
		c.schedule()
	}
	switch {
	case c.endLogged && (c.storing == 0 || !c.now.Before(c.cleaning)):
		c.clean()
		c.closed = true
		c.do(Closed{})
	case c.endLogged:
	case c.ending:
		c.logEnd()
		c.write()
	}
}

// find returns the checkpoint of that number in flight, nil if it is over.
func (c *Coordinator) find(id ident.CheckpointID) *pending {
	at, found := slices.BinarySearchFunc(c.pendings, id, func(p *pending, id ident.CheckpointID) int {
		switch {
		case p.id < id:
			return -1
		case p.id > id:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return c.pendings[at]
}
