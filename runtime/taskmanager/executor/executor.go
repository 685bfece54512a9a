// Package executor decides for a TaskExecutor: which slots it gives to whom, when a worker is started, what is relayed
// between a job's worker and its JobMaster, and when a worker that does not stop is killed. It is pure: messages and
// time come in through the methods of an Executor, and what is to be done comes out of Take.
package executor

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// Config is what an Executor is made with.
type Config struct {
	// ID is unique for the life of the process and part of the actor's name.
	ID      string
	Address *message.Address
	// Lookout is where the process shows what it does; nil if it does not.
	Lookout *message.Lookout
	// Slots is the number of slots; Resize may raise it.
	Slots  int
	Timing message.Timing
	// ResourceManager is whom to register with, LeaderEpoch the epoch it leads in; nil and 0 if the leader is not known yet.
	ResourceManager *message.Address
	LeaderEpoch     uint64
	// Registrar is asked who leads for as long as the TaskExecutor is not registered; nil if others find that out and tell by Lead.
	Registrar *message.Address
	// CancellationTimeout is how long a cancelled task may take where the job's configuration does not say; 0 is for ever.
	CancellationTimeout func(configuration map[string]string) time.Duration
	// CanKill says that closing a worker ends its tasks whatever they do, as it is with processes. Otherwise a worker
	// with a task that does not stop is left behind, and the job fails.
	CanKill bool
	// Apart says that workers are processes, which their peers find at an address of the job's own.
	Apart bool
}

// Executor is the state of a TaskExecutor.
//
//	unregistered --TaskExecutorRegistered--> registered --silence, unknown to the ResourceManager, another leader--> unregistered
//
// Jobs go on in either state, until another leader comes. An Executor belongs to one goroutine.
type Executor struct {
	config Config
	// manager leads in the epoch; nil if nobody does that is known.
	manager *message.Address
	epoch   uint64
	// cluster is that of the leader, empty if nobody has said it.
	cluster string
	slots   slotTable
	jobs    map[ident.JobID]*job
	// sessions counts the links opened, over all jobs.
	sessions uint64
	// unfit are jobs whose workers could not be reached here, each with the time from which on it is tried again.
	unfit map[ident.JobID]time.Time

	registered bool
	heard      time.Time
	speakAt    time.Time
	retry      time.Duration
	reported   uint64 // version of the slots that the ResourceManager was last told

	stale    int64
	commands []Command
}

// New returns an Executor that has not registered yet: its first Tick does.
func New(config Config, now time.Time) *Executor {
	return &Executor{
		config: config, manager: config.ResourceManager, epoch: config.LeaderEpoch,
		slots: slotTable{capacity: config.Slots},
		jobs:  map[ident.JobID]*job{},
		unfit: map[ident.JobID]time.Time{},
		heard: now, speakAt: now, retry: config.Timing.FirstRetry(),
	}
}

// Command is something for the shell to do: one of the types below.
type Command interface{ command() }

// Send sends a message to an actor.
type Send message.Envelope

// Launch starts the worker of a job. Its reports bear the incarnation, and stop with WorkerStopped.
type Launch struct {
	Job           ident.JobID
	Incarnation   uint64
	Name          string
	LeaderEpoch   uint64
	Configuration map[string]string
	// Program is nil where this process has the program.
	Program *message.JobProgram
	// Slots is how many the job holds here; Hold tells when that changes.
	Slots int
}

// Hold says how many slots the job of a worker holds from now on.
type Hold struct {
	Job   ident.JobID
	Slots int
}

// Tell hands a message to the worker of a job.
type Tell struct {
	Job     ident.JobID
	Message *message.ToWorker
}

// Close ends the worker of a job, and kills it where it can be killed.
type Close struct{ Job ident.JobID }

// Prepare asks for the address at which a job's workers will be found by their peers, which Prepared tells; Discard gives it up.
type Prepare struct{ Job ident.JobID }

// Discard gives up what Prepare has made.
type Discard struct{ Job ident.JobID }

// Abandon says that a worker could not be stopped: a goroutine of it still runs. The process is better ended.
type Abandon struct {
	Job     ident.JobID
	Failure *message.Failure
}

// Watch asks for Gone when the actor ends, as far as that can be seen. Unwatch takes that back.
type Watch struct {
	Address *message.Address
	Stop    bool
}

// Reset drops the connection to the process of an actor that is silent.
type Reset struct{ Address *message.Address }

func (Reset) command()   {}
func (Send) command()    {}
func (Launch) command()  {}
func (Hold) command()    {}
func (Tell) command()    {}
func (Close) command()   {}
func (Abandon) command() {}
func (Watch) command()   {}
func (Prepare) command() {}
func (Discard) command() {}

// Take returns what is to be done since the last call, in order.
func (x *Executor) Take() []Command {
	commands := x.commands
	x.commands = nil
	return commands
}

// Stale is how many messages were refused because they belong to another leader, process or attempt.
func (x *Executor) Stale() int64 { return x.stale }

func (x *Executor) do(c Command) { x.commands = append(x.commands, c) }

func (x *Executor) send(to *message.Address, body message.Message) {
	x.do(Send{To: to, Body: body})
}

// Deadline is when Tick is to be called at the latest.
func (x *Executor) Deadline() time.Time {
	deadline := x.speakAt
	for _, j := range x.jobs {
		deadline = message.Earliest(deadline, j.deadline())
	}
	return deadline
}

// Tick does what time has brought.
func (x *Executor) Tick(now time.Time) {
	if x.registered && now.Sub(x.heard) >= x.config.Timing.Timeout {
		x.do(Reset{Address: x.manager})
		x.unregister(now)
	}
	if !now.Before(x.speakAt) {
		x.speak(now)
	}
	for _, j := range x.inOrder() {
		x.tickJob(now, j)
	}
	x.flush(now)
}

// Resize raises the number of slots.
func (x *Executor) Resize(now time.Time, slots int) {
	if slots > x.slots.capacity {
		x.slots.capacity = slots
		x.unregister(now)
		x.speak(now)
	}
}

// Receive takes in a message of another actor.
func (x *Executor) Receive(now time.Time, m message.Message) {
	switch m := m.(type) {
	case *message.TaskExecutorRegistered:
		x.onRegistered(now, m)
	case *message.ResourceManagerHeartbeat:
		x.onHeartbeat(now, m)
	case *message.RequestSlot:
		x.onRequestSlot(now, m)
	case *message.Frame:
		x.onFrame(now, m)
	case *message.Leader:
		x.onLeader(now, m)
	default:
		x.stale++
	}
	x.flush(now)
}

// onLeader turns to a leader of a later epoch. One of another cluster, which means another run of the JobManager while nobody elects leaders, is
// turned to whatever its epoch, once the leader before is lost: epochs of different runs follow the clock, which may have been set back.
func (x *Executor) onLeader(now time.Time, m *message.Leader) {
	if m.ResourceManager == nil {
		return
	}
	if m.Cluster != x.cluster && !x.registered && m.LeaderEpoch > 0 && m.LeaderEpoch <= x.epoch {
		x.epoch = m.LeaderEpoch - 1
	}
	if m.LeaderEpoch > x.epoch {
		x.cluster = m.Cluster
	}
	x.lead(now, m.LeaderEpoch, m.ResourceManager)
}

// Follows reports whether this is the leader that was turned to last.
func (x *Executor) Follows(m *message.Leader) bool {
	return m.LeaderEpoch == x.epoch && m.Cluster == x.cluster && x.manager != nil
}

// Lead says who leads from now on.
func (x *Executor) Lead(now time.Time, epoch uint64, resourceManager *message.Address) {
	x.lead(now, epoch, resourceManager)
	x.flush(now)
}

// lead turns to a leader of a later epoch. The jobs are dropped, workers and all: an earlier leader's JobMasters have no say any more.
func (x *Executor) lead(now time.Time, epoch uint64, resourceManager *message.Address) {
	if epoch <= x.epoch || resourceManager == nil {
		if epoch < x.epoch {
			x.stale++
		}
		return
	}
	for _, j := range x.inOrder() {
		x.drop(j)
	}
	if x.registered {
		x.do(Watch{Address: x.manager, Stop: true})
	}
	x.epoch, x.manager = epoch, resourceManager
	x.unregister(now)
	x.speak(now)
}

// Gone says that an actor has ended. It is a hint that saves waiting for a heartbeat's timeout.
func (x *Executor) Gone(now time.Time, who message.AddressKey) {
	if x.registered && x.manager.Key() == who {
		x.unregister(now)
	}
	for _, j := range x.inOrder() {
		if j.master.Key() == who {
			x.drop(j)
		}
	}
	x.flush(now)
}

// current refuses messages of other epochs and for other processes.
func (x *Executor) current(epoch uint64, id string) bool {
	if epoch != x.epoch || id != x.config.ID {
		x.stale++
		return false
	}
	return true
}

// Registered reports whether the ResourceManager knows this TaskExecutor, as far as that can be seen.
func (x *Executor) Registered() bool { return x.registered }

func (x *Executor) unregister(now time.Time) {
	x.registered = false
	x.retry = x.config.Timing.FirstRetry()
	x.speakAt = now
}

// speak registers or sends a heartbeat.
func (x *Executor) speak(now time.Time) {
	x.reported = x.slots.version
	if x.registered {
		x.speakAt = now.Add(x.config.Timing.Interval)
		x.send(x.manager, &message.TaskExecutorHeartbeat{
			LeaderEpoch: x.epoch, Id: x.config.ID, Address: x.config.Address, Occupied: x.occupied(), Version: x.slots.version,
		})
		return
	}
	x.speakAt = now.Add(x.retry)
	x.retry = x.config.Timing.NextRetry(x.retry)
	if x.config.Registrar != nil {
		x.send(x.config.Registrar, &message.FindLeader{ReplyTo: x.config.Address})
	}
	if x.manager == nil {
		return
	}
	x.send(x.manager, &message.RegisterTaskExecutor{
		LeaderEpoch: x.epoch, Id: x.config.ID, Address: x.config.Address, Slots: int32(x.slots.capacity),
		Occupied: x.occupied(), Version: x.slots.version, Lookout: x.config.Lookout,
	})
}

func (x *Executor) occupied() []*message.SlotStatus {
	var all []*message.SlotStatus
	for _, s := range x.slots.given {
		all = append(all, status(s))
	}
	return all
}

func status(s slot) *message.SlotStatus {
	return &message.SlotStatus{Allocation: message.IDBytes(s.allocation), Job: message.IDBytes(s.job), Index: int32(s.index)}
}

func (x *Executor) onRegistered(now time.Time, m *message.TaskExecutorRegistered) {
	if !x.current(m.LeaderEpoch, m.Id) {
		return
	}
	x.heard = now
	if x.registered || int(m.Slots) != x.slots.capacity {
		return
	}
	x.registered = true
	x.speakAt = now.Add(x.config.Timing.Interval)
	x.do(Watch{Address: x.manager})
}

func (x *Executor) onHeartbeat(now time.Time, m *message.ResourceManagerHeartbeat) {
	if !x.current(m.LeaderEpoch, m.Id) {
		return
	}
	x.heard = now
	if m.Unknown && x.registered {
		x.unregister(now)
		x.speak(now)
	}
}

func (x *Executor) onRequestSlot(now time.Time, m *message.RequestSlot) {
	if !x.current(m.LeaderEpoch, m.Id) {
		return
	}
	allocation, err := message.ID(m.Allocation)
	jobID, err2 := message.ID(m.Job)
	if err != nil || err2 != nil || m.JobMaster == nil {
		x.stale++
		return
	}
	known := x.slots.find(allocation) != nil
	accepted := x.fits(now, jobID) && x.slots.allocate(allocation, jobID)
	if accepted && !known {
		j := x.jobFor(now, jobID, m)
		j.toOffer = append(j.toOffer, status(*x.slots.find(allocation)))
		j.offer(now, x)
	}
	// The answer says what a heartbeat would.
	x.reported = x.slots.version
	x.send(x.manager, &message.SlotRequested{
		LeaderEpoch: x.epoch, Id: x.config.ID, Allocation: m.Allocation, Accepted: accepted, Version: x.slots.version,
	})
}

// fits reports whether it may be tried to have workers of a job here.
func (x *Executor) fits(now time.Time, id ident.JobID) bool {
	maps.DeleteFunc(x.unfit, func(_ ident.JobID, until time.Time) bool { return !now.Before(until) })
	_, unfit := x.unfit[id]
	return !unfit
}

// flush ends a step: it sends what the links have due, and tells workers and the ResourceManager at once of slots that were given or became free.
func (x *Executor) flush(now time.Time) {
	for _, j := range x.inOrder() {
		if held := x.slots.of(j.id); j.worker != 0 && held != j.held {
			j.held = held
			x.do(Hold{Job: j.id, Slots: held})
		}
		for _, f := range j.link.Due(now) {
			x.send(j.master, f)
		}
	}
	if x.registered && x.reported != x.slots.version {
		x.speak(now)
	}
}

// inOrder returns the jobs in the order in which they came, so that equal inputs have equal outputs.
func (x *Executor) inOrder() []*job {
	all := make([]*job, 0, len(x.jobs))
	for _, j := range x.jobs {
		all = append(all, j)
	}
	slices.SortFunc(all, func(a, b *job) int { return cmp.Compare(a.link.Session(), b.link.Session()) })
	return all
}

// Given is how many slots are given to jobs.
func (x *Executor) Given() int { return len(x.slots.given) }

// SessionOf is the session of the link for a job; 0 if there is none.
func (x *Executor) SessionOf(id ident.JobID) uint64 {
	if j := x.jobs[id]; j != nil {
		return j.link.Session()
	}
	return 0
}
