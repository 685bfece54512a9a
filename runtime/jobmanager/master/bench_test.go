package master

import (
	"fmt"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/schedule"
)

// bench is a Master with the other ends of its links, which do only what the test says.
type bench struct {
	*testing.T
	m     *Master
	now   time.Time
	ends  map[string]*message.Link
	told  []told
	ended int
	// carry takes what the Master wants of the store; if it is nil, carried are those commands. Answers are what went to users.
	carry   func(coordinator.Command)
	carried []coordinator.Command
	answers []Answer
}

// told is a body that the Master has sent to a TaskExecutor.
type told struct {
	executor string
	frame    *message.Frame
}

func newBench(t *testing.T, job *graph.JobGraph, restart schedule.RestartStrategy) *bench {
	return newBenchWith(t, job, restart, nil)
}

func newBenchWith(t *testing.T, job *graph.JobGraph, restart schedule.RestartStrategy, checkpoints *Checkpoints) *bench {
	b := &bench{T: t, now: time.UnixMilli(1_000_000), ends: map[string]*message.Link{}}
	b.m = New(Config{
		Checkpoints: checkpoints,
		Job:         job, LeaderEpoch: epoch, Address: masterAddress, ResourceManager: managerAddress,
		Timing:             message.Timing{Interval: 10 * time.Second, Timeout: 50 * time.Second},
		SlotRequestTimeout: 5 * time.Minute, SlotIdleTimeout: 40 * time.Second, AttemptHistory: 2, ExceptionHistory: 3,
		Restart: restart, Uniform: func() float64 { return 0.5 },
	}, b.now)
	b.m.Start(b.now)
	b.take()
	return b
}

// take collects what the Master has sent, and acknowledges it.
func (b *bench) take() {
	for _, c := range b.m.Take() {
		switch c := c.(type) {
		case Ended:
			b.ended++
		case Carry:
			if b.carry == nil {
				b.carried = append(b.carried, c.Command)
			} else {
				b.carry(c.Command)
			}
		case Answer:
			b.answers = append(b.answers, c)
		case Send:
			f, ok := c.Body.(*message.Frame)
			if !ok {
				continue
			}
			if end := b.ends[c.To.Id]; end != nil && end.Session() == f.Session && end.Receive(b.now, f) {
				b.told = append(b.told, told{c.To.Id, f})
			}
		}
	}
}

// store carries out what is to be stored, and all goes well.
func (b *bench) store() {
	for len(b.carried) > 0 {
		next := b.carried[0]
		b.carried = b.carried[1:]
		switch c := next.(type) {
		case coordinator.Store:
			b.m.Checkpoint(b.now, coordinator.Stored{Checkpoint: c.Checkpoint})
		case coordinator.Append:
			b.m.Checkpoint(b.now, coordinator.LogAnswered{Slot: c.Entry.Slot, InSlot: c.Entry, Highest: c.Entry.Slot})
		}
		b.take()
	}
}

// open opens the link of a TaskExecutor and offers that many slots.
func (b *bench) open(id string, session uint64, slots int) {
	b.ends[id] = message.NewLink(message.Header{
		LeaderEpoch: epoch, Job: message.IDBytes(b.m.config.Job.ID), TaskExecutor: id, Session: session, From: &message.Address{Id: id},
	}, b.m.config.Timing, b.now)
	offer := &message.OfferSlots{Data: "host of " + id}
	for i := range slots {
		offer.Slots = append(offer.Slots, &message.SlotStatus{
			Allocation: message.IDBytes(ident.Derive(id, fmt.Sprint(session), fmt.Sprint(i))), Job: message.IDBytes(b.m.config.Job.ID), Index: int32(i),
		})
	}
	b.say(id, &message.Frame_Offer{Offer: offer})
}

func (b *bench) say(id string, body message.Body) {
	b.m.Receive(b.now, b.ends[id].Send(b.now, body))
	b.take()
}

func (b *bench) report(id string, m *message.FromWorker) {
	if m.LeaderEpoch == 0 {
		m.LeaderEpoch = epoch
	}
	b.say(id, &message.Frame_FromWorker{FromWorker: m})
}

func (b *bench) state(id string, e ident.ExecutionID, state message.TaskState) {
	changed := &message.TaskStateChanged{Execution: message.NewExecutionID(e), State: state}
	if state == message.TaskState_FAILED {
		changed.Failure = &message.Failure{Message: fmt.Sprintf("subtask %d has failed", e.Subtask), Operator: "op", Subtask: int32(e.Subtask), Class: int32(operator.User)}
	}
	b.report(id, &message.FromWorker{Body: &message.FromWorker_TaskState{TaskState: changed}})
}

// all reports a state for every attempt that runs somewhere.
func (b *bench) all(state message.TaskState) {
	for _, v := range b.m.graph.Vertices() {
		for _, s := range v.Subtasks {
			if e := s.Current(); e.State() >= graph.TaskDeploying && !e.State().Terminal() {
				b.state(e.Location, e.ID, state)
			}
		}
	}
}

func (b *bench) current(vertex, subtask int) *graph.Execution {
	return b.m.graph.Vertices()[vertex].Subtasks[subtask].Current()
}

func (b *bench) pass(d time.Duration) {
	b.now = b.now.Add(d)
	b.m.Tick(b.now)
	b.take()
}

// keepAlive passes time, with heartbeats of all TaskExecutors.
func (b *bench) keepAlive(d time.Duration) {
	for end := b.now.Add(d); b.now.Before(end); {
		b.now = message.Earliest(end, b.now.Add(10*time.Second))
		for _, l := range b.ends {
			for _, f := range l.Due(b.now) {
				b.m.Receive(b.now, f)
			}
		}
		b.m.Tick(b.now)
		b.take()
	}
}

// toWorkers returns the bodies of one kind that workers were told, and forgets all that was told.
func toWorkers[B any](b *bench) []B {
	var all []B
	for _, t := range b.told {
		if body, ok := t.frame.GetToWorker().GetBody().(B); ok {
			all = append(all, body)
		}
	}
	b.told = nil
	return all
}

func (b *bench) want(state graph.JobState) {
	b.Helper()
	if b.m.State() != state {
		b.Fatalf("the job is %s, want %s", b.m.State(), state)
	}
	if over := state.GloballyTerminal(); over != (b.ended == 1) {
		b.Fatalf("the job is %s, and its end was told %d times", state, b.ended)
	}
}
