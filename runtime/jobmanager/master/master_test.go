package master

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

const (
	initializing = message.TaskState_INITIALIZING
	running      = message.TaskState_RUNNING
	finished     = message.TaskState_FINISHED
	canceled     = message.TaskState_CANCELED
	failed       = message.TaskState_FAILED
)

// startedWith is a job all of whose subtasks run on the TaskManager "a".
func startedWith(t *testing.T, job *graph.JobGraph, restarts int) *bench {
	b := newBench(t, job, fixedDelay(t, restarts, time.Second))
	b.open("a", 1, graph.SlotsNeeded(job))
	b.all(initializing)
	b.all(running)
	return b
}

func started(t *testing.T, restarts int) *bench {
	return startedWith(t, sourceAndSinks(2, 2, graph.Hash), restarts)
}

func TestAJobIsDeployedWhenAllItsSlotsAreThere(t *testing.T) {
	b := newBench(t, sourceAndSinks(2, 2, graph.Hash), fixedDelay(t, 0, 0))
	b.open("a", 1, 1)
	if n := len(toWorkers[*message.ToWorker_Deploy](b)); n != 0 {
		t.Fatalf("%d subtasks were deployed with half of the slots", n)
	}
	b.open("b", 1, 2)
	rejected := 0
	for _, sent := range b.told {
		rejected += len(sent.frame.GetAnswer().GetRejected())
	}
	if rejected != 1 {
		t.Errorf("%d slots too many were rejected", rejected)
	}
	deployed := toWorkers[*message.ToWorker_Deploy](b)
	if len(deployed) != 4 {
		t.Fatalf("%d subtasks were deployed", len(deployed))
	}
	sink := deployed[3].Deploy
	if len(sink.Inputs) != 1 || len(sink.Inputs[0].Producers) != 2 {
		t.Fatalf("the last sink is %v", sink)
	}
	for _, p := range sink.Inputs[0].Producers {
		want := "host of a"
		if p.Subtask == sink.Execution.Subtask {
			want = ""
		}
		if p.Location != want {
			t.Errorf("producer %d of sink %d is at %q, not %q", p.Subtask, sink.Execution.Subtask, p.Location, want)
		}
	}
	b.all(initializing)
	b.want(graph.JobRunning)
	b.all(running)
	b.all(finished)
	b.want(graph.JobFinished)
}

func TestCancelInEveryState(t *testing.T) {
	t.Run("waiting", func(t *testing.T) {
		b := newBench(t, sourceAndSinks(2, 2, graph.Hash), fixedDelay(t, 0, 0))
		b.m.Cancel(b.now)
		b.take()
		b.want(graph.JobCanceled)
	})
	t.Run("deploying", func(t *testing.T) {
		b := newBench(t, sourceAndSinks(2, 2, graph.Hash), fixedDelay(t, 0, 0))
		b.open("a", 1, 2)
		b.m.Cancel(b.now)
		b.take()
		b.all(canceled)
		b.want(graph.JobCanceled)
	})
	t.Run("running", func(t *testing.T) {
		b := started(t, 0)
		b.m.Cancel(b.now)
		b.m.Cancel(b.now)
		b.take()
		if n := len(toWorkers[*message.ToWorker_CancelTask](b)); n != 4 {
			t.Errorf("%d subtasks were cancelled", n)
		}
		b.want(graph.JobCancelling)
		b.state("a", b.current(0, 0).ID, running)  // it was on its way
		b.state("a", b.current(0, 0).ID, finished) // it ended just so
		b.state("a", b.current(0, 1).ID, failed)   // or not
		b.all(canceled)
		b.want(graph.JobCanceled)
		if b.m.Result().Failure != nil {
			t.Errorf("a canceled job has the failure %v", b.m.Result().Failure)
		}
	})
	t.Run("restarting", func(t *testing.T) {
		b := started(t, 1)
		b.state("a", b.current(0, 0).ID, failed)
		b.want(graph.JobRestarting)
		b.m.Cancel(b.now)
		b.take()
		b.want(graph.JobCancelling)
		b.all(canceled)
		b.pass(time.Minute)
		b.want(graph.JobCanceled)
	})
	t.Run("failing", func(t *testing.T) {
		b := started(t, 0)
		b.state("a", b.current(0, 0).ID, failed)
		b.want(graph.JobFailing)
		b.m.Cancel(b.now)
		b.all(canceled)
		b.want(graph.JobCanceled)
	})
	t.Run("finished", func(t *testing.T) {
		b := started(t, 0)
		b.all(finished)
		b.m.Cancel(b.now)
		b.take()
		b.want(graph.JobFinished)
	})
}

func TestTheFirstFailureIsTheCause(t *testing.T) {
	b := started(t, 0)
	b.state("a", b.current(1, 1).ID, failed)
	b.state("a", b.current(1, 0).ID, failed)
	b.all(canceled)
	b.want(graph.JobFailed)
	if f := b.m.Result().Failure; f.Message != "subtask 1 has failed" {
		t.Errorf("the cause is %v", f)
	}
	entry := b.m.Details().Exceptions
	if len(entry) != 1 || len(entry[0].Concurrent) != 1 || entry[0].Concurrent[0].GetFailure().GetMessage() != "subtask 0 has failed" || entry[0].Concurrent[0].GetSubtask() != 0 || entry[0].TaskExecutor != "a" {
		t.Errorf("the history is %v", entry)
	}
}

func TestARestartWaitsForThePauseAndForAllAttempts(t *testing.T) {
	b := started(t, 1)
	b.state("a", b.current(1, 0).ID, failed)
	b.pass(2 * time.Second)
	if a := b.current(1, 0).ID.Attempt; a != 0 {
		t.Fatal("it was restarted although others still run")
	}
	b.all(canceled)
	b.want(graph.JobRunning)
	for v := range 2 {
		for s := range 2 {
			if e := b.current(v, s); e.ID.Attempt != 1 || e.State() != graph.TaskDeploying {
				t.Errorf("%s is %s", e.ID, e.State())
			}
		}
	}
	b.state("a", b.current(1, 0).ID, initializing)
	b.state("a", b.current(1, 0).ID, failed)
	b.all(canceled)
	b.want(graph.JobFailed)
	if f := b.m.Result().Failure.Message; f != "subtask 0 has failed (not restarted: all 1 restarts are used up (restart-strategy.fixed-delay.attempts))" {
		t.Errorf("the cause is %q", f)
	}
}

func TestAnotherRegionIsLeftAlone(t *testing.T) {
	b := startedWith(t, twoPipelines(), 1)
	b.state("a", b.current(3, 0).ID, failed)
	if e := b.current(0, 0); e.State() != graph.TaskRunning {
		t.Errorf("a subtask of the other region is %s", e.State())
	}
	b.all(running) // is refused where it does not fit
	b.state("a", b.current(2, 0).ID, canceled)
	b.pass(time.Second)
	if b.current(3, 0).ID.Attempt != 1 || b.current(0, 0).ID.Attempt != 0 {
		t.Errorf("attempts %d and %d", b.current(3, 0).ID.Attempt, b.current(0, 0).ID.Attempt)
	}
	b.all(initializing)
	b.all(finished)
	b.want(graph.JobFinished)
}

func TestStaleReportsAreRefused(t *testing.T) {
	b := started(t, 1)
	old := b.current(0, 0).ID
	b.state("a", b.current(1, 0).ID, failed)
	b.all(canceled)
	b.pass(time.Second)
	refused := func(what string, do func()) {
		t.Helper()
		before, details := b.m.Stale(), b.m.Details()
		do()
		if b.m.Stale() == before {
			t.Errorf("%s was not counted", what)
		}
		if after := b.m.Details(); after.Summary.String() != details.Summary.String() {
			t.Errorf("%s has changed something: %v", what, after.Summary)
		}
	}
	refused("an old attempt", func() { b.state("a", old, failed) })
	refused("a future attempt", func() { e := old; e.Attempt = 9; b.state("a", e, failed) })
	refused("another vertex", func() { e := old; e.Vertex = ident.Derive("x"); b.state("a", e, failed) })
	refused("an old epoch", func() {
		b.report("a", &message.FromWorker{LeaderEpoch: epoch - 1, Body: &message.FromWorker_TaskState{TaskState: &message.TaskStateChanged{
			Execution: message.NewExecutionID(b.current(0, 0).ID), State: failed,
		}}})
	})
	refused("another TaskManager", func() {
		b.open("z", 1, 0)
		b.state("z", b.current(0, 0).ID, failed)
	})
	refused("an unknown state", func() { b.state("a", b.current(0, 0).ID, message.TaskState(77)) })
	refused("a frame of an old epoch", func() {
		f := b.ends["a"].Send(b.now, &message.Frame_WorkerLost{WorkerLost: &message.WorkerLost{}})
		f.LeaderEpoch--
		b.m.Receive(b.now, f)
	})
	refused("a frame without a sender", func() {
		b.m.Receive(b.now, &message.Frame{LeaderEpoch: epoch, Job: message.IDBytes(b.m.config.Job.ID)})
	})
	refused("what is no message for it", func() { b.m.Receive(b.now, &message.ListJobs{}) })
}

func TestALostTaskManagerIsNamed(t *testing.T) {
	b := started(t, 0)
	b.pass(50 * time.Second)
	b.want(graph.JobFailed)
	if f := b.m.Result().Failure.Message; f != `job "a job": TaskManager a is lost: it was silent for heartbeat.timeout (50s)` {
		t.Errorf("the cause is %q", f)
	}
}

func TestALostTaskManagerIsReplaced(t *testing.T) {
	b := started(t, 1)
	b.m.Gone(b.now, message.AddressKey{ID: "a"})
	b.take()
	b.pass(time.Second)
	b.want(graph.JobRunning)
	if held := b.m.Details().Slots.Held; held != 0 {
		t.Errorf("%d slots are held on a TaskManager that is gone", held)
	}
	// What the old one still says is answered with a release.
	b.m.Receive(b.now, b.ends["a"].Send(b.now, &message.Frame_WorkerLost{WorkerLost: &message.WorkerLost{}}))
	refused := false
	for _, c := range b.m.Take() {
		if f, ok := c.(Send).Body.(*message.Frame); ok && f.GetRelease() != nil && f.Seq == 0 {
			refused = true
		}
	}
	if !refused {
		t.Error("the lost one is not told that its link is closed")
	}
	b.open("b", 1, 2)
	b.all(initializing)
	b.all(finished)
	b.want(graph.JobFinished)
}

func TestANewSessionReplacesTheOldOne(t *testing.T) {
	b := started(t, 1)
	b.open("a", 2, 2)
	if e := b.current(0, 0); e.State() != graph.TaskFailed {
		t.Fatalf("a subtask of the old session is %s", e.State())
	}
	b.pass(time.Second)
	b.all(initializing)
	b.all(finished)
	b.want(graph.JobFinished)
}

func TestALostWorkerRestartsInTheSameSlots(t *testing.T) {
	b := started(t, 1)
	toWorkers[*message.ToWorker_Deploy](b)
	b.say("a", &message.Frame_WorkerLost{WorkerLost: &message.WorkerLost{Failure: &message.Failure{Message: "killed"}}})
	b.pass(time.Second)
	if n := len(toWorkers[*message.ToWorker_Deploy](b)); n != 4 {
		t.Errorf("%d subtasks were deployed again", n)
	}
}

func TestAWorkerThatCannotBeKilledFailsTheJob(t *testing.T) {
	b := started(t, 5)
	b.m.Cancel(b.now)
	b.take()
	b.say("a", &message.Frame_WorkerLost{WorkerLost: &message.WorkerLost{Failure: &message.Failure{Message: "stuck"}, Fatal: true}})
	b.want(graph.JobFailed)
	if f := b.m.Result().Failure.Message; f != "stuck" {
		t.Errorf("the cause is %q", f)
	}
}

func TestMissingSlotsFailWithNumbers(t *testing.T) {
	b := newBench(t, sourceAndSinks(3, 3, graph.Hash), fixedDelay(t, 0, 0))
	b.open("a", 1, 1)
	b.m.Receive(b.now, &message.ResourcesDeclared{
		LeaderEpoch: epoch, Job: message.IDBytes(b.m.config.Job.ID), Version: 1, TaskExecutors: 2, SlotsTotal: 4, SlotsFree: 0,
	})
	b.take()
	b.keepAlive(5*time.Minute - 1)
	b.want(graph.JobRunning)
	b.keepAlive(time.Second)
	b.want(graph.JobFailed)
	for _, part := range []string{`job "a job"`, "slot.request.timeout (5m0s)", "it needs 3 and has 1", "4 slots on 2 TaskManagers, 0 of them free"} {
		if f := b.m.Result().Failure.Message; !strings.Contains(f, part) {
			t.Errorf("%q does not say %q", f, part)
		}
	}
}

func TestSlotsThatAreNotNeededAreGivenBackAfterAWhile(t *testing.T) {
	b := startedWith(t, twoPipelines(), 0)
	for _, e := range []*graph.Execution{b.current(0, 0), b.current(0, 1), b.current(1, 0), b.current(1, 1)} {
		b.state("a", e.ID, finished)
	}
	b.told = nil
	b.keepAlive(39 * time.Second)
	freed := func() (n int) {
		for _, sent := range b.told {
			n += len(sent.frame.GetFree().GetAllocations())
		}
		return n
	}
	if freed() != 0 {
		t.Error("a slot was given back too early")
	}
	b.keepAlive(2 * time.Second)
	if n := freed(); n != 1 {
		t.Errorf("%d slots were given back: one is not needed, one still holds the other pipeline", n)
	}
	b.all(finished)
	b.want(graph.JobFinished)
}

func TestTheEndIsToldUntilItIsKnown(t *testing.T) {
	b := started(t, 0)
	b.all(finished)
	released := 0
	for _, sent := range b.told {
		if sent.frame.GetRelease() != nil {
			released++
		}
	}
	if released != 1 || b.m.dismissed {
		t.Fatalf("released %d times, dismissed: %v", released, b.m.dismissed)
	}
	for _, f := range b.ends["a"].Due(b.now) {
		b.m.Receive(b.now, f)
	}
	if !b.m.dismissed {
		t.Error("the release was acknowledged, and the master is not dismissed")
	}
	silent := started(t, 0)
	silent.all(finished)
	silent.pass(50 * time.Second)
	if !silent.m.dismissed {
		t.Error("the TaskManager is lost, and the master waits for it")
	}
}

func TestTheHistoryIsBounded(t *testing.T) {
	b := started(t, 10)
	for range 6 {
		b.state("a", b.current(0, 0).ID, failed)
		b.all(canceled)
		b.pass(time.Second)
		b.all(initializing)
	}
	d := b.m.Details()
	if len(d.Exceptions) != 3 || d.Restarts != 6 || d.Exceptions[0].Attempt != 5 {
		t.Errorf("%d exceptions, the latest of attempt %d; %d restarts", len(d.Exceptions), d.Exceptions[0].Attempt, d.Restarts)
	}
}

func TestAccumulatorsOfEarlierAttemptsDoNotCount(t *testing.T) {
	b := started(t, 1)
	part := []*message.Accumulator{{Name: "n", Value: []byte("1")}}
	report := func(state message.TaskState) {
		b.report("a", &message.FromWorker{Body: &message.FromWorker_TaskState{TaskState: &message.TaskStateChanged{
			Execution: message.NewExecutionID(b.current(0, 0).ID), State: state, Accumulators: part,
		}}})
	}
	report(finished)
	b.state("a", b.current(1, 0).ID, failed)
	b.all(canceled)
	b.pass(time.Second)
	if n := len(b.m.Details().Accumulators); n != 0 {
		t.Errorf("%d accumulators are left of the first attempt", n)
	}
	b.all(initializing)
	report(finished)
	b.all(finished)
	if n := len(b.m.Result().Accumulators); n != 1 {
		t.Errorf("%d accumulators in the end", n)
	}
}
