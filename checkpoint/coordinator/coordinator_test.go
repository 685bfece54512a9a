package coordinator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// bench is a world in which all goes well and in order, save what a test holds back.
type bench struct {
	*world
	l *simLeader
	// shown are the commands since the last call of want, in short.
	shown []string
}

func newBench(t *testing.T, config func(*Config)) *bench {
	b := &bench{}
	b.world = newWorld(t, nil, func(c *Config) {
		c.Interval = 10 * time.Second
		if config != nil {
			config(c)
		}
	})
	b.show()
	b.l = b.lead()
	b.settle()
	b.want("")
	return b
}

// show notes all commands and holds back those whose name is given.
func (b *bench) show(held ...string) {
	b.hold = func(c Command) bool {
		text := short(c)
		b.shown = append(b.shown, text)
		name, _, _ := strings.Cut(text, " ")
		return slices.Contains(held, name)
	}
}

func short(c Command) string {
	switch c := c.(type) {
	case SnapshotCoordinators:
		return fmt.Sprintf("coordinators %d", c.Checkpoint)
	case Trigger:
		text := fmt.Sprintf("trigger %d %s", c.Checkpoint, c.Kind)
		if c.Stop {
			text += " stop"
		}
		if c.Drain {
			text += " drain"
		}
		return text
	case Abort:
		return fmt.Sprintf("abort %d", c.Checkpoint)
	case Store:
		return fmt.Sprintf("store %d", c.Checkpoint)
	case Append:
		switch body := c.Entry.Body.(type) {
		case *snapshot.LogEntry_Complete:
			return fmt.Sprintf("log complete %d", body.Complete.Checkpoint)
		case *snapshot.LogEntry_Release:
			return fmt.Sprintf("log told %d release %v", body.Release.Told, body.Release.Checkpoints)
		case *snapshot.LogEntry_End:
			return fmt.Sprintf("log end %s release %v", body.End.State, body.End.Checkpoints)
		}
		return "log claim"
	case Notify:
		return fmt.Sprintf("notify %d subsumed %d", c.Checkpoint, c.Subsumed)
	case Delete:
		return fmt.Sprintf("delete %d", len(c.Files))
	case Clean:
		return fmt.Sprintf("clean %d", len(c.Kept))
	case Restore:
		return fmt.Sprintf("restore %d", c.From.GetCheckpoint())
	case Answer:
		if c.Failure != "" {
			return "answer " + c.Request + ": failed"
		}
		return fmt.Sprintf("answer %s: %d", c.Request, c.Checkpoint)
	}
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", c), "coordinator."))
}

// want compares what has come since it was called last.
func (b *bench) want(want string) {
	b.Helper()
	if got := strings.Join(b.shown, ", "); got != want {
		b.Errorf("got  %s\nwant %s", got, want)
	}
	b.shown = nil
}

func (b *bench) event(e Event) { b.step(b.l, e); b.settle() }

// each has an event of every attempt of a vertex.
func (b *bench) each(vertex string, event func(ident.ExecutionID) Event) {
	for _, t := range b.tasks {
		if t.e.Vertex == ident.Derive(vertex) {
			e := event(t.e)
			if _, over := e.(Finished); over {
				t.finished = true
			}
			b.event(e)
		}
	}
}

func inputEnded(e ident.ExecutionID) Event { return InputEnded{e} }
func isFinished(e ident.ExecutionID) Event { return Finished{e} }

const (
	first  = "coordinators 1, trigger 1 CHECKPOINT, store 1, log complete 1, log told 1 release [], notify 1 subsumed 0"
	second = "coordinators 2, trigger 2 CHECKPOINT, store 2, log complete 2, log told 2 release [1], notify 2 subsumed 1, delete 1"
)

func TestPeriodicCheckpoints(t *testing.T) {
	b := newBench(t, nil)
	b.pass(9 * time.Second)
	b.want("")
	b.pass(time.Second)
	b.want(first)
	b.pass(10 * time.Second)
	b.want(second) // the metadata alone: the tables are still in use
	if h := b.fold(); len(h.Retained) != 1 || h.Latest().Checkpoint != 2 || !h.Latest().Told {
		t.Errorf("%+v", h)
	}
	b.pass(100 * time.Second)
	if h := b.fold(); len(h.Released) != 1 { // what was deleted is mentioned by the entry after the next
		t.Errorf("the log remembers the files of %d releases", len(h.Released))
	}
}

func TestTheLogStaysShort(t *testing.T) {
	b := newBench(t, func(c *Config) { c.LogLength = 6 })
	b.pass(500 * time.Second)
	if h := b.fold(); len(b.log) > 8 || h.Next < 100 || h.Latest().Checkpoint != 50 {
		t.Errorf("%d slots up to %d, the latest checkpoint is %v", len(b.log), h.Next, h.Latest())
	}
	b.l.over = true
	b.lead()
	b.pass(10 * time.Second)
	if h := b.fold(); h.Latest().Checkpoint != 51 {
		t.Errorf("the next leader has %v", h.Latest())
	}
}

// TestFilesOfOneInFlightStay: even if a checkpoint goes back to tables that the last one did without.
func TestFilesOfOneInFlightStay(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxConcurrent = 2 })
	b.pass(10 * time.Second)
	b.show("store")
	var chains [][]*snapshot.Table
	for _, task := range b.tasks {
		chains = append(chains, task.chain)
		task.chain = nil
	}
	b.pass(10 * time.Second)
	for i, task := range b.tasks {
		task.chain = chains[i]
	}
	b.pass(10 * time.Second)
	b.show()
	for _, c := range b.held {
		b.store(b.l, c.(Store))
		b.settle()
	}
	if latest := b.fold().Latest(); latest.Checkpoint != 3 {
		t.Errorf("the latest checkpoint is %v", latest)
	}
	b.read(b.fold().Latest())
}

func TestRescaling(t *testing.T) {
	b := newBench(t, nil)
	b.show("trigger")
	b.pass(10 * time.Second)
	b.event(Restart{1})
	b.want("coordinators 1, trigger 1 CHECKPOINT, abort 1, restore 0")
	b.event(Rescaled{wordCount(1)})
	b.pass(time.Hour)
	b.want("")
	b.show()
	b.tasks = []*simTask{b.tasks[0], b.tasks[2]}
	for _, task := range b.tasks {
		task.e.Attempt++
		b.event(Deployed{task.e})
		b.event(Running{task.e})
	}
	b.pass(10 * time.Second)
	b.want(strings.NewReplacer(" 1", " 2").Replace(first))
}

func TestLeadershipLost(t *testing.T) {
	b := newBench(t, nil)
	b.show("trigger")
	b.event(RequestCheckpoint{Request: "c"})
	b.event(RequestCheckpoint{Request: "d"})
	b.event(Lost{"the lease has expired"})
	b.want("coordinators 1, trigger 1 CHECKPOINT, answer c: failed, answer d: failed, fenced")
}

func TestNewRefuses(t *testing.T) {
	config := Defaults(wordCount(1), snapshot.Writer{}, ident.NewID)
	h := &snapshot.History{Retained: []*snapshot.Completed{{Checkpoint: 3, Path: "chk-3", Owned: true}}, NextCheckpoint: 4}
	if _, err := New(config, h, nil); err == nil || !strings.Contains(err.Error(), "chk-3") {
		t.Errorf("files that nobody knows: %v", err)
	}
	for key, change := range map[string]func(*Config){
		"interval": func(c *Config) { c.Interval = -1 }, "min-pause": func(c *Config) { c.MinPause = -1 }, "timeout": func(c *Config) { c.Timeout = 0 },
		"max-concurrent-checkpoints": func(c *Config) { c.MaxConcurrent = 0 }, "num-retained": func(c *Config) { c.Retained = 0 },
		"tolerable-failed-checkpoints": func(c *Config) { c.TolerableFailed = -1 },
	} {
		spoilt := config
		change(&spoilt)
		if _, err := New(spoilt, &snapshot.History{}, nil); err == nil || !strings.Contains(err.Error(), "execution.checkpointing."+key+":") {
			t.Errorf("%s: %v", key, err)
		}
	}
	if r, err := ParseRetention("retain_on_cancellation"); err != nil || r != RetainOnCancellation {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := ParseRetention("keep"); err == nil {
		t.Error("a retention that there is not")
	}
}

func TestOnlySourcesAreTriggered(t *testing.T) {
	b := newBench(t, nil)
	var trigger Trigger
	b.hold = func(c Command) bool { trigger, _ = c.(Trigger); return trigger.Checkpoint > 0 }
	b.pass(10 * time.Second)
	if len(trigger.Tasks) != 2 || trigger.Tasks[0].Vertex != ident.Derive("source") || !trigger.ExactlyOnce || trigger.Folder != "chk-1" || trigger.Millis != 1_010_000 {
		t.Errorf("%+v", trigger)
	}
}

func TestTheIntervalIsNoShorterThanThePause(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MinPause = 30 * time.Second })
	b.show("store")
	b.pass(30 * time.Second)
	b.want("coordinators 1, trigger 1 CHECKPOINT, store 1")
	b.pass(20 * time.Second)
	b.show()
	b.store(b.l, b.held[0].(Store))
	b.settle()
	b.want("log complete 1, log told 1 release [], notify 1 subsumed 0")
	b.pass(30*time.Second - 1)
	b.want("")
	b.pass(1)
	b.want(second)
}

func TestAtMostSoManyAreInFlight(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxConcurrent = 2 })
	b.show("store")
	b.pass(50 * time.Second)
	b.want("coordinators 1, trigger 1 CHECKPOINT, store 1, coordinators 2, trigger 2 CHECKPOINT, store 2")
	b.store(b.l, b.held[1].(Store)) // the newer one completes first, so the older one is of no use; room for two is there at once
	b.settle()
	b.want("log complete 2, abort 1, log told 2 release [], coordinators 3, trigger 3 CHECKPOINT, notify 2 subsumed 0, store 3")
}

func TestWaitingForCoordinatorsOneAtATime(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxConcurrent = 3 })
	b.show("coordinators")
	b.pass(25 * time.Second)
	b.event(RequestSavepoint{Request: "s", Directory: "d"})
	b.want("coordinators 1")
	b.event(CoordinatorState{Checkpoint: 1, Operator: ident.Derive("source"), State: nil})
	b.event(CoordinatorState{Checkpoint: 1, Operator: ident.Derive("source"), State: nil})
	b.want("trigger 1 CHECKPOINT, coordinators 2, store 1, log complete 1, log told 1 release [], notify 1 subsumed 0")
	b.event(CoordinatorState{Checkpoint: 2, Operator: ident.Derive("source"), Failure: "broken"})
	b.want("abort 2, discard, answer s: failed, coordinators 3")
}

func TestFailuresInARow(t *testing.T) {
	b := newBench(t, func(c *Config) { c.TolerableFailed, c.Timeout = 1, 5*time.Second })
	b.show("trigger")
	b.pass(15 * time.Second)
	b.want("coordinators 1, trigger 1 CHECKPOINT, abort 1")
	if o := b.l.c.Overview(); !strings.Contains(o.LatestFailed.Failure, "4 subtasks have not answered, the first of them subtask 0 of source") {
		t.Errorf("%q", o.LatestFailed.Failure)
	}
	b.pass(5 * time.Second)
	b.event(Decline{Checkpoint: 2, Execution: b.tasks[2].e, Reason: "overtaken", Harmless: true})
	b.want("coordinators 2, trigger 2 CHECKPOINT, abort 2")
	b.show()
	b.pass(10 * time.Second)
	b.want("coordinators 3, trigger 3 CHECKPOINT, store 3, log complete 3, log told 3 release [], notify 3 subsumed 0")
	b.show("trigger")
	for range 2 {
		b.event(RequestSavepoint{Request: fmt.Sprint(b.ids), Directory: "d"})
		b.pass(5 * time.Second) // savepoints do not count
	}
	b.shown = nil
	b.pass(15 * time.Second)
	b.want("abort 6, coordinators 7, trigger 7 CHECKPOINT, abort 7, failjob, restore 3") // the success before has begun the row anew
}

func TestStaleAnswersAreRefused(t *testing.T) {
	b := newBench(t, nil)
	b.show("trigger")
	b.pass(10 * time.Second)
	old := b.tasks[0].e
	ack := b.snapshot(b.l, b.tasks[0], b.held[0].(Trigger))
	b.event(Restart{7})
	b.want("coordinators 1, trigger 1 CHECKPOINT, abort 1, restore 0")
	b.pass(10 * time.Second)
	b.want("coordinators 2, trigger 2 CHECKPOINT")
	refused := b.l.c.Refused()
	ack.Checkpoint = 2
	for _, e := range []Event{ack, Decline{Checkpoint: 2, Execution: old}, Running{old}, Gone{old}, Deployed{old}, Stored{Checkpoint: 2}, LogAnswered{Slot: 1}} {
		b.event(e)
	}
	b.want("")
	if got := b.l.c.Refused() - refused; got != 7 {
		t.Errorf("%d of 7 were refused", got)
	}
}

func TestSavepoints(t *testing.T) {
	b := newBench(t, nil)
	b.show("store")
	b.pass(10 * time.Second)
	b.want("coordinators 1, trigger 1 CHECKPOINT, store 1")
	b.event(RequestSavepoint{Request: "none"})
	b.event(RequestSavepoint{Request: "s", Directory: "s3://b/s/"})
	b.want("answer none: failed, coordinators 2, trigger 2 SAVEPOINT, store 2")
	b.show()
	b.store(b.l, b.held[1].(Store))
	b.settle()
	b.want("log complete 2, answer s: 2") // nobody is told, and the job does not go on from it
	path := b.answers["s"].Path
	if !strings.HasPrefix(path, "s3://b/s/savepoint-") || !snapshot.IsSavepointFolder(path) || len(b.fold().Retained) != 0 {
		t.Errorf("%q, %v", path, b.fold().Retained)
	}
	b.event(RequestCheckpoint{Request: "c", Full: true})
	b.want("")
	b.store(b.l, b.held[0].(Store))
	b.settle()
	b.want("log complete 1, log told 1 release [], coordinators 3, trigger 3 FULL, notify 1 subsumed 0, store 3, log complete 3, log told 3 release [1], " +
		"notify 3 subsumed 1, answer c: 3, delete 5")
	b.event(Gone{b.tasks[0].e})
	b.event(RequestSavepoint{Request: "t", Directory: "d"})
	if !strings.Contains(b.answers["t"].Failure, "not all subtasks of the job are running") {
		t.Errorf("%q", b.answers["t"].Failure)
	}
}

func TestLastCheckpointOfABoundedJob(t *testing.T) {
	b := newBench(t, nil)
	b.each("source", inputEnded)
	b.want("")
	b.each("count", inputEnded)
	b.want(first)
	b.each("source", isFinished)
	b.pass(10 * time.Second)
	var metadata *snapshot.Metadata
	b.want("coordinators 2, trigger 2 CHECKPOINT, store 2, log complete 2, log told 2 release [1], notify 2 subsumed 1, delete 3")
	for _, r := range b.fold().Retained {
		metadata, _ = b.read(r)
	}
	for i, finished := range []bool{true, false} {
		for _, s := range metadata.Operators[i].Subtasks {
			if s.Finished != finished {
				t.Errorf("subtask %d of %s: finished %v", s.Subtask, metadata.Operators[i].Name, s.Finished)
			}
		}
	}
	b.each("count", isFinished)
	b.pass(time.Minute)
	b.want("")
}

// TestALastCheckpointThatFails is tried again soon, however long the interval.
func TestALastCheckpointThatFails(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Interval, c.TolerableFailed = time.Hour, 9 })
	b.show("trigger")
	b.each("source", inputEnded)
	b.each("count", inputEnded)
	b.event(Decline{Checkpoint: 1, Execution: b.tasks[0].e, Reason: "no disk"})
	b.want("coordinators 1, trigger 1 CHECKPOINT, abort 1")
	b.show()
	b.pass(time.Second)
	b.want(strings.NewReplacer(" 1", " 2").Replace(first))
}

// TestInputThatEndsDuringACheckpoint: a source that ended before it was triggered has no place for a barrier in its channels, so
// those behind it are triggered too.
func TestInputThatEndsDuringACheckpoint(t *testing.T) {
	b := newBench(t, nil)
	var triggers []Trigger
	b.hold = func(c Command) bool {
		trigger, ok := c.(Trigger)
		if ok {
			triggers = append(triggers, trigger)
		}
		return ok
	}
	b.pass(10 * time.Second)
	b.event(InputEnded{b.tasks[0].e})
	if len(triggers) != 1 {
		t.Errorf("%v", triggers)
	}
	b.event(InputEnded{b.tasks[1].e})
	b.event(InputEnded{b.tasks[2].e})
	if len(triggers) != 2 || triggers[1].Checkpoint != 1 || fmt.Sprint(triggers[1].Tasks) != fmt.Sprint([]ident.ExecutionID{b.tasks[2].e, b.tasks[3].e}) {
		t.Errorf("%v", triggers)
	}
}

func TestATaskThatFinishesBeforeItsPart(t *testing.T) {
	b := newBench(t, nil)
	b.show("trigger")
	b.pass(10 * time.Second)
	b.each("source", isFinished)
	b.want("coordinators 1, trigger 1 CHECKPOINT, abort 1")
	b.show()
	b.held = nil
	b.pass(10 * time.Second)
	b.want(strings.NewReplacer(" 1", " 2").Replace(first))
	b = newBench(t, func(c *Config) { c.AfterTasksFinish = false })
	b.each("source", isFinished)
	b.pass(time.Hour)
	b.event(RequestSavepoint{Request: "s", Directory: "d"})
	if b.want("answer s: failed"); !strings.Contains(b.answers["s"].Failure, "checkpoints-after-tasks-finish") {
		t.Errorf("%q", b.answers["s"].Failure)
	}
}

func TestRetentionAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		retention Retention
		end       graph.JobState
		kept      int
	}{
		{NoExternalized, graph.JobFinished, 0}, {NoExternalized, graph.JobCanceled, 0}, {NoExternalized, graph.JobFailed, 0},
		{DeleteOnCancellation, graph.JobFinished, 0}, {DeleteOnCancellation, graph.JobCanceled, 0}, {DeleteOnCancellation, graph.JobFailed, 1},
		{RetainOnCancellation, graph.JobFinished, 0}, {RetainOnCancellation, graph.JobCanceled, 1}, {RetainOnCancellation, graph.JobFailed, 1},
	} {
		b := newBench(t, func(config *Config) { config.Retention = c.retention })
		b.pass(10 * time.Second)
		b.event(End{c.end})
		if h := b.fold(); h.Ended != c.end.String() || len(h.Retained) != c.kept || len(b.metadata) != c.kept || len(b.files) != 4*c.kept || !b.l.over {
			t.Errorf("%v, %v: %d retained, %d files", c.retention, c.end, len(h.Retained), len(b.files))
		}
	}
}

func TestRetainedNumber(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Retained = 3 })
	b.pass(55 * time.Second)
	var ids []uint64
	for _, r := range b.fold().Retained {
		ids = append(ids, r.Checkpoint)
	}
	if fmt.Sprint(ids) != "[3 4 5]" {
		t.Errorf("%v are retained", ids)
	}
}

// TestAnotherLeader: the one that slept writes its slot in vain, answers all requests and stops.
func TestAnotherLeader(t *testing.T) {
	b := newBench(t, nil)
	b.show("log")
	b.event(RequestSavepoint{Request: "s", Directory: "d"})
	b.event(RequestCheckpoint{Request: "c"})
	b.want("coordinators 1, trigger 1 SAVEPOINT, store 1, log complete 1")
	sleeper := b.l
	b.show()
	b.lead()
	b.settle()
	b.want("trim")
	b.append(sleeper, b.held[0].(Append).Entry)
	b.settle()
	b.want("answer s: failed, answer c: failed, fenced")
	if commands := sleeper.c.Step(b.now, Tick{}); len(commands) > 0 || !sleeper.c.Deadline().IsZero() {
		t.Errorf("it still wants %v at %v", commands, sleeper.c.Deadline())
	}
	b.pass(10 * time.Second)
	b.want(first)
}

// A deletion that fails is tried again, with longer and longer pauses and not for ever: meanwhile the log remembers all releases from there on.
func TestADeletionThatFails(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Retry = time.Second })
	b.pass(10 * time.Second)
	b.want(first)
	b.show("delete")
	b.pass(10 * time.Second)
	b.want(second)
	slot := b.held[0].(Delete).Slot
	deletions := func(over time.Duration) (n int) {
		b.shown = nil
		b.pass(over)
		for _, command := range b.shown {
			if command == "delete 1" {
				n++
			}
		}
		return n
	}
	b.event(Deleted{Slot: slot, Failure: "busy"})
	if n := deletions(1900 * time.Millisecond); n != 0 {
		t.Errorf("it comes again %d times at once", n)
	}
	if n := deletions(200 * time.Millisecond); n != 1 {
		t.Errorf("it comes again %d times after the pause, want once", n)
	}
	for i := range mostDeletions - 1 {
		b.event(Deleted{Slot: slot, Failure: "busy"})
		if n := deletions(time.Second << (i + 2)); i < mostDeletions-2 && n == 0 {
			t.Errorf("it does not come again after %d failures", i+2)
		}
	}
	b.show()
	for _, command := range b.held {
		if d := command.(Delete); d.Slot != slot {
			b.event(Deleted{Slot: d.Slot})
		}
	}
	if n := deletions(50 * time.Second); n == 0 {
		t.Error("nothing is deleted any more")
	}
	b.pass(50 * time.Second)
	if h := b.fold(); len(h.Released) > 2 {
		t.Errorf("the log remembers the files of %d releases", len(h.Released))
	}
}

func TestAmbiguousLog(t *testing.T) {
	b := newBench(t, nil)
	b.show("log")
	b.pass(10 * time.Second)
	b.want("coordinators 1, trigger 1 CHECKPOINT, store 1, log complete 1")
	entry := b.held[0].(Append).Entry
	b.event(LogAnswered{Slot: entry.Slot, Failure: "time out"})
	b.want("")
	b.event(Restart{1}) // must wait: nobody knows yet from what
	b.event(End{graph.JobCanceled})
	b.want("")
	b.pass(time.Second)
	b.want("log complete 1")
	b.event(LogAnswered{Slot: entry.Slot, Highest: entry.Slot - 1}) // it is not there
	b.pass(time.Second)
	b.want("log complete 1")
	b.show()
	b.append(b.l, entry)
	b.settle()
	b.want("log told 1 release [], notify 1 subsumed 0, restore 1, log end CANCELED release [1], delete 5, clean 0, closed")
}

// Metadata that is being written when the job ends is removed: that is waited for, but not for ever. No later run uses its number.
func TestTheEndCleansUpWhatWasBeingWritten(t *testing.T) {
	begin := func() (*bench, Stored) {
		b := newBench(t, nil)
		b.show("store")
		b.pass(10 * time.Second)
		b.want("coordinators 1, trigger 1 CHECKPOINT, store 1")
		b.show()
		b.event(End{graph.JobCanceled})
		b.want("abort 1, log end CANCELED release []")
		if next := b.fold().NextCheckpoint; next != 2 {
			t.Errorf("the next run begins with %d", next)
		}
		return b, Stored{Checkpoint: 1, Outcome: StoreWritten}
	}
	b, stored := begin()
	b.metadata["chk-1/_metadata"] = []byte("late")
	b.event(stored)
	b.want("clean 0, closed")
	if left := b.listed(); len(left) > 0 {
		t.Errorf("%v are left", left)
	}

	b, _ = begin()
	if d := b.l.c.Deadline(); d != b.now.Add(cleanPatience) {
		t.Errorf("it waits until %v", d)
	}
	b.pass(cleanPatience)
	b.want("clean 0, closed")
}

func TestANumberThatIsTaken(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Interval = time.Hour })
	b.metadata["chk-1/_metadata"], b.metadata["chk-2/_metadata"] = []byte("theirs"), []byte("theirs")
	b.event(RequestCheckpoint{Request: "c"})
	b.want("coordinators 1, trigger 1 CHECKPOINT, store 1, abort 1, coordinators 2, trigger 2 CHECKPOINT, store 2, abort 2, " +
		"coordinators 3, trigger 3 CHECKPOINT, store 3, log complete 3, log told 3 release [], notify 3 subsumed 0, answer c: 3")
}

// TestNoClaim: a snapshot that is the user's is never deleted from, and the first checkpoint stands on its own.
func TestNoClaim(t *testing.T) {
	b := newBench(t, nil)
	b.pass(20 * time.Second)
	b.event(End{graph.JobFailed})
	b.shown = nil
	from := b.fold().Latest() // NO_EXTERNALIZED: nothing is left
	if from != nil {
		t.Fatalf("%v is left", from)
	}
	b = newBench(t, func(c *Config) { c.Retention = RetainOnCancellation })
	b.pass(20 * time.Second)
	b.event(End{graph.JobCanceled})
	b.shown = nil
	h := b.fold()
	claim, err := h.NewClaim(snapshot.Writer{Epoch: 2, Leader: b.id()}, b.id(), snapshot.Start{NewRun: true, From: &snapshot.Completed{
		Checkpoint: h.Latest().Checkpoint, Path: h.Latest().Path, Kind: h.Latest().Kind,
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.log[claim.Slot] = claim
	b.leaders = append(b.leaders, &simLeader{over: true, c: b.l.c})
	b.l = b.lead()
	b.shown = nil
	b.pass(20 * time.Second)
	b.want("coordinators 3, trigger 3 FULL, store 3, log complete 3, log told 3 release [2], notify 3 subsumed 2, " +
		"coordinators 4, trigger 4 CHECKPOINT, store 4, log complete 4, log told 4 release [3], notify 4 subsumed 3, delete 1")
	h = b.fold()
	if len(h.Unowned) != 1 || h.Unowned[0].Path != "chk-2" {
		t.Errorf("unowned: %v", h.Unowned)
	}
	b.read(h.Unowned[0])
}

func TestOverview(t *testing.T) {
	b := newBench(t, func(c *Config) { c.History = 2 })
	b.pass(30 * time.Second)
	b.event(RequestSavepoint{Request: "s", Directory: "d"})
	b.show("trigger")
	b.pass(10 * time.Second)
	o := b.l.c.Overview()
	if o.Counts != (Counts{Total: 5, InProgress: 1, Completed: 4}) || o.LatestCompleted.Checkpoint != 3 || o.LatestSavepoint.Checkpoint != 4 || o.LatestFailed != nil {
		t.Errorf("%+v", o)
	}
	if len(o.History) != 2 || o.History[0].Checkpoint != 5 || o.History[0].Status != InProgress || o.History[1].Status != Completed {
		t.Errorf("history: %+v", o.History)
	}
	last := o.LatestCompleted
	if last.Subtasks != 4 || last.Acknowledged != 4 || len(last.Vertices) != 2 || last.Vertices[1].Parallelism != 2 || last.Total().StateBytes != 12 || last.Discarded {
		t.Errorf("%+v", last)
	}
	if o.StateBytes != (Summary{Min: 4, Max: 12, Sum: 28, Count: 4}) {
		t.Errorf("%+v", o.StateBytes)
	}
	b.event(Restart{1})
	if o := b.l.c.Overview(); o.Counts.Failed != 1 || o.Counts.Restored != 1 || o.LatestRestored.From.Checkpoint != 3 {
		t.Errorf("%+v", o)
	}
}

func TestStatesOfSubtasksMustFit(t *testing.T) {
	table := []*snapshot.KeyedPart(nil)
	ack := func(subtask int32, number uint32, list string) OperatorAck {
		return OperatorAck{
			ID: ident.Derive("op"), States: []*snapshot.StateSchema{{Number: number, Name: "sum"}},
			Lists: []*snapshot.ListSchema{{Name: list, Kind: snapshot.ListKind_UNION}},
			State: &snapshot.SubtaskState{Subtask: subtask, Parts: table, Lists: []*snapshot.ListPart{{List: 0}}},
		}
	}
	op := &snapshot.OperatorState{Id: make([]byte, 16), Name: "op", Parallelism: 3, MaxParallelism: 8}
	for i, list := range []string{"a", "b", "a"} {
		parts, err := mergeSchemas(op, ack(int32(i), 1, list))
		if err != nil || parts[0].List != uint32(i%2) {
			t.Errorf("%v, %v", parts, err)
		}
		op.Subtasks = append(op.Subtasks, &snapshot.SubtaskState{Subtask: int32(i)})
	}
	other := ack(2, 1, "a")
	other.States[0].Name = "other"
	if _, err := mergeSchemas(op, other); err == nil {
		t.Error("a number stands for two states")
	}
	m := &snapshot.Metadata{Operators: []*snapshot.OperatorState{op}}
	if err := checkPartlyFinished(m); err != nil {
		t.Error(err)
	}
	op.Subtasks[1].Finished = true
	if err := checkPartlyFinished(m); err == nil || !strings.Contains(err.Error(), "union state") {
		t.Errorf("%v", err)
	}
}
