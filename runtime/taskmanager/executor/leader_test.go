package executor

import (
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/message"
)

// TestALaterLeaderEndsTheWorkOfTheEarlierOne: its worker is closed, its slots are free, and the next one is registered with.
func TestALaterLeaderEndsTheWorkOfTheEarlierOne(t *testing.T) {
	b := newBench(t, 2, true)
	b.connect()
	b.toWorker(deploy(0))
	b.done = nil
	next := &message.Address{Id: "rm of the next"}
	b.x.Receive(b.now, &message.Leader{LeaderEpoch: epoch - 1, ResourceManager: next})
	b.x.Receive(b.now, &message.Leader{LeaderEpoch: epoch, ResourceManager: next})
	b.take()
	if len(b.done) != 0 || b.x.Given() != 1 {
		t.Fatalf("an earlier leader, or the same one, led to %v", b.done)
	}
	b.sent = nil
	b.x.Receive(b.now, &message.Leader{LeaderEpoch: epoch + 1, ResourceManager: next})
	b.take()
	if len(b.done) != 1 || b.done[0] != (Close{Job: theJob}) || b.x.Given() != 0 {
		t.Errorf("%d slots are given, and done is %v", b.x.Given(), b.done)
	}
	registered := false
	for _, e := range b.sent {
		if r, ok := e.Body.(*message.RegisterTaskExecutor); ok && e.To == next && r.LeaderEpoch == epoch+1 && len(r.Occupied) == 0 {
			registered = true
		}
	}
	if !registered {
		t.Errorf("sent is %v", b.sent)
	}
	stale := b.x.Stale()
	b.toWorker(deploy(1))
	if b.x.Stale() == stale || len(b.done) != 1 {
		t.Errorf("the earlier leader's deployment led to %v", b.done)
	}
}

// TestWhoeverLeadsIsAskedForUntilItAnswers, and again when it falls silent.
func TestWhoeverLeadsIsAskedForUntilItAnswers(t *testing.T) {
	registrar := &message.Address{Id: "jobmanager"}
	x := New(Config{ID: "tm", Address: self, Slots: 1, Timing: timing, Registrar: registrar, CanKill: true}, begin)
	now := begin
	asked := func() (finds, registers int) {
		for _, c := range x.Take() {
			s, ok := c.(Send)
			if !ok {
				continue
			}
			switch s.Body.(type) {
			case *message.FindLeader:
				finds++
			case *message.RegisterTaskExecutor:
				registers++
			}
		}
		return finds, registers
	}
	for range 3 {
		x.Tick(now)
		if finds, registers := asked(); finds != 1 || registers != 0 {
			t.Fatalf("asked for %d times, registered %d times", finds, registers)
		}
		now = x.Deadline()
	}
	x.Receive(now, &message.Leader{LeaderEpoch: 9, ResourceManager: manager})
	if _, registers := asked(); registers != 1 {
		t.Fatalf("registered %d times", registers)
	}
	x.Receive(now, &message.TaskExecutorRegistered{LeaderEpoch: 9, Id: "tm", Slots: 1})
	asked()
	for heard := now; now.Sub(heard) < timing.Timeout; now = now.Add(time.Second) {
		x.Tick(now)
	}
	asked()
	x.Tick(now)
	if finds, _ := asked(); finds != 1 {
		t.Errorf("after silence the leader was asked for %d times", finds)
	}
}

// TestAnotherRunIsFollowedWhateverItsEpoch: the clock of the JobManager's machine was set back before it was started again.
func TestAnotherRunIsFollowedWhateverItsEpoch(t *testing.T) {
	b := newBench(t, 2, true)
	b.x.Receive(b.now, &message.Leader{LeaderEpoch: epoch + 5, Cluster: "first", ResourceManager: &message.Address{Id: "first"}})
	b.x.Receive(b.now, &message.TaskExecutorRegistered{LeaderEpoch: epoch + 5, Id: b.x.config.ID, Slots: 2})
	second := &message.Address{Id: "second"}
	other := &message.Leader{LeaderEpoch: epoch + 1, Cluster: "second", ResourceManager: second}
	b.x.Receive(b.now, other)
	if b.x.epoch != epoch+5 {
		t.Fatal("it has left a leader that is there")
	}
	b.x.Gone(b.now, (&message.Address{Id: "first"}).Key())
	b.x.Receive(b.now, &message.Leader{LeaderEpoch: epoch, Cluster: "first", ResourceManager: &message.Address{Id: "first"}})
	if b.x.epoch != epoch+5 {
		t.Fatal("it follows an earlier leader of the same run")
	}
	b.x.Receive(b.now, other)
	b.x.Receive(b.now, other)
	if b.x.epoch != epoch+1 || b.x.manager != second {
		t.Errorf("it follows %v in epoch %d", b.x.manager, b.x.epoch)
	}
}
