// Package resource decides for the ResourceManager: which TaskExecutors there are, and whose slots are requested for
// which job. It is pure: messages and time come in through the methods of a Manager, and what is to be sent comes out of
// Take.
package resource

import (
	"bytes"
	"slices"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// Config is what a Manager is made with.
type Config struct {
	LeaderEpoch uint64
	Timing      message.Timing
	// NewAllocation names a grant of a slot; no two are ever equal.
	NewAllocation func() ident.AllocationID
}

// Manager is the state of a ResourceManager. It keeps what TaskExecutors have told of their slots, and what JobMasters
// have declared to need, and requests slots until the needs are met or nothing is free.
//
// Invariant: no slot is requested for two jobs at a time; a TaskExecutor is never asked for more slots than it has.
// A Manager belongs to one goroutine.
type Manager struct {
	config Config
	// executors are in the order in which they came, so that equal inputs have equal outputs.
	executors []*executor
	// jobs are in the order in which they came to need slots.
	jobs []*job
	// wanted is the number of slots last asked of the provider.
	wanted   int
	stale    int64
	commands []Command
}

// executor is a registered TaskExecutor.
type executor struct {
	id      string
	address *message.Address
	lookout *message.Lookout
	slots   int
	heard   time.Time
	// version is that of the report which occupied is from.
	version  uint64
	occupied map[ident.AllocationID]ident.JobID
	// pending are requests that were not answered.
	pending map[ident.AllocationID]*request
	// refused are jobs whose requests were refused although a slot seemed free, until the next report.
	refused map[ident.JobID]bool
}

type request struct {
	job   *job
	again time.Time
	pause time.Duration
}

func (e *executor) free() int {
	return e.slots - len(e.occupied) - len(e.pending)
}

// unoccupied are the slots that nobody has, some of which may be requested.
func (e *executor) unoccupied() int { return e.slots - len(e.occupied) }

func (e *executor) holds(id ident.JobID) int {
	n := 0
	for _, job := range e.occupied {
		if job == id {
			n++
		}
	}
	for _, r := range e.pending {
		if r.job.id == id {
			n++
		}
	}
	return n
}

// job is a declared need.
type job struct {
	id      ident.JobID
	name    string
	master  *message.Address
	version uint64
	// needed are the slots that it makes use of, minimum those of them without which it cannot run.
	needed, minimum int
	configuration   map[string]string
	heard           time.Time
	answered        *message.ResourcesDeclared
}

// Command is something for the shell to do: one of the types below.
type Command interface{ command() }

// Send sends a message to an actor.
type Send message.Envelope

// Want asks the provider of TaskExecutors for so many slots in all. A provider that has fixed ones does nothing.
type Want struct{ Slots int }

// Watch asks for Gone when the actor ends, as far as that can be seen.
type Watch struct{ Address *message.Address }

// Reset drops the connection to the process of an actor that is silent.
type Reset struct{ Address *message.Address }

// Joined says that a TaskExecutor has registered, Left that it is lost, for the log.
type (
	Joined struct {
		ID      string
		Address *message.Address
		Slots   int
	}
	Left struct{ ID, Reason string }
)

func (Send) command()   {}
func (Want) command()   {}
func (Watch) command()  {}
func (Reset) command()  {}
func (Joined) command() {}
func (Left) command()   {}

// New returns a Manager that knows of nothing yet.
func New(config Config) *Manager { return &Manager{config: config} }

// Take returns what is to be done since the last call, in order.
func (m *Manager) Take() []Command {
	commands := m.commands
	m.commands = nil
	return commands
}

// Stale is how many messages were refused because they belong to another leader.
func (m *Manager) Stale() int64 { return m.stale }

func (m *Manager) send(to *message.Address, body message.Message) {
	m.commands = append(m.commands, Send{To: to, Body: body})
}

// Overview shows TaskExecutors, in the order in which they came, and counts slots.
func (m *Manager) Overview() *message.ClusterOverview {
	o := &message.ClusterOverview{}
	for _, e := range m.executors {
		o.TaskExecutors++
		o.SlotsTotal += int32(e.slots)
		o.SlotsFree += int32(e.unoccupied())
		o.Executors = append(o.Executors, e.details())
	}
	return o
}

func (e *executor) details() *message.TaskExecutorDetails {
	d := &message.TaskExecutorDetails{Id: e.id, Address: e.address, Slots: int32(e.slots), HeardMillis: e.heard.UnixMilli(), Lookout: e.lookout}
	for _, job := range e.occupied {
		d.Jobs = append(d.Jobs, message.IDBytes(job))
	}
	slices.SortFunc(d.Jobs, bytes.Compare)
	return d
}

// Deadline is when Tick is to be called at the latest; zero if nothing waits for time.
func (m *Manager) Deadline() time.Time {
	var deadline time.Time
	for _, e := range m.executors {
		deadline = message.Earliest(deadline, e.heard.Add(m.config.Timing.Timeout))
		for _, r := range e.pending {
			deadline = message.Earliest(deadline, r.again)
		}
	}
	for _, j := range m.jobs {
		deadline = message.Earliest(deadline, j.heard.Add(m.config.Timing.Timeout))
	}
	return deadline
}

// Tick does what time has brought.
func (m *Manager) Tick(now time.Time) {
	for _, e := range clone(m.executors) {
		if now.Sub(e.heard) >= m.config.Timing.Timeout {
			m.commands = append(m.commands, Reset{e.address})
			m.removeExecutor(e, "it was silent for heartbeat.timeout ("+m.config.Timing.Timeout.String()+")")
			continue
		}
		for _, allocation := range e.pendingInOrder() {
			if r := e.pending[allocation]; !now.Before(r.again) {
				m.request(now, e, allocation, r)
			}
		}
	}
	for _, j := range clone(m.jobs) {
		if now.Sub(j.heard) >= m.config.Timing.Timeout {
			m.removeJob(j)
		}
	}
	m.reconcile(now)
}

// Gone says that an actor has ended. It is a hint that saves waiting for a heartbeat's timeout.
func (m *Manager) Gone(now time.Time, who message.AddressKey) {
	for _, e := range clone(m.executors) {
		if e.address.Key() == who {
			m.removeExecutor(e, "it has ended, or the connection to it has")
		}
	}
	for _, j := range clone(m.jobs) {
		if j.master.Key() == who {
			m.removeJob(j)
		}
	}
	m.reconcile(now)
}

// Receive takes in a message of another actor.
func (m *Manager) Receive(now time.Time, received message.Message) {
	switch r := received.(type) {
	case *message.RegisterTaskExecutor:
		m.onRegister(now, r)
	case *message.TaskExecutorHeartbeat:
		m.onHeartbeat(now, r)
	case *message.SlotRequested:
		m.onSlotRequested(now, r)
	case *message.DeclareResources:
		m.onDeclare(now, r)
	default:
		m.stale++
	}
	m.reconcile(now)
}

func (m *Manager) current(epoch uint64) bool {
	if epoch != m.config.LeaderEpoch {
		m.stale++
		return false
	}
	return true
}

func (m *Manager) onRegister(now time.Time, r *message.RegisterTaskExecutor) {
	if !m.current(r.LeaderEpoch) || r.Address == nil {
		return
	}
	e := m.executor(r.Id)
	if e == nil {
		e = &executor{id: r.Id, address: r.Address, lookout: r.Lookout, pending: map[ident.AllocationID]*request{}}
		m.executors = append(m.executors, e)
		m.commands = append(m.commands, Watch{Address: r.Address}, Joined{ID: r.Id, Address: r.Address, Slots: int(r.Slots)})
	}
	e.heard = now
	e.slots = max(e.slots, int(r.Slots)) // a late registration does not take back a later one
	m.report(e, r.Version, r.Occupied)
	m.send(e.address, &message.TaskExecutorRegistered{LeaderEpoch: m.config.LeaderEpoch, Id: e.id, Slots: int32(e.slots)})
}

func (m *Manager) onHeartbeat(now time.Time, h *message.TaskExecutorHeartbeat) {
	if !m.current(h.LeaderEpoch) {
		return
	}
	e := m.executor(h.Id)
	if e == nil {
		if h.Address != nil {
			m.send(h.Address, &message.ResourceManagerHeartbeat{LeaderEpoch: m.config.LeaderEpoch, Id: h.Id, Unknown: true})
		}
		return
	}
	e.heard = now
	m.report(e, h.Version, h.Occupied)
	m.send(e.address, &message.ResourceManagerHeartbeat{LeaderEpoch: m.config.LeaderEpoch, Id: h.Id})
}

// report takes in what a TaskExecutor's slots hold. A request that is pending there may have been on its way when the
// report was made, so it stays pending.
func (m *Manager) report(e *executor, version uint64, occupied []*message.SlotStatus) {
	if version < e.version {
		return
	}
	e.version = version
	clear(e.refused)
	e.occupied = map[ident.AllocationID]ident.JobID{}
	for _, s := range occupied {
		allocation, err := message.ID(s.Allocation)
		jobID, err2 := message.ID(s.Job)
		if err != nil || err2 != nil {
			continue
		}
		e.occupied[allocation] = jobID
		delete(e.pending, allocation)
	}
}

func (m *Manager) onSlotRequested(now time.Time, a *message.SlotRequested) {
	if !m.current(a.LeaderEpoch) {
		return
	}
	e := m.executor(a.Id)
	allocation, err := message.ID(a.Allocation)
	if e == nil || err != nil {
		m.stale++
		return
	}
	e.heard = now
	r := e.pending[allocation]
	if r == nil {
		return
	}
	delete(e.pending, allocation)
	switch {
	case !a.Accepted:
		if e.refused == nil {
			e.refused = map[ident.JobID]bool{}
		}
		e.refused[r.job.id] = true
	case a.Version >= e.version:
		e.version = a.Version
		e.occupied[allocation] = r.job.id
	}
	// An acceptance that is older than the last report is part of it, or was freed since.
}

func (m *Manager) onDeclare(now time.Time, d *message.DeclareResources) {
	id, err := message.ID(d.Job)
	if !m.current(d.LeaderEpoch) || err != nil || d.JobMaster == nil {
		return
	}
	j := m.job(id)
	if j == nil {
		j = &job{id: id, name: d.JobName, master: d.JobMaster, configuration: d.Configuration}
		m.jobs = append(m.jobs, j)
		m.commands = append(m.commands, Watch{Address: d.JobMaster})
	}
	j.heard = now
	if d.Version > j.version {
		if j.needed == 0 && d.Slots > 0 {
			// It needs slots anew, so it waits behind those that have waited meanwhile.
			m.jobs = append(slices.DeleteFunc(m.jobs, func(other *job) bool { return other == j }), j)
		}
		j.version, j.needed, j.minimum = d.Version, int(d.Slots), int(d.Minimum)
		if d.Minimum == 0 {
			j.minimum = j.needed
		}
	}
	j.answered = nil // so that reconcile answers
}

func (m *Manager) executor(id string) *executor {
	for _, e := range m.executors {
		if e.id == id {
			return e
		}
	}
	return nil
}

func (m *Manager) job(id ident.JobID) *job {
	for _, j := range m.jobs {
		if j.id == id {
			return j
		}
	}
	return nil
}
