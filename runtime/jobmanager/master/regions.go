package master

import (
	"fmt"
	"slices"
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
)

// phase is where a region stands.
//
//	waiting --all slots are there--> deployed --a failure--> restarting --the pause and all attempts are over--> waiting
//	waiting --a failure--> restarting
//	deployed --all subtasks FINISHED--> done --its coordinator failed--> restarting
//
// Regions are cancelled with their job in any phase, which then means nothing any more.
type phase uint8

const (
	waiting phase = iota
	deployed
	restarting
	done
)

// region is the subtasks that start and fail together.
type region struct {
	subtasks []graph.SubtaskID
	// slots are the shared slots that hold its subtasks.
	slots []*sharedSlot
	phase phase
	// since is when it began to wait, restartAt when its pause is over.
	since, restartAt time.Time
	// starved says that it has waited too long for slots, and wants none before it waits anew.
	starved bool
	// token is that of the restart for which it waits to hear what it starts from.
	token uint64
}

func (r *region) addSlot(s *sharedSlot, subtask graph.SubtaskID) {
	if !slices.Contains(r.slots, s) {
		r.slots = append(r.slots, s)
		s.regions = append(s.regions, r)
	}
	if s.byVertex == nil {
		s.byVertex = map[ident.VertexID]graph.SubtaskID{}
	}
	s.byVertex[subtask.Vertex] = subtask
}

// wait has a region ask for its slots.
func (m *Master) wait(now time.Time, r *region) {
	r.phase, r.since, r.starved = waiting, now, false
	for _, id := range r.subtasks {
		m.update(now, m.execution(id).ID, graph.TaskScheduled, nil)
	}
}

// over reports whether no attempt of the region is live.
func (m *Master) over(r *region) bool {
	for _, id := range r.subtasks {
		if !m.execution(id).State().Terminal() {
			return false
		}
	}
	return true
}

// restartRegions begins the next attempts where the pause is over and the last attempts are, too.
func (m *Master) restartRegions(now time.Time) {
	if m.graph.State() != graph.JobRestarting {
		return
	}
	left := 0
	var again []*region
	for _, r := range m.regions {
		switch {
		case r.phase != restarting:
		case now.Before(r.restartAt) || !m.over(r) || !m.checkpoints.mayRestart(r):
			left++
		default:
			again = append(again, r)
		}
	}
	for _, r := range again {
		if err := m.graph.Restart(r.subtasks, now.UnixMilli()); err != nil {
			panic("master: " + err.Error())
		}
		for _, id := range r.subtasks {
			delete(m.accumulators, id)
			delete(m.io, id)
		}
		m.resetSubtasks(now, r)
		m.wait(now, r)
	}
	if left == 0 {
		m.become(graph.JobRunning, now)
	}
}

// deployRegions deploys the waiting regions whose slots are all there, in order: one that comes later never takes a slot
// that would complete an earlier one only in part.
func (m *Master) deployRegions(now time.Time) {
	if !m.running() {
		return
	}
	for _, r := range m.regions {
		if r.phase == waiting && m.bind(r) {
			m.deploy(now, r)
		}
	}
}

func (m *Master) deploy(now time.Time, r *region) {
	r.phase = deployed
	for _, id := range r.subtasks {
		e := m.execution(id)
		s := m.slotOf(id)
		e.Allocation, e.Location = s.allocation, s.executor.id
		m.update(now, e.ID, graph.TaskDeploying, nil)
		m.step(now, coordinator.Deployed{Execution: e.ID})
	}
	for _, c := range m.coordinators {
		m.startCoordinator(now, c, r)
	}
	for _, id := range r.subtasks {
		m.tellWorker(now, m.slotOf(id).executor, &message.ToWorker{Body: &message.ToWorker_Deploy{Deploy: m.deployment(id)}})
	}
}

// deployment describes an attempt with those it exchanges records with. All of these are in its region, so they are
// deployed in the same step.
func (m *Master) deployment(id graph.SubtaskID) *message.Deploy {
	v := m.graph.Vertex(id.Vertex).Job
	e := m.execution(id)
	d := &message.Deploy{Execution: message.NewExecutionID(e.ID), Restore: m.checkpoints.restore, Term: uint64(m.checkpoints.Term), Parallelism: m.parallelism()}
	for _, edge := range v.Inputs {
		gate := &message.InputGate{Edge: int32(edge.Index)}
		for _, p := range graph.Producers(edge, int(id.Subtask)) {
			gate.Producers = append(gate.Producers, m.peer(e, edge.From, p))
		}
		d.Inputs = append(d.Inputs, gate)
	}
	for _, edge := range v.Outputs {
		partition := &message.ResultPartition{Edge: int32(edge.Index)}
		for _, c := range graph.Connections(edge, int(id.Subtask)) {
			partition.Consumers = append(partition.Consumers, m.peer(e, edge.To, c))
		}
		d.Outputs = append(d.Outputs, partition)
	}
	return d
}

// peer is an attempt at the other end of a channel of the attempt of. It has no location where both are in one process: on
// the same TaskExecutor, or all TaskExecutors together, whose offers then name no address.
func (m *Master) peer(of *graph.Execution, v *graph.JobVertex, subtask int) *message.PeerAttempt {
	e := m.execution(graph.SubtaskID{Vertex: v.ID, Subtask: ident.SubtaskIndex(subtask)})
	p := &message.PeerAttempt{Subtask: int32(subtask), Attempt: e.ID.Attempt}
	if x := m.executor(e.Location); x != nil && e.Location != of.Location {
		p.Location = x.data
	}
	return p
}

// checkWaiting fails regions that have waited too long for slots.
func (m *Master) checkWaiting(now time.Time) {
	if !m.running() || m.adaptive != nil {
		return
	}
	var late []*region
	for _, r := range m.regions {
		if r.phase == waiting && now.Sub(r.since) >= m.config.SlotRequestTimeout {
			late = append(late, r)
		}
	}
	if len(late) == 0 {
		return
	}
	failure := m.lackOfSlots("slot.request.timeout", m.config.SlotRequestTimeout, m.slotsNeeded())
	for _, r := range late {
		r.starved = true
	}
	m.failRegions(now, &fault{cause: toCause(now, failure)}, late)
	if m.running() {
		m.giveBack(now, func(*slot) bool { return len(m.pool) > m.slotsNeeded() }) // others have waited for them
	}
}

// lackOfSlots is the failure that slots were missing for too long.
func (m *Master) lackOfSlots(option string, waited time.Duration, needed int) *message.Failure {
	d := m.declaration.status
	text := fmt.Sprintf("job %q: it has waited %s (%s) for slots: it needs %d and has %d. The cluster has %d slots on %d TaskManagers, %d of them free",
		m.config.Job.Name, option, waited, needed, len(m.pool), d.GetSlotsTotal(), d.GetTaskExecutors(), d.GetSlotsFree())
	for i, x := range d.GetExecutors() {
		if i == 0 {
			text += ":"
		} else {
			text += ","
		}
		text += fmt.Sprintf(" %s has %d of %d free", x.GetId(), x.GetFree(), x.GetSlots())
	}
	if more := int(d.GetTaskExecutors()) - len(d.GetExecutors()); more > 0 && len(d.GetExecutors()) > 0 {
		text += fmt.Sprintf(", and so on for %d more", more)
	}
	if before := d.GetBefore(); before > 0 {
		text += fmt.Sprintf(". Jobs that were submitted before it lack %d slots, and get theirs first", before)
	}
	text += ". Start more TaskManagers, raise taskmanager.numberOfTaskSlots, cancel other jobs, or lower the parallelism"
	return &message.Failure{Message: text, Subtask: -1, Class: int32(operator.Environment)}
}

// markDone notes that a region has nothing left to run, and gives up the slots that nobody needs any more.
func (m *Master) markDone(now time.Time, r *region) {
	for _, id := range r.subtasks {
		if m.execution(id).State() != graph.TaskFinished {
			return
		}
	}
	r.phase = done
	for _, s := range r.slots {
		if !s.needed() && s.slot != nil {
			s.slot.shared, s.slot.idleSince = nil, now
			s.slot = nil
		}
	}
}
