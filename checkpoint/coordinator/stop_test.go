package coordinator

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

func TestStopWithSavepoint(t *testing.T) {
	b := newBench(t, nil)
	b.pass(10 * time.Second)
	b.want(first)
	b.event(RequestSavepoint{Request: "stop", Directory: "d", Stop: true, Drain: true})
	b.want("coordinators 2, trigger 2 SAVEPOINT stop drain, store 2, log complete 2, log told 2 release [1], notify 2 subsumed 1, delete 5")
	b.event(RequestCheckpoint{Request: "late"})
	b.pass(time.Hour)
	b.want("answer late: failed")
	b.event(End{graph.JobFinished})
	b.want("answer stop: 2, log end FINISHED release [2], clean 0, closed")
	if path := b.answers["stop"].Path; !strings.HasPrefix(path, "d/savepoint-") {
		t.Errorf("stopped with %q", path)
	}
	for f := range b.files {
		if !strings.HasPrefix(f.Root, "d/savepoint-") {
			t.Errorf("%v is left", f)
		}
	}
	if len(b.files) != 4 {
		t.Errorf("the savepoint has %d files", len(b.files))
	}
}

// TestWhatIsGoneStaysGone: the rest of what an attempt says that is being canceled comes late.
func TestWhatIsGoneStaysGone(t *testing.T) {
	b := newBench(t, nil)
	b.event(Gone{b.tasks[3].e})
	b.event(InputEnded{b.tasks[3].e})
	b.event(Running{b.tasks[3].e})
	b.event(Finished{b.tasks[3].e})
	b.pass(time.Minute)
	b.event(RequestCheckpoint{Request: "c"})
	b.want("answer c: failed")
	b.event(Restart{1})
	b.want("restore 0")
	b.pass(10 * time.Second)
	b.want(first)
}

// TestACoordinatorThatIsStartedAnew does not bring the job nearer to failure.
func TestACoordinatorThatIsStartedAnew(t *testing.T) {
	b := newBench(t, nil)
	b.show("coordinators")
	for n := ident.CheckpointID(1); n < 4; n++ {
		b.pass(10 * time.Second)
		b.event(CoordinatorState{Checkpoint: n, Operator: b.tasks[0].op, Failure: "it is not running", Harmless: true})
	}
	b.want("coordinators 1, abort 1, coordinators 2, abort 2, coordinators 3, abort 3")
}

// stopping asks b for a savepoint to stop with and holds back the named commands.
func (b *bench) stopping(drain bool, held ...string) {
	b.show(held...)
	b.event(RequestSavepoint{Request: "stop", Directory: "d", Stop: true, Drain: drain})
	b.show()
	b.shown = nil
}

// TestAFailureAfterTheSavepoint that a job stops with: all of it goes on from the savepoint, as if nobody had wanted to stop it.
func TestAFailureAfterTheSavepoint(t *testing.T) {
	b := newBench(t, nil)
	b.stopping(false)
	b.event(Gone{b.tasks[3].e})
	if !b.l.c.RestartsWhole() {
		t.Error("only the region that has failed would be restarted")
	}
	b.event(Restart{1})
	b.want("restore 1, answer stop: failed")
	if said := b.answers["stop"].Failure; !strings.Contains(said, "savepoint d/savepoint-") || !strings.Contains(said, "is complete") {
		t.Errorf("%q", said)
	}
	if b.l.c.RestartsWhole() {
		t.Error("a stop that is over has every restart be one of all subtasks")
	}
	b.pass(10 * time.Second)
	b.want("coordinators 2, trigger 2 FULL, store 2, log complete 2, log told 2 release [1], notify 2 subsumed 1")
	b.event(RequestSavepoint{Request: "again", Directory: "d", Stop: true})
	b.shown = nil
	b.event(End{graph.JobFinished})
	b.want("answer again: 3, log end FINISHED release [3], clean 0, closed")
}

// TestNothingFollowsTheSavepointOfAStop, not even what was asked for before and waits.
func TestNothingFollowsTheSavepointOfAStop(t *testing.T) {
	b := newBench(t, nil)
	b.show("store")
	b.event(RequestCheckpoint{Request: "c"})
	b.event(RequestCheckpoint{Request: "waits"})
	b.event(RequestSavepoint{Request: "stop", Directory: "d", Stop: true})
	b.show()
	b.shown = nil
	b.store(b.l, b.held[1].(Store))
	b.settle()
	b.want("log complete 2, abort 1, answer c: failed, log told 2 release [], notify 2 subsumed 0, answer waits: failed")
}

// TestAFailureWhileAJobStops: one that comes too late to give the savepoint up waits for it, and the job goes on from it.
func TestAFailureWhileAJobStops(t *testing.T) {
	for held, want := range map[string]string{
		"trigger": "abort 1, discard, answer stop: failed, restore 0",
		"log":     "log told 1 release [], notify 1 subsumed 0, restore 1, answer stop: failed",
	} {
		for _, drain := range []bool{false, true} {
			b := newBench(t, nil)
			b.stopping(drain, held)
			b.event(Gone{b.tasks[3].e})
			if !b.l.c.RestartsWhole() {
				t.Errorf("%s held: only the region that has failed would be restarted", held)
			}
			b.event(Restart{1})
			if held == "log" {
				b.append(b.l, b.held[0].(Append).Entry)
				b.settle()
			}
			b.want(want)
			b.pass(10 * time.Second)
			if latest := b.fold().Latest(); latest == nil || latest.Checkpoint != 2 {
				t.Errorf("%s held: the latest checkpoint is %v", held, latest)
			}
		}
	}
}

func TestAJobThatEndsOtherwiseWhileItStops(t *testing.T) {
	b := newBench(t, nil)
	b.stopping(false)
	b.event(End{graph.JobFailed})
	if said := b.answers["stop"].Failure; !strings.Contains(said, "savepoint d/savepoint-") || !strings.Contains(said, "the job is FAILED") {
		t.Errorf("%q", said)
	}
	b = newBench(t, nil)
	b.stopping(false)
	b.event(Lost{"the lease has expired"})
	b.want("answer stop: failed, fenced")
	b = newBench(t, nil)
	b.stopping(false, "log")
	b.event(End{graph.JobCanceled})
	b.append(b.l, b.held[0].(Append).Entry)
	b.settle()
	if said := b.answers["stop"].Failure; !strings.Contains(said, "the job is CANCELED") {
		t.Errorf("%q", said)
	}
}

func TestStopThatFails(t *testing.T) {
	for _, drain := range []bool{false, true} {
		b := newBench(t, func(c *Config) { c.Timeout = 5 * time.Second })
		b.show("trigger")
		b.event(RequestSavepoint{Request: "stop", Directory: "d", Stop: true, Drain: drain})
		b.event(RequestSavepoint{Request: "again", Directory: "d"})
		b.shown = nil
		b.show()
		b.pass(5 * time.Second)
		if want := "abort 1, discard, answer stop: failed"; !drain {
			b.want(want)
		} else {
			b.want(want + ", failjob, restore 0")
		}
		b.pass(10 * time.Second)
		b.want(strings.NewReplacer(" 1", " 2").Replace(first))
	}
}
