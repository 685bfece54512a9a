package master

import (
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

func request(e *graph.Execution) *message.FromWorker {
	return &message.FromWorker{Body: &message.FromWorker_ToCoordinator{ToCoordinator: &message.SubtaskToCoordinator{
		Operator: message.IDBytes(e.ID.Vertex), Execution: message.NewExecutionID(e.ID), Event: []byte("more"),
	}}}
}

func assign(e *graph.Execution, coordinator int32) *message.FromWorker {
	return &message.FromWorker{Body: &message.FromWorker_ToSubtask{ToSubtask: &message.CoordinatorToSubtask{
		Operator: message.IDBytes(e.ID.Vertex), Execution: message.NewExecutionID(e.ID), Event: []byte("split"), CoordinatorAttempt: coordinator,
	}}}
}

// forwardOnTwo is a job of two regions, each on a TaskManager of its own, with one coordinator on "a".
func forwardOnTwo(t *testing.T, restarts int) *bench {
	b := newBench(t, sourceAndSinks(2, 2, graph.Forward), fixedDelay(t, restarts, time.Second))
	b.open("a", 1, 1)
	b.open("b", 1, 1)
	return b
}

func TestACoordinatorStartsBeforeItsSubtasksAndKnowsThem(t *testing.T) {
	b := newBench(t, sourceAndSinks(2, 2, graph.Hash), fixedDelay(t, 0, 0))
	b.open("a", 1, 2)
	kinds := ""
	for _, sent := range b.told {
		switch sent.frame.GetToWorker().GetBody().(type) {
		case *message.ToWorker_StartCoordinator:
			kinds += "c"
		case *message.ToWorker_Deploy:
			kinds += "d"
		}
	}
	if kinds != "cdddd" {
		t.Errorf("the order is %s", kinds)
	}
	b.told = nil
	b.all(initializing)
	b.all(running)
	if ready := toWorkers[*message.ToWorker_SubtaskReady](b); len(ready) != 2 {
		t.Errorf("attached: %v", ready)
	}
	b.all(finished)
	stopped := false
	for _, sent := range b.told {
		_, stop := sent.frame.GetToWorker().GetBody().(*message.ToWorker_StopCoordinator)
		stopped = stopped || stop
	}
	if !stopped {
		t.Error("the coordinator of a finished source was not stopped")
	}
}

func TestEventsAreRelayedBetweenWorkers(t *testing.T) {
	b := forwardOnTwo(t, 0)
	reader := b.current(0, 1)
	b.report("b", request(reader))
	if n := len(toWorkers[*message.ToWorker_ToCoordinator](b)); n != 0 {
		t.Error("an event of a subtask that does not run yet was relayed")
	}
	b.all(initializing)
	b.told = nil
	b.report("b", request(reader))
	if len(b.told) != 1 || b.told[0].executor != "a" || b.told[0].frame.GetToWorker().GetToCoordinator().GetCoordinatorAttempt() != 0 {
		t.Fatalf("relayed: %v", b.told)
	}
	b.told = nil
	b.report("a", assign(reader, 0))
	if len(b.told) != 1 || b.told[0].executor != "b" || b.told[0].frame.GetToWorker().GetToSubtask() == nil {
		t.Fatalf("relayed: %v", b.told)
	}
	b.told = nil
	before := b.m.Stale()
	b.report("a", assign(reader, 1)) // of another coordinator
	b.report("b", assign(reader, 0)) // not from its worker
	b.report("a", request(reader))   // not from the reader's worker
	gone := *reader
	gone.ID.Attempt = 3
	b.report("b", request(&gone))
	b.report("a", assign(&gone, 0))
	other := *reader
	other.ID.Vertex = ident.Derive("x")
	b.report("b", request(&other))
	if len(b.told) != 0 || b.m.Stale() != before+6 {
		t.Errorf("relayed: %v, %d stale", b.told, b.m.Stale()-before)
	}
}

func TestACoordinatorIsToldWhichSubtaskBeginsAnew(t *testing.T) {
	b := forwardOnTwo(t, 1)
	b.all(initializing)
	b.all(running)
	b.told = nil
	b.state("b", b.current(1, 1).ID, failed)
	if gone := toWorkers[*message.ToWorker_SubtaskGone](b); len(gone) != 1 || gone[0].SubtaskGone.Subtask != 1 {
		t.Fatalf("detached: %v", gone)
	}
	b.state("b", b.current(0, 1).ID, canceled)
	b.pass(time.Second)
	kinds := ""
	for _, sent := range b.told {
		switch body := sent.frame.GetToWorker().GetBody().(type) {
		case *message.ToWorker_SubtaskReset:
			if body.SubtaskReset.Subtask != 1 || body.SubtaskReset.Checkpoint != 0 || sent.executor != "a" {
				t.Errorf("reset: %v", body)
			}
			kinds += "r"
		case *message.ToWorker_StopCoordinator, *message.ToWorker_StartCoordinator:
			kinds += "c"
		case *message.ToWorker_Deploy:
			kinds += "d"
		}
	}
	if kinds != "rdd" {
		t.Errorf("the order is %s", kinds)
	}
	b.told = nil
	b.state("b", b.current(0, 1).ID, initializing)
	if ready := toWorkers[*message.ToWorker_SubtaskReady](b); len(ready) != 1 || ready[0].SubtaskReady.Attempt != 1 {
		t.Errorf("attached: %v", ready)
	}
}

func TestACoordinatorStartsAnewWithAllItsSubtasks(t *testing.T) {
	b := started(t, 1)
	b.state("a", b.current(1, 0).ID, failed)
	b.all(canceled)
	b.told = nil
	b.pass(time.Second)
	kinds := ""
	for _, sent := range b.told {
		switch body := sent.frame.GetToWorker().GetBody().(type) {
		case *message.ToWorker_StopCoordinator:
			if body.StopCoordinator.Attempt != 0 {
				t.Errorf("stopped: %v", body)
			}
			kinds += "s"
		case *message.ToWorker_StartCoordinator:
			if body.StartCoordinator.Attempt != 1 {
				t.Errorf("started: %v", body)
			}
			kinds += "c"
		}
	}
	if kinds != "sc" {
		t.Errorf("the order is %s", kinds)
	}
}

func TestALostCoordinatorTakesItsWholeSourceAlong(t *testing.T) {
	lose := map[string]func(*bench){
		"failed": func(b *bench) {
			b.report("a", &message.FromWorker{Body: &message.FromWorker_CoordinatorFailed{CoordinatorFailed: &message.CoordinatorFailed{
				Operator: message.IDBytes(b.current(0, 0).ID.Vertex), Failure: &message.Failure{Message: "no folder"},
			}}})
			b.state("a", b.current(0, 0).ID, canceled)
			b.state("a", b.current(1, 0).ID, canceled)
		},
		"lost": func(b *bench) { b.m.Gone(b.now, message.AddressKey{ID: "a"}); b.take(); b.open("c", 1, 1) },
	}
	for name, do := range lose {
		b := forwardOnTwo(t, 1)
		b.all(initializing)
		b.all(running)
		do(b)
		b.told = nil
		if e := b.current(0, 1); e.State() != graph.TaskCanceling {
			t.Errorf("%s: the reader elsewhere is %s", name, e.State())
		}
		b.state("b", b.current(0, 1).ID, canceled)
		b.state("b", b.current(1, 1).ID, canceled)
		b.pass(time.Second)
		if start := toWorkers[*message.ToWorker_StartCoordinator](b); len(start) != 1 || start[0].StartCoordinator.Attempt != 1 {
			t.Errorf("%s: started %v", name, start)
		}
		if b.current(0, 0).ID.Attempt != 1 || b.current(0, 1).ID.Attempt != 1 {
			t.Errorf("%s: attempts %d and %d", name, b.current(0, 0).ID.Attempt, b.current(0, 1).ID.Attempt)
		}
	}
}

func TestAnOldCoordinatorsFailureIsRefused(t *testing.T) {
	b := started(t, 3)
	fail := func() {
		b.report("a", &message.FromWorker{Body: &message.FromWorker_CoordinatorFailed{CoordinatorFailed: &message.CoordinatorFailed{
			Operator: message.IDBytes(b.current(0, 0).ID.Vertex), Attempt: 0, Failure: &message.Failure{Message: "no folder"},
		}}})
	}
	fail()
	b.want(graph.JobRestarting)
	b.all(canceled)
	b.pass(time.Second)
	b.want(graph.JobRunning)
	fail()
	b.want(graph.JobRunning)
}
