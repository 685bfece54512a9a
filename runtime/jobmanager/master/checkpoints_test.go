package master

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// checkpointed is a Master whose job takes checkpoints when it is asked, and the journal that carries out what it says, when the test says so.
type checkpointed struct {
	*bench
	ids int
	// carried are the commands that the journal has been given and has not answered.
	carried []coordinator.Command
	slots   []*snapshot.LogEntry
}

func (c *checkpointed) id() ident.ID { c.ids++; return ident.Derive("id", fmt.Sprint(c.ids)) }

// newCheckpointed has a job of one source and one sink running.
func newCheckpointed(t *testing.T) *checkpointed {
	job := sourceAndSinks(1, 1, graph.Hash)
	c := &checkpointed{}
	w := snapshot.Writer{Epoch: 1, Leader: c.id()}
	history, err := snapshot.Fold(nil)
	if err != nil {
		t.Fatal(err)
	}
	claim, err := history.NewClaim(w, c.id(), snapshot.Start{})
	if err == nil {
		err = history.Apply(claim)
	}
	if err != nil {
		t.Fatal(err)
	}
	made, err := coordinator.New(coordinator.Defaults(job, w, c.id), history, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.bench = &bench{T: t, now: time.UnixMilli(1_000_000), ends: map[string]*message.Link{}, carry: c.given}
	c.m = New(Config{
		Job: job, LeaderEpoch: epoch, Address: masterAddress, ResourceManager: managerAddress,
		Timing:             message.Timing{Interval: 10 * time.Second, Timeout: time.Hour},
		SlotRequestTimeout: 5 * time.Minute, SlotIdleTimeout: 40 * time.Second, AttemptHistory: 2, ExceptionHistory: 3,
		Restart: fixedDelay(t, 0, time.Second), Uniform: func() float64 { return 0.5 },
		Checkpoints: &Checkpoints{Coordinator: made, Term: 1, Job: job, Location: func(path string) string { return path }},
	}, c.now)
	c.m.Start(c.now)
	c.bench.take()
	c.open("a", 1, 1)
	c.all(initializing)
	c.all(running)
	return c
}

// given is what the journal gets. Of slots there is one at a time, the next one or the same again.
func (c *checkpointed) given(command coordinator.Command) {
	if a, ok := command.(coordinator.Append); ok {
		if slices.ContainsFunc(c.carried, func(other coordinator.Command) bool { _, ok := other.(coordinator.Append); return ok }) {
			c.Errorf("slot %d is written beside another one", a.Entry.Slot)
		}
		if a.Entry.Slot != uint64(len(c.slots))+2 {
			c.Errorf("slot %d is written after %d others", a.Entry.Slot, len(c.slots))
		}
	}
	c.carried = append(c.carried, command)
}

// next is the only command that the journal has, which it has carried out then.
func next[C coordinator.Command](c *checkpointed) C {
	c.Helper()
	c.take()
	var none C
	if len(c.carried) != 1 {
		c.Fatalf("the journal has %v instead of one %T", c.carried, none)
	}
	command, ok := c.carried[0].(C)
	if !ok {
		c.Fatalf("the journal has %#v instead of a %T", c.carried[0], none)
	}
	c.carried = nil
	return command
}

func (c *checkpointed) nothing() {
	c.Helper()
	if c.take(); len(c.carried) > 0 {
		c.Fatalf("the journal has %v", c.carried)
	}
}

func (c *checkpointed) tell(e coordinator.Event) {
	c.m.Checkpoint(c.now, e)
}

// stands answers that an entry is in the log.
func (c *checkpointed) stands(e *snapshot.LogEntry) {
	c.slots = append(c.slots, e)
	c.tell(coordinator.LogAnswered{Slot: e.Slot, InSlot: e, Highest: e.Slot})
}

// acknowledged has a checkpoint begin, and all subtasks acknowledge it.
func (c *checkpointed) acknowledged() {
	c.Helper()
	c.tell(coordinator.RequestCheckpoint{Request: "r"})
	c.tell(coordinator.CoordinatorState{Checkpoint: 1, Operator: c.m.config.Job.Vertices[0].ID, State: []byte("splits")})
	for i, v := range c.m.config.Job.Vertices {
		c.tell(coordinator.Ack{Checkpoint: 1, Execution: c.current(i, 0).ID, Operators: []coordinator.OperatorAck{{ID: v.ID, State: &snapshot.SubtaskState{}}}})
	}
}

// A slot that is being written when the job fails is written once, and those that follow wait for it.
func TestTheJournalIsGivenOneSlotAfterTheOther(t *testing.T) {
	c := newCheckpointed(t)
	c.acknowledged()
	store := next[coordinator.Store](c)
	c.tell(coordinator.Stored{Checkpoint: store.Checkpoint, Outcome: coordinator.StoreWritten})
	complete := next[coordinator.Append](c).Entry

	c.m.Fail(c.now, &message.Failure{Message: "the job has failed", Subtask: -1})
	c.all(canceled)
	c.want(graph.JobFailed)
	if c.m.Settled() {
		t.Error("the log does not say yet how the job has ended")
	}
	c.nothing()
	c.pass(3 * time.Second) // nobody is impatient while an answer is awaited
	c.nothing()

	c.tell(coordinator.LogAnswered{Slot: complete.Slot, Failure: "503"})
	c.nothing()
	c.pass(2 * time.Second)
	if again := next[coordinator.Append](c).Entry; again != complete {
		t.Errorf("another entry, %v, is tried after a failure", again)
	}
	c.stands(complete)
	told := next[coordinator.Append](c).Entry
	if told.GetRelease().GetTold() != 1 {
		t.Errorf("%v follows the completion", told)
	}
	c.stands(complete) // an answer that comes twice
	c.slots = c.slots[:1]
	c.nothing()
	c.stands(told)
	end := next[coordinator.Append](c).Entry
	if end.GetEnd().GetState() != "FAILED" {
		t.Errorf("%v is the last", end)
	}
	c.stands(end)
	c.take()
	if _, cleans := c.carried[len(c.carried)-1].(coordinator.Clean); !cleans || !c.m.Settled() {
		t.Errorf("in the end: %v, settled %v", c.carried, c.m.Settled())
	}
	c.carried = nil
	c.stands(end)
	c.nothing()
}

// What a command leads to at once comes behind the commands that were given with it.
func TestCommandsAreCarriedOutInTheirOrder(t *testing.T) {
	c := newCheckpointed(t)
	c.nothing()
	c.m.coordinators[0].running = false // so that a savepoint fails as soon as it begins
	given := c.m.checkpoints.Coordinator.Step(c.now, coordinator.RequestSavepoint{Request: "s", Directory: "mem://saved"})
	if _, ok := given[0].(coordinator.SnapshotCoordinators); len(given) != 1 || !ok {
		t.Fatalf("%v", given)
	}
	c.m.carryOut(c.now, append(given, coordinator.Trim{Below: 1}))
	var order []string
	for _, command := range c.m.Take() {
		switch command := command.(type) {
		case Carry:
			order = append(order, fmt.Sprintf("%T", command.Command))
		case Answer:
			order = append(order, fmt.Sprintf("%T", command))
		}
	}
	if len(order) < 2 || order[0] != "coordinator.Trim" || slices.Contains(order[1:], "coordinator.Trim") || !slices.Contains(order, "master.Answer") {
		t.Errorf("the order is %v", order)
	}
}
