package master

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/schedule/adaptive"
)

// newAdaptiveBench is a job of a source and sinks, of 2 subtasks each, under the adaptive scheduler.
func newAdaptiveBench(t *testing.T) *bench {
	b := newBench(t, sourceAndSinks(2, 2, graph.Hash), fixedDelay(t, 5, time.Second))
	c := b.m.config
	c.Adaptive = &adaptive.Config{
		SubmissionWait: time.Minute, SubmissionStabilization: time.Second, Cooldown: time.Second, Stabilization: 2 * time.Second, History: 5, NewID: ident.NewID,
	}
	b.m = New(c, b.now)
	b.m.Start(b.now)
	b.take()
	return b
}

// bounds are those of all vertices.
func (b *bench) bounds(lower, upper int32) []*message.VertexBounds {
	var all []*message.VertexBounds
	for _, v := range b.m.config.Job.Vertices {
		all = append(all, &message.VertexBounds{Vertex: message.IDBytes(v.ID), Lower: lower, Upper: upper})
	}
	return all
}

func (b *bench) deployed(subtasks int) []*message.ToWorker_Deploy {
	b.Helper()
	all := toWorkers[*message.ToWorker_Deploy](b)
	if len(all) != subtasks {
		b.Fatalf("%d subtasks were deployed, want %d", len(all), subtasks)
	}
	return all
}

func TestAnAdaptiveJobStartsWithOneSlotAndTakesAnother(t *testing.T) {
	b := newAdaptiveBench(t)
	b.want(graph.JobCreated)
	b.open("a", 1, 1)
	b.deployed(0)
	b.pass(time.Second)
	b.deployed(2)
	b.want(graph.JobRunning)
	b.all(initializing)
	b.all(running)
	b.open("b", 1, 1)
	b.pass(time.Second)
	b.want(graph.JobRestarting)
	if b.m.restarts != 0 || len(b.m.exceptions) != 0 {
		t.Errorf("%d restarts, exceptions %v", b.m.restarts, b.m.exceptions)
	}
	b.told = nil
	b.all(canceled)
	b.want(graph.JobRunning)
	for _, d := range b.deployed(4) {
		if first := int32(1 - d.Deploy.Execution.Subtask); d.Deploy.Execution.Attempt != first || d.Deploy.Parallelism[0].Parallelism != 2 {
			t.Errorf("deployed %v", d.Deploy)
		}
	}
	b.all(initializing)
	b.all(running)
	if r := b.m.Rescales(); r.Completed != 2 || r.LatestCompleted.Vertices[0].Before != 1 || r.LatestCompleted.Vertices[0].After != 2 || b.m.Details().Rescales != 1 {
		t.Errorf("%v", r)
	}
	b.all(finished)
	b.want(graph.JobFinished)
}

func TestAnAdaptiveJobGoesOnWithLess(t *testing.T) {
	b := newAdaptiveBench(t)
	b.open("a", 1, 1)
	b.open("b", 1, 1)
	b.deployed(4)
	b.all(initializing)
	b.all(running)
	b.m.Gone(b.now, (&message.Address{Id: "b"}).Key())
	b.take()
	b.want(graph.JobRestarting)
	b.all(canceled)
	b.pass(time.Second)
	b.want(graph.JobCreated)
	b.told = nil
	b.pass(time.Second)
	b.deployed(2)
	b.want(graph.JobRunning)
	if d := b.m.Details(); d.Restarts != 1 || d.Vertices[0].Parallelism != 1 {
		t.Errorf("%v", d)
	}
}

func TestAnAdaptiveJobFailsWithoutTheLeastSlots(t *testing.T) {
	b := newAdaptiveBench(t)
	if err := b.m.Require(b.now, b.bounds(2, 2)); err != nil {
		t.Fatal(err)
	}
	b.open("a", 1, 1)
	b.m.Receive(b.now, &message.ResourcesDeclared{
		LeaderEpoch: epoch, Job: message.IDBytes(b.m.config.Job.ID), Version: 9, TaskExecutors: 1, SlotsTotal: 1, Before: 3,
		Executors: []*message.TaskExecutorSlots{{Id: "a", Slots: 1}},
	})
	b.keepAlive(time.Minute)
	b.want(graph.JobFailed)
	why := b.m.Result().Failure.Message
	for _, part := range []string{"submission.resource-wait-timeout (1m0s)", "needs 2 and has 1", "a has 0 of 1 free", "before it lack 3 slots"} {
		if !strings.Contains(why, part) {
			t.Errorf("it failed of %q, want %q in that", why, part)
		}
	}
}

func TestRequirementsAreRefused(t *testing.T) {
	b := newAdaptiveBench(t)
	if err := b.m.Require(b.now, b.bounds(1, 2)[:1]); err == nil || !strings.Contains(err.Error(), "no bounds") {
		t.Errorf("bounds of one vertex: %v", err)
	}
	plain := started(t, 0)
	if err := plain.m.Require(plain.now, plain.bounds(1, 2)); !errors.Is(err, ErrDefaultScheduler) || plain.m.Rescales().Adaptive {
		t.Errorf("under the default scheduler: %v", err)
	}
}

func TestAnAdaptiveJobIsCanceledWhileItWaits(t *testing.T) {
	b := newAdaptiveBench(t)
	b.open("a", 1, 1)
	b.m.Cancel(b.now)
	b.take()
	b.want(graph.JobCanceled)
}

// TestAJobThatWaitsGivesIdleSlotsBack when it is told that they help another one.
func TestAJobThatWaitsGivesIdleSlotsBack(t *testing.T) {
	b := newBench(t, sourceAndSinks(2, 2, graph.Hash), fixedDelay(t, 0, 0))
	b.open("a", 1, 1)
	told := &message.ResourcesDeclared{LeaderEpoch: epoch, Job: message.IDBytes(b.m.config.Job.ID), Version: 1, Yield: true}
	b.m.Receive(b.now, told)
	b.take()
	if freed := b.freed(); freed != 1 || len(b.m.pool) != 0 {
		t.Errorf("%d slots were freed", freed)
	}
	running := started(t, 0)
	running.m.Receive(running.now, told)
	running.take()
	if freed := running.freed(); freed != 0 {
		t.Errorf("%d slots of a job that runs were freed", freed)
	}
}

// TestAJobThatWaitedTooLongLetsOthersHaveItsSlots, and asks for them anew after the pause of its restart strategy.
func TestAJobThatWaitedTooLongLetsOthersHaveItsSlots(t *testing.T) {
	b := newBench(t, sourceAndSinks(2, 2, graph.Hash), fixedDelay(t, 1, time.Second))
	b.open("a", 1, 1)
	b.keepAlive(5 * time.Minute)
	b.want(graph.JobRestarting)
	if freed := b.freed(); freed != 1 || b.m.declaration.slots != 0 {
		t.Errorf("%d slots were freed, %d are declared", freed, b.m.declaration.slots)
	}
	b.pass(time.Second)
	b.want(graph.JobRunning)
	if b.m.declaration.slots != 2 {
		t.Errorf("%d are declared", b.m.declaration.slots)
	}
}

func (b *bench) freed() int {
	n := 0
	for _, t := range b.told {
		n += len(t.frame.GetFree().GetAllocations())
	}
	return n
}
