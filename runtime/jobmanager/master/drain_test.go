package master

import (
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/message"
)

// drained has an attempt report that its last record went through.
func (b *bench) drained(d *message.Deploy) {
	b.report("a", &message.FromWorker{Body: &message.FromWorker_Drained{Drained: &message.TaskDrained{Execution: d.Execution}}})
}

func TestADrainedJobIsCanceledWhenItsLastTaskHasAnswered(t *testing.T) {
	b := started(t, 0)
	deployed := toWorkers[*message.ToWorker_Deploy](b)
	b.m.Drain(b.now, time.Minute)
	b.take()
	asked := toWorkers[*message.ToWorker_DrainTask](b)
	if len(asked) != 2 {
		t.Fatalf("%d tasks were asked to drain, want the two sources", len(asked))
	}
	for i, d := range deployed {
		b.want(graph.JobRunning)
		if n := len(toWorkers[*message.ToWorker_CancelTask](b)); n != 0 {
			t.Fatalf("canceled with %d of 4 answers", i)
		}
		b.drained(d.Deploy)
	}
	b.want(graph.JobCancelling)
	b.all(canceled)
	b.want(graph.JobCanceled)
}

func TestADrainThatTakesTooLongEndsInCancellation(t *testing.T) {
	b := started(t, 0)
	b.m.Drain(b.now, time.Minute)
	b.take()
	if d := b.m.Deadline(); d.IsZero() || d.After(b.now.Add(time.Minute)) {
		t.Fatalf("the master looks again at %v, after the limit", d)
	}
	b.keepAlive(time.Minute)
	b.pass(0)
	b.want(graph.JobCancelling)
}

func TestADrainNeedNotWaitForFinishedTasks(t *testing.T) {
	b := started(t, 0)
	deployed := toWorkers[*message.ToWorker_Deploy](b)
	b.m.Drain(b.now, time.Minute)
	b.take()
	for _, d := range deployed[:3] {
		b.drained(d.Deploy)
	}
	b.state("a", b.current(1, 1).ID, finished)
	b.want(graph.JobCancelling)
}

func TestAFailureEndsADrain(t *testing.T) {
	b := started(t, 5)
	b.m.Drain(b.now, time.Minute)
	b.take()
	b.state("a", b.current(0, 0).ID, failed)
	b.want(graph.JobCancelling)
	b.all(canceled)
	b.want(graph.JobCanceled)
}
