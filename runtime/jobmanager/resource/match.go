package resource

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// reconcile requests slots for the needs that are not met, asks the provider for what is missing, and tells JobMasters
// where they stand.
//
// Jobs are served in the order in which they came to need slots: first what each cannot run without, then what it could make use of besides. So
// a small job that comes later never takes what a larger one waits for. Two jobs that each hold a part of what they need, as may be when a
// TaskManager was lost, do not wait for each other: the later one gives its part back (see yields).
func (m *Manager) reconcile(now time.Time) {
	for _, j := range m.jobs {
		m.requestUpTo(now, j, j.minimum)
	}
	for _, j := range m.jobs {
		m.requestUpTo(now, j, j.needed)
	}
	m.want()
	yielding := m.yields()
	lacking := 0
	for _, j := range m.jobs {
		m.answer(j, lacking, yielding[j])
		lacking += m.lacks(j)
	}
}

func (m *Manager) requestUpTo(now time.Time, j *job, slots int) {
	for m.held(j) < slots {
		e := m.best(j)
		if e == nil {
			return
		}
		r := &request{job: j, pause: m.config.Timing.FirstRetry()}
		allocation := m.config.NewAllocation()
		e.pending[allocation] = r
		m.request(now, e, allocation, r)
	}
}

// lacks is how many slots a job is short of to run.
func (m *Manager) lacks(j *job) int { return max(0, j.minimum-m.held(j)) }

// yields are the jobs that are to give their idle slots back: those that cannot run, for the first job that cannot either, if that could with their
// slots. The last that came give first.
func (m *Manager) yields() map[*job]bool {
	first := slices.IndexFunc(m.jobs, func(j *job) bool { return m.lacks(j) > 0 })
	if first < 0 {
		return nil
	}
	lacking := m.lacks(m.jobs[first])
	yielding := map[*job]bool{}
	for i := len(m.jobs) - 1; i > first && lacking > 0; i-- {
		if j := m.jobs[i]; m.lacks(j) > 0 && m.held(j) > 0 {
			yielding[j] = true
			lacking -= m.held(j)
		}
	}
	if lacking > 0 {
		return nil
	}
	return yielding
}

// best returns the TaskExecutor that a slot for the job is taken from: one that has slots of the job already, since its
// subtasks are then in one process and exchange records without a network; among these and else the one with the least
// free slots, which leaves others whole.
func (m *Manager) best(j *job) *executor {
	var best *executor
	for _, e := range m.executors {
		if e.free() <= 0 || e.refused[j.id] {
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

// mostListed is how many TaskExecutors a JobMaster is told of by name.
const mostListed = 8

// listed are some TaskExecutors, those with the most free slots first.
func (m *Manager) listed() []*message.TaskExecutorSlots {
	all := slices.Clone(m.executors)
	slices.SortStableFunc(all, func(a, b *executor) int { return cmp.Compare(b.unoccupied(), a.unoccupied()) })
	var listed []*message.TaskExecutorSlots
	for _, e := range all[:min(len(all), mostListed)] {
		listed = append(listed, &message.TaskExecutorSlots{Id: e.id, Slots: int32(e.slots), Free: int32(e.unoccupied())})
	}
	return listed
}

// answer tells a JobMaster where it stands, unless it knows. Before is how many slots the jobs before it lack.
func (m *Manager) answer(j *job, before int, yields bool) {
	o := m.Overview()
	a := &message.ResourcesDeclared{
		LeaderEpoch: m.config.LeaderEpoch, Job: message.IDBytes(j.id), Version: j.version, Allocated: int32(m.held(j)),
		TaskExecutors: o.TaskExecutors, SlotsTotal: o.SlotsTotal, SlotsFree: o.SlotsFree,
		Yield: yields, Before: int32(before), Executors: m.listed(),
	}
	if j.answered == nil || !proto.Equal(a, j.answered) {
		j.answered = a
		m.send(j.master, a)
	}
}

func (m *Manager) removeExecutor(e *executor, reason string) {
	m.commands = append(m.commands, Left{ID: e.id, Reason: reason})
	m.executors = slices.DeleteFunc(m.executors, func(other *executor) bool { return other == e })
}

// removeJob forgets a need, and repeats no request for it. Those that are on their way lead to offers that nobody takes.
func (m *Manager) removeJob(j *job) {
	for _, e := range m.executors {
		maps.DeleteFunc(e.pending, func(_ ident.AllocationID, r *request) bool { return r.job == j })
	}
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
