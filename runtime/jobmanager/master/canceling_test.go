package master

import (
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/message"
)

// TestNoCheckpointBeginsWhileSubtasksAreCanceled, however long that takes: it could not but fail, and count as a failure.
func TestNoCheckpointBeginsWhileSubtasksAreCanceled(t *testing.T) {
	b := twoRegions(t, 1, func(c *coordinator.Config) { c.Interval = 10 * time.Second })
	b.report("a", &message.FromWorker{Body: &message.FromWorker_CoordinatorFailed{CoordinatorFailed: &message.CoordinatorFailed{
		Operator: message.IDBytes(b.current(0, 0).ID.Vertex), Failure: &message.Failure{Message: "no folder"},
	}}})
	b.want(graph.JobRestarting)
	b.told = nil
	b.keepAlive(time.Minute)
	if asked := toWorkers[*message.ToWorker_SnapshotCoordinator](b); len(asked) != 0 {
		t.Errorf("the states of enumerators are asked for: %v", asked)
	}
	b.m.Checkpoint(b.now, coordinator.RequestCheckpoint{Request: "c"})
	b.take()
	if len(b.answers) != 1 || b.answers[0].Failure == "" {
		t.Errorf("answered: %v", b.answers)
	}
	b.want(graph.JobRestarting)
	b.all(canceled)
	if again := toWorkers[*message.ToWorker_Deploy](b); len(again) != 4 {
		t.Fatalf("%d of 4 subtasks are deployed again", len(again))
	}
	b.all(initializing)
	b.all(running)
	b.keepAlive(10 * time.Second)
	b.checkpoint(1)
}
