package executor

import (
	"fmt"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
)

// job is what a TaskExecutor has of one job: slots, a link to its JobMaster, and a worker.
//
//	no worker --first deployment--> worker --WorkerStopped, or killed--> no worker, until the next deployment
//
// It ends with ReleaseJob, or when the JobMaster is lost.
type job struct {
	id            ident.JobID
	name          string
	master        *message.Address
	configuration map[string]string
	// program is nil where this process has it.
	program *message.JobProgram
	link    *message.Link
	// address is where the job's workers are found by their peers. Until it is known, unless it need not be, slots wait in toOffer.
	address string
	toOffer []*message.SlotStatus

	// worker is the incarnation that runs, 0 if none does.
	worker uint64
	// held is how many slots that worker was told to have.
	held int
	// lostAt is the number of the frame that told of the last worker's end. What the JobMaster sent before it had read
	// that frame was meant for that worker.
	lostAt uint64
	// tasks are the attempts in the worker that have not ended; the value is when a cancelled one must have ended, zero
	// for the others.
	tasks map[ident.ExecutionID]time.Time
}

func (x *Executor) jobFor(now time.Time, id ident.JobID, m *message.RequestSlot) *job {
	if j := x.jobs[id]; j != nil {
		if j.master.Key() == m.JobMaster.Key() {
			return j
		}
		// Another JobMaster of the job in the same epoch: the earlier one has gone.
		x.drop(j)
		allocation, _ := message.ID(m.Allocation)
		x.slots.allocate(allocation, id)
	}
	x.sessions++
	j := &job{
		id: id, name: m.JobName, master: m.JobMaster, configuration: m.Configuration,
		tasks: map[ident.ExecutionID]time.Time{},
		link: message.NewLink(message.Header{
			LeaderEpoch: x.epoch, Job: message.IDBytes(id), TaskExecutor: x.config.ID, Session: x.sessions, From: x.config.Address,
		}, x.config.Timing, now),
	}
	x.jobs[id] = j
	x.do(Watch{Address: j.master})
	if x.config.Apart {
		x.do(Prepare{Job: id})
	}
	return j
}

func (j *job) offer(now time.Time, x *Executor) {
	if x.config.Apart && j.address == "" {
		return
	}
	x.send(j.master, j.link.Send(now, &message.Frame_Offer{Offer: &message.OfferSlots{Slots: j.toOffer, Data: j.address}}))
	j.toOffer = nil
}

// Prepared tells at which address a job's workers will be found; "" says that there is none, so that the job can have no slots here.
func (x *Executor) Prepared(now time.Time, id ident.JobID, address string) {
	j := x.jobs[id]
	switch {
	case j == nil || j.address != "":
		x.stale++
	case address == "":
		x.drop(j)
		x.unfit[id] = now.Add(x.config.Timing.Timeout)
	default:
		j.address = address
		j.offer(now, x)
	}
	x.flush(now)
}

func (j *job) deadline() time.Time {
	deadline := j.link.Deadline()
	for _, at := range j.tasks {
		deadline = message.Earliest(deadline, at)
	}
	return deadline
}

func (x *Executor) tickJob(now time.Time, j *job) {
	if j.link.Silent(now) {
		// The connection, which all jobs use, is not given up for it: that the JobManager's process is silent shows in its ResourceManager.
		x.drop(j)
		return
	}
	if stuck, ok := j.stuck(now); ok {
		x.kill(now, j, stuck)
	}
}

// stuck returns the task that is longest overdue; among equals the same one every time.
func (j *job) stuck(now time.Time) (ident.ExecutionID, bool) {
	var worst ident.ExecutionID
	var since time.Time
	for execution, at := range j.tasks {
		if at.IsZero() || now.Before(at) {
			continue
		}
		if since.IsZero() || at.Before(since) || at.Equal(since) && execution.String() < worst.String() {
			worst, since = execution, at
		}
	}
	return worst, !since.IsZero()
}

// kill ends a worker with a task that does not.
func (x *Executor) kill(now time.Time, j *job, stuck ident.ExecutionID) {
	failure := &message.Failure{
		Message: fmt.Sprintf("job %q: a cancelled task of vertex %s (subtask %d, attempt %d) did not stop within task.cancellation.timeout (%s) on TaskManager %s, "+
			"probably because it waits in a call that does not watch its context",
			j.name, stuck.Vertex, stuck.Subtask, stuck.Attempt, x.config.CancellationTimeout(j.configuration), x.config.ID),
		Subtask: int32(stuck.Subtask),
		Class:   int32(operator.User),
	}
	x.do(Close{Job: j.id})
	x.loseWorker(now, j, failure, !x.config.CanKill)
	if !x.config.CanKill {
		x.do(Abandon{Job: j.id, Failure: failure})
	}
}

func (x *Executor) loseWorker(now time.Time, j *job, failure *message.Failure, fatal bool) {
	j.worker = 0
	clear(j.tasks)
	x.send(j.master, j.link.Send(now, &message.Frame_WorkerLost{WorkerLost: &message.WorkerLost{Failure: failure, Fatal: fatal}}))
	j.lostAt = j.link.Sent()
}

// drop forgets a job whose JobMaster is lost or has released it.
func (x *Executor) drop(j *job) {
	if j.worker != 0 {
		x.do(Close{Job: j.id})
	}
	x.do(Watch{Address: j.master, Stop: true})
	if x.config.Apart {
		x.do(Discard{Job: j.id})
	}
	x.slots.releaseJob(j.id)
	delete(x.jobs, j.id)
}

// Report takes in what a worker says.
func (x *Executor) Report(now time.Time, id ident.JobID, incarnation uint64, m *message.FromWorker) {
	j := x.jobs[id]
	if j == nil || j.worker != incarnation || incarnation == 0 || m.LeaderEpoch != x.epoch {
		x.stale++
		return
	}
	switch body := m.Body.(type) {
	case *message.FromWorker_Stopped:
		x.loseWorker(now, j, body.Stopped.GetFailure(), false)
	case *message.FromWorker_TaskState:
		execution, err := body.TaskState.GetExecution().Ident()
		if err != nil {
			x.stale++
			return
		}
		if body.TaskState.State.Ended() {
			delete(j.tasks, execution)
		}
		x.relay(now, j, m)
	default:
		x.relay(now, j, m)
	}
	x.flush(now)
}

func (x *Executor) relay(now time.Time, j *job, m *message.FromWorker) {
	x.send(j.master, j.link.Send(now, &message.Frame_FromWorker{FromWorker: m}))
}

func (x *Executor) onFrame(now time.Time, f *message.Frame) {
	if !x.current(f.LeaderEpoch, f.TaskExecutor) {
		return
	}
	id, err := message.ID(f.Job)
	if err != nil {
		x.stale++
		return
	}
	j := x.jobs[id]
	if j == nil || j.link.Session() != f.Session || j.master.Key() != f.From.Key() {
		x.onFrameOfClosedLink(f)
		return
	}
	next := j.link.Receive(now, f)
	if _, release := f.Body.(*message.Frame_Release); release {
		// The last word, whatever was lost before it.
		x.drop(j)
		x.onFrameOfClosedLink(f)
		return
	}
	if !next {
		return
	}
	switch body := f.Body.(type) {
	case *message.Frame_ToWorker:
		if f.Ack < j.lostAt {
			x.stale++
			return
		}
		x.toWorker(now, j, body.ToWorker)
	case *message.Frame_Answer:
		for _, b := range body.Answer.Accepted {
			x.withSlot(j, b, func(s *slot) { s.taken = true })
		}
		x.free(j, body.Answer.Rejected)
		if body.Answer.Program != nil {
			j.program = body.Answer.Program
		}
	case *message.Frame_Free:
		x.free(j, body.Free.Allocations)
	}
}

// onFrameOfClosedLink acknowledges a release, also when it is repeated because its acknowledgement was lost.
func (x *Executor) onFrameOfClosedLink(f *message.Frame) {
	if _, release := f.Body.(*message.Frame_Release); !release || f.From == nil {
		x.stale++
	} else if f.Seq != 0 {
		x.send(f.From, &message.Frame{
			LeaderEpoch: f.LeaderEpoch, Job: f.Job, TaskExecutor: f.TaskExecutor, Session: f.Session, From: x.config.Address, Ack: f.Seq,
		})
	}
}

func (x *Executor) withSlot(j *job, allocation []byte, f func(*slot)) {
	id, err := message.ID(allocation)
	if err != nil {
		x.stale++
		return
	}
	if s := x.slots.find(id); s != nil && s.job == j.id {
		f(s)
	}
}

func (x *Executor) free(j *job, allocations [][]byte) {
	for _, b := range allocations {
		x.withSlot(j, b, func(s *slot) { x.slots.release(s.allocation) })
	}
}

func (x *Executor) toWorker(now time.Time, j *job, m *message.ToWorker) {
	if m.LeaderEpoch != x.epoch {
		x.stale++
		return
	}
	switch body := m.Body.(type) {
	case *message.ToWorker_Deploy:
		execution, err := body.Deploy.GetExecution().Ident()
		if err != nil {
			x.stale++
			return
		}
		x.ensureWorker(j)
		j.tasks[execution] = time.Time{}
	case *message.ToWorker_StartCoordinator:
		x.ensureWorker(j)
	case *message.ToWorker_CancelTask:
		execution, err := body.CancelTask.GetExecution().Ident()
		if err != nil {
			x.stale++
			return
		}
		x.expectEnd(now, j, execution)
	}
	if j.worker == 0 {
		// Its tasks went with it, and the JobMaster was told.
		x.stale++
		return
	}
	x.do(Tell{Job: j.id, Message: m})
}

func (x *Executor) ensureWorker(j *job) {
	if j.worker != 0 {
		return
	}
	x.sessions++
	j.worker, j.held = x.sessions, x.slots.of(j.id)
	x.do(Launch{Job: j.id, Incarnation: j.worker, Name: j.name, LeaderEpoch: x.epoch, Configuration: j.configuration, Program: j.program, Slots: j.held})
}

func (x *Executor) expectEnd(now time.Time, j *job, execution ident.ExecutionID) {
	at, runs := j.tasks[execution]
	if !runs || !at.IsZero() {
		return
	}
	if timeout := x.config.CancellationTimeout(j.configuration); timeout > 0 {
		j.tasks[execution] = now.Add(timeout)
	}
}
