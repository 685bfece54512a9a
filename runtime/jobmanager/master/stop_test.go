package master

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// twoRegions is a job of two regions with a coordinated source that takes checkpoints, all of it running: a region on "a", the other on "b".
func twoRegions(t *testing.T, restarts int, change func(*coordinator.Config)) *bench {
	job := sourceAndSinks(2, 2, graph.Forward)
	writer := snapshot.Writer{Epoch: 1, Leader: ident.Derive("leader")}
	ids := 0
	config := coordinator.Defaults(job, writer, func() ident.ID { ids++; return ident.Derive("id", string(rune('a'+ids))) })
	if change != nil {
		change(&config)
	}
	history, err := snapshot.Fold(nil)
	if err != nil {
		t.Fatal(err)
	}
	claim, err := history.NewClaim(writer, ident.Derive("claim"), snapshot.Start{})
	if err != nil {
		t.Fatal(err)
	}
	if err := history.Apply(claim); err != nil {
		t.Fatal(err)
	}
	decides, err := coordinator.New(config, history, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := newBenchWith(t, job, fixedDelay(t, restarts, time.Second), &Checkpoints{
		Coordinator: decides, Term: 1, Job: job, Location: func(path string) string { return path },
	})
	b.open("a", 1, 1)
	b.open("b", 1, 1)
	b.all(initializing)
	b.all(running)
	return b
}

// checkpoint has the enumerator and all subtasks give their parts, and all of it is stored.
func (b *bench) checkpoint(id uint64) {
	b.Helper()
	asked := toWorkers[*message.ToWorker_SnapshotCoordinator](b)
	if len(asked) == 0 || asked[len(asked)-1].SnapshotCoordinator.Checkpoint != id {
		b.Fatalf("no enumerator was asked for its state for checkpoint %d: %v", id, asked)
	}
	b.report("a", &message.FromWorker{Body: &message.FromWorker_CoordinatorSnapshot{CoordinatorSnapshot: &message.CoordinatorSnapshot{
		Coordinator: asked[len(asked)-1].SnapshotCoordinator.Coordinator, Checkpoint: id,
	}}})
	for _, v := range b.m.graph.Vertices() {
		for _, s := range v.Subtasks {
			b.report(s.Current().Location, &message.FromWorker{Body: &message.FromWorker_CheckpointAck{CheckpointAck: &message.CheckpointAck{
				Execution: message.NewExecutionID(s.Current().ID), Checkpoint: id,
			}}})
		}
	}
	b.store()
}

func (b *bench) stopWithSavepoint() {
	b.Helper()
	b.m.Checkpoint(b.now, coordinator.RequestSavepoint{Request: "stop", Directory: "d", Stop: true})
	b.take()
	b.checkpoint(1)
	if n := len(toWorkers[*message.ToWorker_CheckpointComplete](b)); n == 0 {
		b.Fatal("no subtask is told of the savepoint")
	}
}

// TestTaskManagersThatKnowTheEndAreNotMissed has the log of a job be slow to close: that the TaskManagers have nothing more to say is not their silence.
func TestTaskManagersThatKnowTheEndAreNotMissed(t *testing.T) {
	b := twoRegions(t, 0, nil)
	b.m.Cancel(b.now)
	b.take()
	b.all(canceled)
	b.want(graph.JobCanceled)
	for _, l := range b.ends {
		for _, f := range l.Due(b.now) {
			b.m.Receive(b.now, f)
		}
	}
	if n := len(b.m.executors); n > 0 {
		t.Errorf("%d TaskManagers are still listened to", n)
	}
	b.pass(time.Hour)
	if b.m.dismissed {
		t.Error("it is dismissed before its log is closed")
	}
}

// restarted passes the pause of a restart and checks that every subtask begins its next attempt, from a checkpoint.
func (b *bench) restarted(from uint64) {
	b.Helper()
	b.told = nil
	b.pass(time.Second)
	deployed := toWorkers[*message.ToWorker_Deploy](b)
	if len(deployed) != 4 {
		b.Errorf("%d of 4 subtasks are deployed again", len(deployed))
	}
	for _, d := range deployed {
		if d.Deploy.Restore.GetCheckpoint() != from {
			b.Errorf("a subtask goes on from %v", d.Deploy.Restore)
		}
	}
	b.want(graph.JobRunning)
	b.all(initializing)
	b.all(running)
}

func TestAStoppedJobIsAnsweredWhenItHasFinished(t *testing.T) {
	b := twoRegions(t, 0, nil)
	b.stopWithSavepoint()
	for i := range 2 {
		b.state("a", b.current(i, 0).ID, finished)
	}
	if len(b.answers) != 0 {
		t.Fatalf("answered while subtasks run: %v", b.answers)
	}
	for i := range 2 {
		b.state("b", b.current(i, 1).ID, finished)
	}
	b.want(graph.JobFinished)
	if len(b.answers) != 1 || b.answers[0].Failure != "" || !strings.HasPrefix(b.answers[0].Path, "d/savepoint-") {
		t.Errorf("answered: %v", b.answers)
	}
}

// TestAFailureAfterTheSavepointRestartsAll: regions that have ended because of the savepoint have ended in the middle of their input.
func TestAFailureAfterTheSavepointRestartsAll(t *testing.T) {
	for name, ended := range map[string]func(*bench){
		"before": func(b *bench) {},
		"after": func(b *bench) { // they were to be cancelled, and had finished just so
			for i := range 2 {
				b.state("b", b.current(i, 1).ID, finished)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := twoRegions(t, 1, nil)
			b.stopWithSavepoint()
			if name == "before" {
				for i := range 2 {
					b.state("b", b.current(i, 1).ID, finished)
				}
			}
			b.state("a", b.current(1, 0).ID, failed)
			ended(b)
			b.state("a", b.current(0, 0).ID, canceled)
			b.store()
			if len(b.answers) != 1 || !strings.Contains(b.answers[0].Failure, "d/savepoint-") {
				t.Errorf("answered: %v", b.answers)
			}
			b.restarted(1)
			b.m.Checkpoint(b.now, coordinator.RequestCheckpoint{Request: "again"})
			b.take()
			b.checkpoint(2)
			if last := b.answers[len(b.answers)-1]; last.Request != "again" || last.Failure != "" {
				t.Errorf("answered: %v", last)
			}
			b.all(finished)
			b.want(graph.JobFinished)
		})
	}
}

// TestAFailureBeforeTheSavepointRestartsAll once: it is one failure, whatever the savepoint comes to.
func TestAFailureBeforeTheSavepointRestartsAll(t *testing.T) {
	for _, drain := range []bool{false, true} {
		b := twoRegions(t, 1, nil)
		b.m.Checkpoint(b.now, coordinator.RequestSavepoint{Request: "stop", Directory: "d", Stop: true, Drain: drain})
		b.take()
		asked := toWorkers[*message.ToWorker_SnapshotCoordinator](b)
		b.report("a", &message.FromWorker{Body: &message.FromWorker_CoordinatorSnapshot{CoordinatorSnapshot: &message.CoordinatorSnapshot{
			Coordinator: asked[0].SnapshotCoordinator.Coordinator, Checkpoint: 1,
		}}})
		b.state("a", b.current(1, 0).ID, failed)
		b.all(canceled)
		if len(b.answers) != 1 || b.answers[0].Failure == "" {
			t.Errorf("drain %v: answered: %v", drain, b.answers)
		}
		b.restarted(0)
	}
}

// TestAStoppedJobThatIsNotRestarted says where its savepoint is.
func TestAStoppedJobThatIsNotRestarted(t *testing.T) {
	b := twoRegions(t, 0, nil)
	b.stopWithSavepoint()
	b.state("a", b.current(1, 0).ID, failed)
	b.all(canceled)
	b.want(graph.JobFailed)
	if len(b.answers) != 1 || !strings.Contains(b.answers[0].Failure, "d/savepoint-") {
		t.Errorf("answered: %v", b.answers)
	}
}
