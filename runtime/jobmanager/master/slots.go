package master

import (
	"fmt"
	"slices"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/schedule"
)

// sharedSlot is a slot's worth of subtasks, and the slot that holds them while there is one.
type sharedSlot struct {
	graph.SharedSlot
	byVertex map[ident.VertexID]graph.SubtaskID
	regions  []*region
	slot     *slot
	// last is the slot that it had before, taken again if it can be.
	last schedule.Offer
}

// needed reports whether a subtask of it has still to run.
func (s *sharedSlot) needed() bool {
	return slices.ContainsFunc(s.regions, func(r *region) bool { return r.phase != done && !r.starved })
}

// slot is a slot that the job holds.
type slot struct {
	allocation ident.AllocationID
	index      int32
	executor   *executor
	// shared is what runs in it; nil while it is idle, then since idleSince.
	shared    *sharedSlot
	idleSince time.Time
}

// executor is a TaskExecutor with an open link.
type executor struct {
	id      string
	address *message.Address
	link    *message.Link
	// data is where its worker of this job is found by others; empty where all are in one process.
	data string
	// introduced says that it was told what to start workers from.
	introduced bool
}

// declaration is what the ResourceManager is told of the job's need, and what it answered.
type declaration struct {
	version uint64
	// slots are all that the job makes use of, least those without which it cannot run.
	slots, least int
	again        time.Time
	pause        time.Duration
	status       *message.ResourcesDeclared
}

func (m *Master) executorsNow() []*executor { return slices.Clone(m.executors) }

// slotsNeeded are those that the job makes use of.
func (m *Master) slotsNeeded() int {
	if m.adaptive != nil {
		_, desired := m.adaptive.Need()
		return desired
	}
	n := 0
	for _, s := range m.shared {
		if s.needed() {
			n++
		}
	}
	return n
}

func (m *Master) slotOf(id graph.SubtaskID) *slot {
	for _, s := range m.regionOf[id].slots {
		if own, ok := s.byVertex[id.Vertex]; ok && own == id {
			return s.slot
		}
	}
	panic("master: no slot is meant for " + id.String())
}

// bind gives a region all the slots that it lacks, or none.
func (m *Master) bind(r *region) bool {
	var needs []graph.SharedSlot
	previous := map[schedule.SlotKey]schedule.Offer{}
	for _, s := range r.slots {
		if s.slot == nil {
			needs = append(needs, s.SharedSlot)
			previous[schedule.KeyOf(s.SharedSlot)] = s.last
		}
	}
	var idle []schedule.Offer
	for _, s := range m.pool {
		if s.shared == nil {
			idle = append(idle, s.offer())
		}
	}
	if len(needs) > len(idle) {
		return false
	}
	for _, a := range schedule.Match(needs, idle, previous).Assigned {
		m.sharedSlot(schedule.KeyOf(a.Slot)).take(m.slot(a.Offer.Allocation))
	}
	return true
}

func (s *slot) offer() schedule.Offer {
	return schedule.Offer{Allocation: s.allocation, Location: s.executor.id}
}

func (s *sharedSlot) take(physical *slot) {
	s.slot, s.last = physical, physical.offer()
	physical.shared = s
}

func (m *Master) slot(allocation ident.AllocationID) *slot {
	return m.pool[slices.IndexFunc(m.pool, func(s *slot) bool { return s.allocation == allocation })]
}

func (m *Master) sharedSlot(key schedule.SlotKey) *sharedSlot {
	return m.shared[slices.IndexFunc(m.shared, func(s *sharedSlot) bool { return schedule.KeyOf(s.SharedSlot) == key })]
}

// declare tells the ResourceManager of the need when it has changed, and again and again so that it knows we live.
func (m *Master) declare(now time.Time) {
	if m.ended {
		return
	}
	d := &m.declaration
	needed := m.slotsNeeded()
	least := needed
	if m.adaptive != nil {
		least, _ = m.adaptive.Need()
	}
	if needed != d.slots || least != d.least || d.version == 0 {
		d.version++
		d.slots, d.least = needed, least
		d.pause = m.config.Timing.FirstRetry()
		m.sendDeclaration(now)
	} else if !now.Before(d.again) {
		m.sendDeclaration(now)
	}
}

func (m *Master) declareNothing(now time.Time) {
	m.declaration.version++
	m.declaration.slots, m.declaration.least = 0, 0
	m.sendDeclaration(now)
}

func (m *Master) sendDeclaration(now time.Time) {
	d := &m.declaration
	d.again = now.Add(d.pause)
	d.pause = m.config.Timing.NextRetry(d.pause)
	if d.status.GetVersion() == d.version {
		d.again = now.Add(m.config.Timing.Interval)
	}
	m.send(m.config.ResourceManager, &message.DeclareResources{
		LeaderEpoch: m.config.LeaderEpoch, Job: message.IDBytes(m.config.Job.ID), JobName: m.config.Job.Name,
		JobMaster: m.config.Address, Version: d.version, Slots: int32(d.slots), Minimum: int32(d.least), Configuration: m.config.Configuration,
	})
}

// onDeclared takes in how the cluster stands, and gives back what is of no use here but elsewhere.
func (m *Master) onDeclared(now time.Time, r *message.ResourcesDeclared) {
	id, err := message.ID(r.Job)
	if err != nil || r.LeaderEpoch != m.config.LeaderEpoch || id != m.config.Job.ID || r.Version < m.declaration.status.GetVersion() {
		m.stale++
		return
	}
	m.declaration.status = r
	if r.Yield && !m.ended {
		m.giveBack(now, func(*slot) bool { return true })
	}
}

// giveBack frees idle slots.
func (m *Master) giveBack(now time.Time, which func(*slot) bool) {
	for _, s := range slices.Clone(m.pool) {
		if s.shared == nil && which(s) {
			m.free(now, s)
		}
	}
}

func (m *Master) free(now time.Time, s *slot) {
	m.pool = slices.DeleteFunc(m.pool, func(other *slot) bool { return other == s })
	m.tell(now, s.executor, &message.Frame_Free{Free: &message.FreeSlots{Allocations: [][]byte{message.IDBytes(s.allocation)}}})
}

func (m *Master) onFrame(now time.Time, f *message.Frame) {
	id, err := message.ID(f.Job)
	if err != nil || f.LeaderEpoch != m.config.LeaderEpoch || id != m.config.Job.ID || f.From == nil {
		m.stale++
		return
	}
	x := m.linked(now, f)
	if x == nil {
		m.stale++
		return
	}
	if !x.link.Receive(now, f) || m.ended {
		return
	}
	switch body := f.Body.(type) {
	case *message.Frame_Offer:
		m.onOffer(now, x, body.Offer)
	case *message.Frame_FromWorker:
		m.onReport(now, x, body.FromWorker)
	case *message.Frame_WorkerLost:
		m.loseTasks(now, x, body.WorkerLost.GetFailure(), body.WorkerLost.GetFatal())
	default:
		m.stale++
	}
}

// linked returns the TaskExecutor that a frame comes from. The first frame of a session opens its link; one of a session
// that is closed here is answered, so that the other end closes it as well.
func (m *Master) linked(now time.Time, f *message.Frame) *executor {
	x := m.executor(f.TaskExecutor)
	switch {
	case x != nil && x.link.Session() == f.Session:
		return x
	case f.Session <= m.closed[f.TaskExecutor] || m.ended:
		m.refuse(f)
		return nil
	case x != nil && f.Session < x.link.Session() || f.Seq != 1:
		return nil
	case x != nil:
		m.loseExecutor(now, x, "it has dropped the job")
	}
	x = &executor{id: f.TaskExecutor, address: f.From, link: message.NewLink(message.Header{
		LeaderEpoch: m.config.LeaderEpoch, Job: message.IDBytes(m.config.Job.ID), TaskExecutor: f.TaskExecutor, Session: f.Session, From: m.config.Address,
	}, m.config.Timing, now)}
	m.executors = append(m.executors, x)
	m.do(Watch{Address: x.address})
	return x
}

// refuse tells a TaskExecutor that its link is closed. A release needs no place in the order of frames.
func (m *Master) refuse(f *message.Frame) {
	m.send(f.From, &message.Frame{
		LeaderEpoch: f.LeaderEpoch, Job: f.Job, TaskExecutor: f.TaskExecutor, Session: f.Session, From: m.config.Address,
		Body: &message.Frame_Release{Release: &message.ReleaseJob{}},
	})
}

func (m *Master) executor(id string) *executor {
	for _, x := range m.executors {
		if x.id == id {
			return x
		}
	}
	return nil
}

// onOffer takes slots as long as the job needs more than it holds.
func (m *Master) onOffer(now time.Time, x *executor, o *message.OfferSlots) {
	answer := &message.AnswerOffer{}
	x.data = o.Data
	for _, s := range o.Slots {
		allocation, err := message.ID(s.Allocation)
		if err != nil {
			m.stale++
			continue
		}
		if !m.wanted() {
			answer.Rejected = append(answer.Rejected, s.Allocation)
			continue
		}
		answer.Accepted = append(answer.Accepted, s.Allocation)
		m.pool = append(m.pool, &slot{allocation: allocation, index: s.Index, executor: x, idleSince: now})
	}
	if !x.introduced {
		x.introduced, answer.Program = true, m.config.Program
	}
	m.tell(now, x, &message.Frame_Answer{Answer: answer})
}

func (m *Master) wanted() bool {
	return (m.running() || m.awaitsSlots()) && len(m.pool) < m.slotsNeeded()
}

// freeIdle gives back slots that nothing has run in for long, as far as the job has more than it needs.
func (m *Master) freeIdle(now time.Time) {
	for _, s := range slices.Clone(m.pool) {
		if s.shared == nil && now.Sub(s.idleSince) >= m.config.SlotIdleTimeout {
			if len(m.pool) <= m.slotsNeeded() {
				return
			}
			m.free(now, s)
		}
	}
}

func (m *Master) tell(now time.Time, x *executor, body message.Body) {
	m.send(x.address, x.link.Send(now, body))
}

func (m *Master) tellWorker(now time.Time, x *executor, to *message.ToWorker) {
	to.LeaderEpoch = m.config.LeaderEpoch
	m.tell(now, x, &message.Frame_ToWorker{ToWorker: to})
}

// loseExecutor closes a link and gives up all that was behind it.
func (m *Master) loseExecutor(now time.Time, x *executor, why string) {
	m.forget(x)
	if m.ended {
		return
	}
	m.pool = slices.DeleteFunc(m.pool, func(s *slot) bool {
		if s.executor == x && s.shared != nil {
			s.shared.slot = nil
		}
		return s.executor == x
	})
	m.loseTasks(now, x, &message.Failure{
		Message: fmt.Sprintf("job %q: TaskManager %s is lost: %s", m.config.Job.Name, x.id, why),
		Subtask: -1,
		Class:   int32(operator.Environment),
	}, false)
}

// forget closes the link to a TaskExecutor.
func (m *Master) forget(x *executor) {
	m.executors = slices.DeleteFunc(m.executors, func(other *executor) bool { return other == x })
	m.closed[x.id] = x.link.Session()
}
