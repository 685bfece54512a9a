// Package master decides for a JobMaster: when slots are asked for, what is deployed where, what a failure leads to, and
// when the job is over. It is pure: messages and time come in through the methods of a Master, and what is to be done
// comes out of Take.
package master

import (
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/schedule"
	"github.com/weir-stream/weir/runtime/schedule/adaptive"
)

// Config is what a Master is made with.
type Config struct {
	Job *graph.JobGraph
	// Configuration has key and text of each option of the job; workers get it.
	Configuration map[string]string
	// Program is what workers are started from; nil where the TaskExecutors' process has it.
	Program     *message.JobProgram
	LeaderEpoch uint64
	// Address is the JobMaster's own, ResourceManager is whom it asks for slots.
	Address, ResourceManager *message.Address
	Timing                   message.Timing
	// SlotRequestTimeout is how long a region waits for its slots before that is a failure, SlotIdleTimeout how long a
	// slot is kept that nothing runs in.
	SlotRequestTimeout, SlotIdleTimeout time.Duration
	// AttemptHistory is how many earlier attempts of a subtask are kept, ExceptionHistory how many failures.
	AttemptHistory, ExceptionHistory int
	Restart                          schedule.RestartStrategy
	// Checkpoints is nil for a job that takes none and starts from none.
	Checkpoints *Checkpoints
	// Adaptive is nil under the default scheduler. Its Job is set by New, and its Requirements are if they are nil: those of Reactive mode, or not.
	Adaptive *adaptive.Config
	Reactive bool
	// Uniform returns random numbers from [0, 1), for the pauses of the restart strategy.
	Uniform func() float64
}

// Master is the state of a JobMaster. The states of the job, of regions and of attempts are drawn at graph.JobState, at
// region and at graph.TaskState.
//
// Invariants: a subtask has at most one attempt that is deployed and not over; every deployed attempt runs in a slot that
// the job holds; a slot holds at most one attempt of each vertex of one slot sharing group. A Master belongs to one
// goroutine.
type Master struct {
	config Config
	graph  *graph.ExecutionGraph

	regions      []*region
	regionOf     map[graph.SubtaskID]*region
	shared       []*sharedSlot
	coordinators []*sourceCoordinator

	// executors are those with an open link, in the order in which they came. closed has the last session of each that
	// ever had one.
	executors []*executor
	closed    map[string]uint64
	pool      []*slot

	declaration declaration
	// adaptive is nil under the default scheduler.
	adaptive *adaptive.Scheduler

	checkpoints checkpointing
	// draining is nil unless Drain was called.
	draining     *drain
	restarts     int
	exceptions   []*exception
	accumulators map[graph.SubtaskID][]*message.Accumulator
	io           map[graph.SubtaskID]*message.TaskIO
	stale        int64

	ended     bool
	dismissed bool
	commands  []Command
}

// Command is something for the shell to do: one of the types below.
type Command interface{ command() }

// Send sends a message to an actor.
type Send message.Envelope

// Watch asks for Gone when the actor ends, as far as that can be seen.
type Watch struct{ Address *message.Address }

// Ended says that the job is over; Result and Details do not change any more. Messages still go out and in.
type Ended struct{}

// Changed says that the job has come to a state. Cause is why it restarts or fails.
type Changed struct {
	State graph.JobState
	Cause *graph.FailureCause
}

// Dismiss says that nothing is left to do: the shell may end.
type Dismiss struct{}

func (Send) command()    {}
func (Watch) command()   {}
func (Ended) command()   {}
func (Changed) command() {}
func (Dismiss) command() {}

// New returns the Master of a job that has not begun; Start begins it.
func New(config Config, now time.Time) *Master {
	m := &Master{
		config:       config,
		graph:        graph.NewExecutionGraph(config.Job, config.AttemptHistory, now.UnixMilli()),
		regionOf:     map[graph.SubtaskID]*region{},
		closed:       map[string]uint64{},
		accumulators: map[graph.SubtaskID][]*message.Accumulator{},
		io:           map[graph.SubtaskID]*message.TaskIO{},
	}
	if config.Checkpoints != nil {
		m.checkpoints.Checkpoints = *config.Checkpoints
		m.checkpoints.startFrom(config.Checkpoints.From)
	}
	m.adaptive = newAdaptive(config, now)
	m.layOut(config.Job)
	return m
}

// layOut derives regions, shared slots and coordinators from the job graph.
func (m *Master) layOut(job *graph.JobGraph) {
	for _, subtasks := range graph.Regions(job) {
		r := &region{subtasks: subtasks}
		m.regions = append(m.regions, r)
		for _, id := range subtasks {
			m.regionOf[id] = r
		}
	}
	for _, s := range graph.SharedSlots(job) {
		shared := &sharedSlot{SharedSlot: s}
		m.shared = append(m.shared, shared)
		for _, id := range s.Subtasks {
			m.regionOf[id].addSlot(shared, id)
		}
	}
	for _, v := range job.Vertices {
		for _, op := range v.Operators {
			if c := m.coordinator(op.ID[:]); c != nil {
				c.vertex = v
			} else if op.Coordinated {
				m.coordinators = append(m.coordinators, &sourceCoordinator{operator: op.ID, name: op.Name, vertex: v, attached: map[int32]int32{}})
			}
		}
	}
}

// Start begins the job: slots are asked for.
func (m *Master) Start(now time.Time) {
	m.become(graph.JobCreated, now)
	if m.adaptive == nil {
		m.become(graph.JobRunning, now)
	}
	if m.checkpoints.on() {
		m.carryOut(now, m.checkpoints.Coordinator.Start(now))
	}
	if m.adaptive == nil {
		for _, r := range m.regions {
			m.wait(now, r)
		}
	}
	m.advance(now)
}

// Refuse ends a job instead of Start: it cannot begin.
func (m *Master) Refuse(now time.Time, failure *message.Failure) {
	m.become(graph.JobCreated, now)
	m.become(graph.JobRunning, now)
	m.Fail(now, failure)
}

// Abandon ends a job instead of Start: it was canceled.
func (m *Master) Abandon(now time.Time) {
	m.become(graph.JobCreated, now)
	m.become(graph.JobRunning, now)
	m.Cancel(now)
}

// FinishedBefore ends a job instead of Start: an earlier process has run it to its end.
func (m *Master) FinishedBefore(now time.Time) {
	m.become(graph.JobCreated, now)
	m.become(graph.JobRunning, now)
	m.end(now, graph.JobFinished)
	m.advance(now)
}

// Take returns what is to be done since the last call, in order.
func (m *Master) Take() []Command {
	commands := m.commands
	m.commands = nil
	return commands
}

func (m *Master) do(c Command) { m.commands = append(m.commands, c) }

func (m *Master) send(to *message.Address, body message.Message) { m.do(Send{To: to, Body: body}) }

// State is the state of the job.
func (m *Master) State() graph.JobState { return m.graph.State() }

// Stale is how many messages were refused because of their epoch, session or attempt.
func (m *Master) Stale() int64 { return m.stale }

// Receive takes in a message of another actor.
func (m *Master) Receive(now time.Time, received message.Message) {
	switch r := received.(type) {
	case *message.Frame:
		m.onFrame(now, r)
	case *message.ResourcesDeclared:
		m.onDeclared(now, r)
	default:
		m.stale++
	}
	m.advance(now)
}

// Gone says that an actor has ended. It is a hint that saves waiting for a heartbeat's timeout.
func (m *Master) Gone(now time.Time, who message.AddressKey) {
	for _, x := range m.executorsNow() {
		if x.address.Key() == who {
			m.loseExecutor(now, x, "it has ended")
		}
	}
	m.advance(now)
}

// Cancel asks the job to stop. A job that is over stays as it is.
func (m *Master) Cancel(now time.Time) {
	m.stop(now)
	m.advance(now)
}

func (m *Master) stop(now time.Time) {
	if m.graph.State().CanBecome(graph.JobCancelling) {
		m.become(graph.JobCancelling, now)
		m.cancelAll(now)
	}
}

// Fail ends the job with a failure that no restart can cure.
func (m *Master) Fail(now time.Time, failure *message.Failure) {
	m.failForGood(now, &fault{cause: toCause(now, failure)})
	m.advance(now)
}

// Tick does what time has brought.
func (m *Master) Tick(now time.Time) {
	for _, x := range m.executorsNow() {
		if x.link.Silent(now) {
			m.loseExecutor(now, x, "it was silent for heartbeat.timeout ("+m.config.Timing.Timeout.String()+")")
		}
	}
	m.checkWaiting(now)
	m.freeIdle(now)
	m.step(now, coordinator.Tick{})
	m.advance(now)
}

// Deadline is when Tick is to be called at the latest; zero if nothing waits for time.
func (m *Master) Deadline() time.Time {
	var deadline time.Time
	for _, x := range m.executors {
		deadline = message.Earliest(deadline, x.link.Deadline())
	}
	if m.checkpoints.on() {
		deadline = message.Earliest(deadline, m.checkpoints.Coordinator.Deadline())
	}
	if m.ended {
		return deadline
	}
	deadline = message.Earliest(deadline, m.declaration.again)
	if m.adaptive != nil {
		deadline = message.Earliest(deadline, m.adaptive.Deadline(len(m.pool)))
	}
	if m.running() {
		if m.draining != nil {
			deadline = message.Earliest(deadline, m.draining.deadline)
		}
		for _, r := range m.regions {
			deadline = message.Earliest(deadline, m.regionDeadline(r))
		}
	}
	if len(m.pool) > m.slotsNeeded() {
		for _, s := range m.pool {
			if s.shared == nil {
				deadline = message.Earliest(deadline, s.idleSince.Add(m.config.SlotIdleTimeout))
			}
		}
	}
	return deadline
}

func (m *Master) regionDeadline(r *region) time.Time {
	switch {
	case r.phase == waiting && m.adaptive == nil:
		return r.since.Add(m.config.SlotRequestTimeout)
	case r.phase == restarting && m.over(r) && m.checkpoints.mayRestart(r) && (m.adaptive == nil || m.allOver()):
		return r.restartAt
	}
	return time.Time{}
}

// running reports whether the job goes on: nothing has asked it to end.
func (m *Master) running() bool {
	s := m.graph.State()
	return s == graph.JobRunning || s == graph.JobRestarting
}

// advance ends a step: it does whatever the step has made possible.
func (m *Master) advance(now time.Time) {
	if !m.ended {
		m.settleDrain(now)
		if m.adaptive != nil {
			m.adapt(now)
		} else {
			m.restartRegions(now)
			m.deployRegions(now)
		}
		m.stopIdleCoordinators(now)
		m.settle(now)
		m.declare(now)
	}
	for _, x := range m.executors {
		for _, f := range x.link.Due(now) {
			m.send(x.address, f)
		}
	}
	m.part()
	m.dismiss()
}

// settle ends the job if nothing is left to run.
func (m *Master) settle(now time.Time) {
	switch m.graph.State() {
	case graph.JobRunning:
		if m.graph.AllIn(graph.TaskFinished) {
			m.end(now, graph.JobFinished)
		}
	case graph.JobFailing:
		if m.allOver() {
			m.end(now, graph.JobFailed)
		}
	case graph.JobCancelling:
		if m.allOver() {
			m.end(now, graph.JobCanceled)
		}
	}
}

func (m *Master) allOver() bool {
	return m.graph.AllIn(graph.TaskFinished, graph.TaskCanceled, graph.TaskFailed)
}

func (m *Master) end(now time.Time, state graph.JobState) {
	m.become(state, now)
	m.ended = true
	for _, x := range m.executors {
		m.tell(now, x, &message.Frame_Release{Release: &message.ReleaseJob{}})
	}
	for _, s := range m.shared {
		s.slot = nil
	}
	m.pool = nil
	m.declareNothing(now)
	if m.adaptive != nil {
		m.adapt(now)
	}
	m.do(Ended{})
	m.step(now, coordinator.End{State: state})
}

// Settled reports whether the job is over and its log says so.
func (m *Master) Settled() bool {
	return m.ended && (!m.checkpoints.on() || m.checkpoints.closed)
}

// part forgets TaskExecutors that know that the job is over: nothing comes from them any more, which must not be taken for the silence of a process that is lost while the job's log is still being
// closed and its files deleted.
func (m *Master) part() {
	if !m.ended {
		return
	}
	for _, x := range m.executorsNow() {
		if x.link.Settled() {
			m.forget(x)
		}
	}
}

// dismiss lets the shell end when all TaskExecutors know that the job is over, or are lost.
func (m *Master) dismiss() {
	if !m.Settled() || m.dismissed {
		return
	}
	if len(m.executors) > 0 {
		return
	}
	m.dismissed = true
	m.do(Dismiss{})
}

// become moves the job along. The callers have asked whether it can, so that an error is a bug of this package.
func (m *Master) become(state graph.JobState, now time.Time) {
	before := m.graph.State()
	if err := m.graph.Become(state, now.UnixMilli()); err != nil {
		panic("master: " + err.Error())
	}
	if state == before {
		return
	}
	changed := Changed{State: state}
	if state == graph.JobRestarting || state == graph.JobFailing {
		changed.Cause = m.graph.Failure()
	}
	m.do(changed)
}

func (m *Master) execution(id graph.SubtaskID) *graph.Execution { return m.graph.Subtask(id).Current() }

// update moves an attempt of ours along. Not to be used for what tasks report.
func (m *Master) update(now time.Time, id ident.ExecutionID, state graph.TaskState, cause *graph.FailureCause) {
	if _, err := m.graph.Update(id, state, now.UnixMilli(), cause); err != nil {
		panic("master: " + err.Error())
	}
}
