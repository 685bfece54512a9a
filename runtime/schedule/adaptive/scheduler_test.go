package adaptive

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/schedule"
)

var begin = time.UnixMilli(1_000_000)

// bench is a job of one vertex, of up to 4 subtasks, under a Scheduler.
type bench struct {
	*testing.T
	s     *Scheduler
	now   time.Time
	facts Facts
	// done are the commands, as one word each.
	done []string
}

func newBench(t *testing.T, change func(*Config)) *bench {
	op := &graph.ChainedOperator{ID: ident.Derive("v"), Name: "v"}
	v := &graph.JobVertex{ID: op.ID, Name: "v", Parallelism: 4, MaxParallelism: 8, SlotSharingGroup: "default", Operators: []*graph.ChainedOperator{op}}
	job := &graph.JobGraph{ID: ident.Derive("job"), Vertices: []*graph.JobVertex{v}}
	n := 0
	c := Config{
		Job: job, Requirements: schedule.RequirementsOf(job, false), SubmissionWait: 5 * time.Minute, SubmissionStabilization: 10 * time.Second,
		Cooldown: 30 * time.Second, Stabilization: time.Minute, Checkpoints: true, MaxDelay: 20 * time.Second, CheckpointFailures: 2, History: 3,
		NewID: func() ident.ID { n++; return ident.Derive(fmt.Sprint(n)) },
	}
	if change != nil {
		change(&c)
	}
	b := &bench{T: t, now: begin, facts: Facts{State: graph.JobCreated}}
	b.s = New(c, b.now)
	b.step()
	return b
}

// step does what the scheduler says, as a master would.
func (b *bench) step() {
	b.Helper()
	for {
		commands := b.s.Step(b.now, b.facts)
		if len(commands) == 0 {
			return
		}
		for _, c := range commands {
			switch c := c.(type) {
			case Deploy:
				n := c.Parallelism[ident.Derive("v")]
				if n > b.facts.Slots {
					b.Fatalf("deployed with %d of %d slots", n, b.facts.Slots)
				}
				b.done = append(b.done, fmt.Sprintf("deploy %d", n))
				b.facts.State, b.facts.Stopped, b.facts.Running = graph.JobRunning, false, false
			case Restart:
				b.done = append(b.done, "restart")
				b.facts.State, b.facts.Running = graph.JobRestarting, false
			case GiveUp:
				b.done = append(b.done, fmt.Sprintf("give up %d", c.Least))
			}
		}
	}
}

func (b *bench) slots(n int) {
	b.Helper()
	b.facts.Slots = n
	b.step()
}

func (b *bench) pass(d time.Duration) {
	b.Helper()
	for end := b.now.Add(d); ; {
		at := b.s.Deadline(b.facts.Slots)
		if at.IsZero() || at.After(end) {
			b.now = end
			b.step()
			return
		}
		if at.After(b.now) {
			b.now = at
		}
		b.step()
		if again := b.s.Deadline(b.facts.Slots); !again.IsZero() && !again.After(b.now) {
			b.Fatalf("%s: it is %v past its deadline, and wants to be called again", b.s.State(), b.now.Sub(again))
		}
	}
}

func (b *bench) run()  { b.facts.Running = true; b.step() }
func (b *bench) stop() { b.facts.Stopped = true; b.step() }
func (b *bench) fail() {
	b.facts.State, b.facts.Running, b.facts.Failure = graph.JobRestarting, false, "why"
	b.step()
}

// want compares what was done since the last call.
func (b *bench) want(state State, done ...string) {
	b.Helper()
	if b.s.State() != state || !slices.Equal(b.done, done) {
		b.Fatalf("it is %s and has done %q, want %s and %q", b.s.State(), b.done, state, done)
	}
	b.done = nil
}

func (b *bench) checkpoint(completed bool) {
	b.Helper()
	b.s.Checkpointed(completed)
	b.step()
}

func TestAJobStartsWithWhatItWishesAtOnce(t *testing.T) {
	b := newBench(t, nil)
	b.slots(3)
	b.want(WaitingForResources)
	b.slots(4)
	b.want(Executing, "deploy 4")
}

func TestAJobStartsWithLessWhenNoMoreComes(t *testing.T) {
	b := newBench(t, nil)
	b.pass(time.Minute)
	b.slots(2)
	b.pass(5 * time.Second)
	b.slots(3)
	b.pass(4 * time.Second)
	b.want(WaitingForResources)
	b.pass(time.Second)
	b.want(Executing, "deploy 3")
}

func TestAJobGivesUpWhenTheLeastDoesNotCome(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Requirements[ident.Derive("v")] = schedule.Bounds{Lower: 3, Upper: 4} })
	b.slots(2)
	b.pass(5*time.Minute - time.Second)
	b.want(WaitingForResources)
	b.pass(time.Second)
	b.want(WaitingForResources, "give up 3")
	b.facts.State = graph.JobFailing
	b.step()
	b.facts.State = graph.JobFailed
	b.step()
	if h := b.s.History(); h.Counts[Failed] != 1 || h.Latest[Failed].Reason != ExceptionOccurred || h.InProgress != 0 {
		t.Errorf("%+v", h)
	}
	patient := newBench(t, func(c *Config) { c.SubmissionWait = -1 })
	patient.pass(time.Hour)
	patient.want(WaitingForResources)
}

func started(t *testing.T, slots int, change func(*Config)) *bench {
	b := newBench(t, change)
	b.slots(slots)
	b.pass(10 * time.Second)
	b.run()
	b.done = nil
	return b
}

func TestItScalesUpAfterTheCooldownAndACheckpoint(t *testing.T) {
	b := started(t, 2, nil)
	b.slots(4)
	b.checkpoint(true)
	b.want(Executing) // it came too early
	b.pass(31 * time.Second)
	b.want(Executing)
	b.checkpoint(true)
	b.want(Restarting, "restart")
	b.stop()
	b.want(Executing, "deploy 4")
	b.run()
	h := b.s.History()
	if r := h.Rescales[0]; len(h.Rescales) != 2 || r.Trigger != NewResourceAvailable || r.Reason != Succeeded || r.Vertices[0].Before != 2 || r.Vertices[0].After != 4 || r.Slots[0].After != 4 {
		t.Errorf("%+v", r)
	}
	if b.s.Rescales() != 1 {
		t.Errorf("%d rescales", b.s.Rescales())
	}
}

func TestItTakesLessThanItWishesOnlyWhenThatStays(t *testing.T) {
	b := started(t, 2, nil)
	b.pass(time.Minute)
	b.slots(3)
	b.pass(59 * time.Second)
	b.checkpoint(true)
	b.want(Executing)
	b.pass(time.Second)
	b.want(Executing) // for a checkpoint
	b.pass(19 * time.Second)
	b.want(Executing)
	b.pass(time.Second)
	b.want(Restarting, "restart")
}

func TestWhatHasGoneAgainChangesNothing(t *testing.T) {
	b := started(t, 2, nil)
	b.slots(3)
	b.slots(2)
	b.pass(time.Hour)
	b.want(Executing)
	if h := b.s.History(); h.Counts[Ignored] != 1 || h.Latest[Ignored].Reason != NoChange || h.InProgress != 0 {
		t.Errorf("%+v", h)
	}
}

func TestCheckpointsThatFailHoldUpNothingForLong(t *testing.T) {
	b := started(t, 2, nil)
	b.pass(time.Minute)
	b.slots(4)
	b.checkpoint(false)
	b.want(Executing)
	b.checkpoint(false)
	b.want(Restarting, "restart")
	without := started(t, 2, func(c *Config) { c.Checkpoints = false })
	without.pass(time.Minute)
	without.slots(4)
	without.want(Restarting, "restart")
}

func TestItGoesOnWithLessAfterALoss(t *testing.T) {
	b := started(t, 4, nil)
	b.facts.Slots = 2
	b.fail()
	b.want(Restarting)
	b.stop()
	b.want(WaitingForResources)
	b.pass(9 * time.Second)
	b.want(WaitingForResources)
	b.pass(time.Second)
	b.want(Executing, "deploy 2")
	b.run()
	if h := b.s.History(); h.Rescales[0].Trigger != RecoverableFailover || h.Rescales[0].Outcome != Completed || len(h.Rescales[0].States) == 0 {
		t.Errorf("%+v", h.Rescales[0])
	}
}

func TestAFailureWithAllSlotsThereWaitsForNothing(t *testing.T) {
	b := started(t, 2, nil)
	b.fail()
	b.stop()
	b.want(Executing, "deploy 2")
	if b.s.Rescales() != 0 {
		t.Error("it counts as a rescale")
	}
}

func TestRequirements(t *testing.T) {
	v := ident.Derive("v")
	t.Run("fewer", func(t *testing.T) {
		b := started(t, 4, nil)
		b.pass(time.Minute)
		b.s.Require(b.now, schedule.Requirements{v: {Lower: 1, Upper: 2}})
		b.step()
		b.checkpoint(true)
		b.stop()
		b.want(Executing, "restart", "deploy 2")
		if _, desired := b.s.Need(); desired != 2 {
			t.Errorf("it wishes %d slots", desired)
		}
	})
	t.Run("more than there are", func(t *testing.T) {
		b := started(t, 4, nil)
		b.pass(time.Minute)
		b.s.Require(b.now, schedule.Requirements{v: {Lower: 6, Upper: 8}})
		b.step()
		b.pass(2 * time.Minute)
		b.want(Executing)
		if h := b.s.History(); h.Latest[Ignored] == nil || h.Latest[Ignored].Trigger != UpdateRequirement || h.Latest[Ignored].Reason != NoChange {
			t.Errorf("%+v", h)
		}
		b.slots(8)
		b.checkpoint(true)
		b.stop()
		b.want(Executing, "restart", "deploy 8")
	})
	t.Run("the same", func(t *testing.T) {
		b := started(t, 4, nil)
		b.s.Require(b.now, schedule.Requirements{v: {Lower: 1, Upper: 4}})
		if b.s.History().InProgress != 0 {
			t.Error("it has begun something")
		}
	})
	t.Run("others meanwhile", func(t *testing.T) {
		b := started(t, 4, nil)
		b.s.Require(b.now, schedule.Requirements{v: {Lower: 1, Upper: 2}})
		b.s.Require(b.now, schedule.Requirements{v: {Lower: 1, Upper: 3}})
		h := b.s.History()
		if h.Counts[Ignored] != 1 || h.Rescales[1].Reason != RequirementsUpdated || h.Rescales[0].Requirements == h.Rescales[1].Requirements || h.Rescales[0].Attempt != 1 {
			t.Errorf("%+v", h.Rescales)
		}
	})
}

func TestAJobThatIsStoppedIsNotRescaled(t *testing.T) {
	b := started(t, 2, nil)
	b.pass(time.Minute)
	b.facts.Stopping = true
	b.slots(4)
	b.checkpoint(true)
	b.pass(time.Hour)
	b.want(StopWithSavepoint)
	b.facts.Stopping = false
	b.step()
	b.pass(31 * time.Second)
	b.checkpoint(true)
	b.want(Restarting, "restart")
}

func TestTheEndIsTheEnd(t *testing.T) {
	for end, reason := range map[graph.JobState]Reason{graph.JobFinished: JobFinished, graph.JobCanceled: JobCanceled, graph.JobFailed: JobFailed} {
		b := newBench(t, nil)
		b.slots(4)
		b.facts.State = end
		b.step()
		b.slots(8)
		b.s.Require(b.now, schedule.Requirements{ident.Derive("v"): {Lower: 1, Upper: 2}})
		b.pass(time.Hour)
		if h := b.s.History(); b.s.State() != Finished || h.Rescales[0].Reason != reason || len(h.Rescales) != 1 {
			t.Errorf("%s: %s, %+v", end, b.s.State(), h.Rescales[0])
		}
	}
}

func TestTheHistoryIsBounded(t *testing.T) {
	b := started(t, 2, nil)
	for range 10 {
		b.fail()
		b.stop()
		b.run()
	}
	h := b.s.History()
	if len(h.Rescales) != 3 || h.Counts[Completed] != 11 {
		t.Errorf("%d are kept, counts %v", len(h.Rescales), h.Counts)
	}
	if id := h.Rescales[0].ID; len(id) != 36 || strings.Count(id, "-") != 4 {
		t.Errorf("%q is no UUID", id)
	}
}
