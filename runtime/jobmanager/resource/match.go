package resource

import (
	"bytes"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// reconcile requests slots for the needs that are not met, asks the provider for what is missing, and tells JobMasters
// where they stand.
func (m *Manager) reconcile(now time.Time) {
	for _, j := range m.jobs {
		for m.held(j) < j.needed {
			e := m.best(j)
			if e == nil {
				break
			}
			r := &request{job: j, pause: m.config.Timing.FirstRetry()}
			allocation := m.config.NewAllocation()
			e.pending[allocation] = r
			m.request(now, e, allocation, r)
		}
	}
	m.want()
	for _, j := range m.jobs {
		m.answer(j)
	}
}

// best returns the TaskExecutor that a slot for the job is taken from: one that has slots of the job already, since its
// subtasks are then in one process and exchange records without a network; among these and else the one with the least
// free slots, which leaves others whole.
func (m *Manager) best(j *job) *executor {
	var best *executor
	for _, e := range m.executors {
		if e.free() <= 0 {
			continue
		}
		if best == nil || better(e, best, j) {
			best = e
		}
	}
	return best
}

func better(a, b *executor, j *job) bool {
	if ha, hb := a.holds(j.id) > 0, b.holds(j.id) > 0; ha != hb {
		return ha
	}
	return a.free() < b.free()
}

func (m *Manager) held(j *job) int {
	n := 0
	for _, e := range m.executors {
		n += e.holds(j.id)
	}
	return n
}

func (m *Manager) request(now time.Time, e *executor, allocation ident.AllocationID, r *request) {
	r.again = now.Add(r.pause)
	r.pause = m.config.Timing.NextRetry(r.pause)
	m.send(e.address, &message.RequestSlot{
		LeaderEpoch: m.config.LeaderEpoch, Id: e.id, Allocation: message.IDBytes(allocation), Job: message.IDBytes(r.job.id),
		JobName: r.job.name, JobMaster: r.job.master, Configuration: r.job.configuration,
	})
}

// want tells the provider when the slots of the cluster do not suffice for all that is declared.
func (m *Manager) want() {
	total, needed := 0, 0
	for _, e := range m.executors {
		total += e.slots
	}
	for _, j := range m.jobs {
		needed += max(j.needed, m.held(j))
	}
	if needed > total && needed != m.wanted {
		m.wanted = needed
		m.commands = append(m.commands, Want{Slots: needed})
	}
	if needed <= total {
		m.wanted = 0
	}
}

// answer tells a JobMaster where it stands, unless it knows.
func (m *Manager) answer(j *job) {
	o := m.Overview()
	a := &message.ResourcesDeclared{
		LeaderEpoch: m.config.LeaderEpoch, Job: message.IDBytes(j.id), Version: j.version, Allocated: int32(m.held(j)),
		TaskExecutors: o.TaskExecutors, SlotsTotal: o.SlotsTotal, SlotsFree: o.SlotsFree,
	}
	if j.answered == nil || !proto.Equal(a, j.answered) {
		j.answered = a
		m.send(j.master, a)
	}
}

func (m *Manager) removeExecutor(e *executor) {
	m.executors = slices.DeleteFunc(m.executors, func(other *executor) bool { return other == e })
}

// removeJob forgets a need. Requests for it that are on their way lead to offers that nobody takes.
func (m *Manager) removeJob(j *job) {
	m.jobs = slices.DeleteFunc(m.jobs, func(other *job) bool { return other == j })
}

func (e *executor) pendingInOrder() []ident.AllocationID {
	var all []ident.AllocationID
	for allocation := range e.pending {
		all = append(all, allocation)
	}
	slices.SortFunc(all, func(a, b ident.AllocationID) int { return bytes.Compare(a[:], b[:]) })
	return all
}

func clone[T any](s []T) []T { return slices.Clone(s) }
