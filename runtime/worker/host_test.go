package worker

import (
	"errors"
	"math/rand"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
)

const (
	initializing = message.TaskState_INITIALIZING
	running      = message.TaskState_RUNNING
	finished     = message.TaskState_FINISHED
	canceled     = message.TaskState_CANCELED
	failed       = message.TaskState_FAILED
)

func same(v int64) int64 { return v }

// pipeline is numbers -> map -> sink, in three tasks each.
func pipeline(src *testSource, f func(int64) int64, snk *testSink) *program {
	p := &program{}
	n := p.sink("sink", snk, p.mapping("map", f, p.source("numbers", src)))
	n.Chaining = graph.ChainNever
	return p
}

func TestAJobRunsWhateverTheOrderOfItsDeployments(t *testing.T) {
	for seed := range int64(20) {
		src, snk := &testSource{splits: 7}, &testSink{}
		m := newMaster(t, pipeline(src, same, snk), 3)
		m.startCoordinator("numbers", 0)
		ids := shuffled(rand.New(rand.NewSource(seed)), m.all(0))
		m.deploy(ids...)
		for _, id := range ids {
			final := m.awaitState(id, finished)
			if got := m.states(id); !slices.Equal(got, []message.TaskState{initializing, running, finished}) {
				t.Fatalf("%v reported %v", id, got)
			}
			if final.Io == nil || final.Failure != nil {
				t.Errorf("final report %v", final)
			}
		}
		slices.Sort(snk.values)
		if len(snk.values) != 70 || snk.values[69] != 69 || snk.opens != 3 || snk.closes != 3 {
			t.Errorf("seed %d: %d values, %d opens, %d closes", seed, len(snk.values), snk.opens, snk.closes)
		}
		m.settle()
		if n := len(m.host.channels); n != 0 {
			t.Errorf("%d channels left that nobody has", n)
		}
	}
}

// TestAProducerMayEndBeforeItsConsumerIsDeployed: what it left in its channels waits for the consumer.
func TestAProducerMayEndBeforeItsConsumerIsDeployed(t *testing.T) {
	src, snk := &testSource{splits: 1}, &testSink{}
	m := newMaster(t, pipeline(src, same, snk), 1)
	m.startCoordinator("numbers", 0)
	// All of the records fit into a channel.
	m.host.config.Settings.Limits.Credits = 10
	for _, name := range []string{"numbers", "map", "sink"} {
		id := m.execution(name, 0, 0)
		m.deploy(id)
		m.awaitState(id, finished)
	}
	if len(snk.values) != 10 {
		t.Errorf("%d of 10 records arrived", len(snk.values))
	}
	m.settle()
	if n := len(m.host.channels); n != 0 {
		t.Errorf("%d channels left", n)
	}
}

func TestChannelsOfCanceledAttemptsAreDropped(t *testing.T) {
	m := newMaster(t, pipeline(&testSource{splits: 1}, same, &testSink{}), 2)
	m.startCoordinator("numbers", 0)
	for subtask := range 2 {
		id := m.execution("numbers", subtask, 0)
		m.deploy(id)
		m.awaitState(id, running)
	}
	m.settle()
	if n := len(m.host.channels); n != 2 {
		t.Fatalf("%d channels, want 2", n)
	}
	m.cancel(m.all(0)...)
	for _, id := range m.all(0) {
		await(m, 0, func(b *message.FromWorker_TaskState) bool {
			got, _ := b.TaskState.Execution.Ident()
			return got == id && b.TaskState.State.Ended()
		})
	}
	m.settle()
	if n := len(m.host.channels); n != 0 {
		t.Errorf("%d channels left after all was canceled", n)
	}
}

func TestFinalReportsHaveWhatTheTaskDid(t *testing.T) {
	seen := accumulator.IntCounter()
	snk := &testSink{at: func(ctx connector.WriterContext, v int64) error {
		if ctx.Accumulators().Get("seen") == nil {
			return ctx.Accumulators().Add("seen", seen)
		}
		return nil
	}}
	m := newMaster(t, pipeline(&testSource{splits: 2}, same, snk), 1)
	m.startCoordinator("numbers", 0)
	m.deploy(m.all(0)...)
	id := m.execution("sink", 0, 0)
	final := m.awaitState(id, finished)
	if len(final.Accumulators) != 1 || final.Accumulators[0].Name != "seen" || final.Io.RecordsIn != 20 {
		t.Errorf("final report %v", final)
	}
	m.settle()
	before := len(m.got)
	m.cancel(id) // it is too late, and answered as before
	again, _ := await(m, before, func(b *message.FromWorker_TaskState) bool { return true })
	if !proto.Equal(again.TaskState, final) {
		t.Errorf("the second report is %v\nthe first was %v", again.TaskState, final)
	}
}

// TestAFailureAndASecondAttempt fails one task, cancels the others and starts all again, while the channels of the first
// attempt linger.
func TestAFailureAndASecondAttempt(t *testing.T) {
	for _, how := range []string{"error", "panic", "goexit"} {
		t.Run(how, func(t *testing.T) {
			var broken atomic.Bool
			broken.Store(true)
			src, snk := &testSource{splits: 6}, &testSink{}
			snk.at = func(ctx connector.WriterContext, v int64) error {
				if !broken.Load() || v < 17 {
					return nil
				}
				switch how {
				case "panic":
					panic("broken")
				case "goexit":
					runtime.Goexit()
				}
				return errors.New("broken")
			}
			m := newMaster(t, pipeline(src, same, snk), 2)
			m.startCoordinator("numbers", 0)
			m.deploy(m.all(0)...)
			body, _ := await(m, 0, func(b *message.FromWorker_TaskState) bool { return b.TaskState.State == failed })
			failure := body.TaskState.Failure
			if failure == nil || !strings.Contains(failure.Message, "sink") && how != "goexit" || !strings.Contains(failure.Message, `job "test"`) {
				t.Errorf("failure %v", failure)
			}
			if hasStack := failure.Stack != ""; hasStack != (how == "panic") {
				t.Errorf("stack %v", hasStack)
			}
			m.cancel(m.all(0)...)
			for _, id := range m.all(0) {
				await(m, 0, func(b *message.FromWorker_TaskState) bool {
					got, _ := b.TaskState.Execution.Ident()
					return got == id && b.TaskState.State.Ended()
				})
			}
			broken.Store(false)
			snk.values = nil
			for s := range int32(2) {
				m.gone("numbers", s, 0)
			}
			m.deploy(m.all(1)...)
			for _, id := range m.all(1) {
				m.awaitState(id, finished)
			}
			slices.Sort(snk.values)
			if len(snk.values) != 60 || snk.values[59] != 59 || snk.values[0] != 0 {
				t.Errorf("the second attempt wrote %d records", len(snk.values))
			}
			if snk.opens != snk.closes {
				t.Errorf("%d opens, %d closes", snk.opens, snk.closes)
			}
			m.settle()
			if n := len(m.host.channels); n != 0 {
				t.Errorf("%d channels left", n)
			}
		})
	}
}

func TestRepeatedAndLateMessages(t *testing.T) {
	m := newMaster(t, pipeline(&testSource{splits: 1, first: "endless"}, same, &testSink{}), 1)
	m.startCoordinator("numbers", 0)
	source, mapping := m.execution("numbers", 0, 0), m.execution("map", 0, 0)

	m.cancel(mapping) // before it was deployed
	m.awaitState(mapping, canceled)
	m.deploy(mapping)
	m.deploy(source, source)
	m.awaitState(source, running)
	m.deploy(source)
	m.settle()
	if got := m.states(mapping); !slices.Equal(got, []message.TaskState{canceled}) {
		t.Errorf("an attempt that was canceled first reported %v", got)
	}
	if got := m.states(source); !slices.Equal(got, []message.TaskState{initializing, running}) {
		t.Errorf("an attempt that was deployed three times reported %v", got)
	}
	unknown := source
	unknown.Attempt = 7
	m.send(&message.ToWorker{Body: &message.ToWorker_Ping{Ping: &message.Ping{Execution: message.NewExecutionID(unknown), Token: 1}}})
	m.send(&message.ToWorker{Body: &message.ToWorker_ToSubtask{ToSubtask: &message.CoordinatorToSubtask{Execution: message.NewExecutionID(unknown), Event: []byte{9}}}})
	m.send(&message.ToWorker{Body: &message.ToWorker_Ping{Ping: &message.Ping{Execution: message.NewExecutionID(source), Token: 2}}})
	pong, _ := await(m, 0, func(*message.FromWorker_Pong) bool { return true })
	if pong.Pong.Token != 2 {
		t.Errorf("pong %v of an attempt that does not exist", pong.Pong)
	}
	for _, bad := range []*message.ToWorker{
		{}, {Body: &message.ToWorker_Deploy{Deploy: &message.Deploy{}}}, {Body: &message.ToWorker_CancelTask{CancelTask: &message.CancelTask{}}},
		{Body: &message.ToWorker_Ping{Ping: &message.Ping{}}}, {Body: &message.ToWorker_ToSubtask{ToSubtask: &message.CoordinatorToSubtask{}}},
		{Body: &message.ToWorker_StartCoordinator{StartCoordinator: &message.StartCoordinator{}}},
		{Body: &message.ToWorker_SubtaskReady{SubtaskReady: &message.SubtaskReady{}}},
	} {
		m.send(bad)
	}
	m.cancel(source)
	m.awaitState(source, canceled)
}

func TestADeploymentThatCannotBeFails(t *testing.T) {
	p := &program{}
	broken := p.add(&graph.StreamNode{Name: "broken", Factory: func(*operator.Context, operator.Outputs) (operator.Instance, error) {
		panic("no configuration")
	}}, p.source("numbers", &testSource{}))
	broken.Chaining = graph.ChainNever
	p.sink("sink", &testSink{}, broken)
	m := newMaster(t, p, 1)
	id := m.execution("broken", 0, 0)
	m.deploy(id)
	final := m.awaitState(id, failed)
	if f := final.Failure; f.GetOperator() != "broken" || f.GetStack() == "" || !strings.Contains(f.GetMessage(), "no configuration") {
		t.Errorf("a factory that panics: %v", f)
	}
	unknown := id
	unknown.Vertex[0]++
	m.send(&message.ToWorker{Body: &message.ToWorker_Deploy{Deploy: &message.Deploy{Execution: message.NewExecutionID(unknown)}}})
	if f := m.awaitState(unknown, failed).Failure; !strings.Contains(f.GetMessage(), "no such vertex") {
		t.Errorf("an unknown vertex: %v", f)
	}
	second := id
	second.Attempt = 1
	m.send(&message.ToWorker{Body: &message.ToWorker_Deploy{Deploy: &message.Deploy{
		Execution: message.NewExecutionID(second), Inputs: []*message.InputGate{{Edge: 99}},
	}}})
	if f := m.awaitState(second, failed).Failure; !strings.Contains(f.GetMessage(), "edge 99") {
		t.Errorf("an unknown edge: %v", f)
	}
	third := id
	third.Attempt = 2
	m.send(&message.ToWorker{Body: &message.ToWorker_Deploy{Deploy: &message.Deploy{
		Execution: message.NewExecutionID(third),
		Restore:   &message.Restore{KeyGroups: []*message.VertexKeyGroups{{Vertex: message.IDBytes(id.Vertex), MaxParallelism: -1}}},
	}}})
	if f := m.awaitState(third, failed).Failure; !strings.Contains(f.GetMessage(), "key groups of") {
		t.Errorf("key groups that cannot be: %v", f)
	}
}

func TestAnOldLeaderIsRefused(t *testing.T) {
	m := newMaster(t, pipeline(&testSource{}, same, &testSink{}), 1)
	m.epoch = 5
	id := m.execution("map", 0, 0)
	m.deploy(id)
	m.awaitState(id, running)
	m.epoch = 4
	m.cancel(id)
	m.settle()
	m.epoch = 5
	m.send(&message.ToWorker{Body: &message.ToWorker_Ping{Ping: &message.Ping{Execution: message.NewExecutionID(id), Token: 1}}})
	await(m, 0, func(*message.FromWorker_Pong) bool { return true })
	if got := m.states(id); !slices.Equal(got, []message.TaskState{initializing, running}) {
		t.Errorf("after a message of an old leader: %v", got)
	}
	m.epoch = 6
	m.cancel(id)
	m.awaitState(id, canceled)
	m.settle()
	if last := m.got[len(m.got)-1]; last.LeaderEpoch != 6 {
		t.Errorf("the report bears epoch %d, want that of the leader", last.LeaderEpoch)
	}
}

// TestControlIsServedWhileAFunctionIsSlow pings a task with a map that takes 10 ms a record, in the middle of each record.
func TestControlIsServedWhileAFunctionIsSlow(t *testing.T) {
	c := clock.NewManual(time.Unix(1000, 0))
	entered, leave := make(chan struct{}, 1000), make(chan struct{})
	slow := func(v int64) int64 {
		entered <- struct{}{}
		<-leave
		c.Advance(10 * time.Millisecond)
		return v
	}
	m := newMasterAt(t, pipeline(&testSource{splits: 9}, slow, &testSink{}), 1, c)
	m.startCoordinator("numbers", 0)
	m.deploy(m.all(0)...)
	id := m.execution("map", 0, 0)
	for token := uint64(1); token <= 5; token++ {
		within(t, func() { <-entered }) // one record more
		m.send(&message.ToWorker{Body: &message.ToWorker_Ping{Ping: &message.Ping{Execution: message.NewExecutionID(id), Token: token}}})
		m.settle()
		leave <- struct{}{}
		await(m, 0, func(b *message.FromWorker_Pong) bool { return b.Pong.Token == token })
	}
	m.cancel(id)
	m.settle()
	close(leave)
	m.awaitState(id, canceled)
}

func TestCloseEndsEverythingAndLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	src, snk := &testSource{splits: 9, first: "endless"}, &testSink{}
	m := newMaster(t, pipeline(src, same, snk), 3)
	m.startCoordinator("numbers", 0)
	m.deploy(m.all(0)...)
	for _, id := range m.all(0) {
		m.awaitState(id, running)
	}
	m.host.Close()
	m.host.Close()
	within(t, func() { <-m.host.Closed() })
	if snk.opens != 3 || snk.closes != 3 || src.closes != 1 {
		t.Errorf("sink: %d opens, %d closes; %d enumerators closed", snk.opens, snk.closes, src.closes)
	}
	m.deploy(m.all(1)...) // to a host that is closed
	within(t, func() {
		for runtime.NumGoroutine() > before+1 { // this one besides
			runtime.Gosched()
		}
	})
}

func TestFailedAttemptsLeaveNoGoroutines(t *testing.T) {
	snk := &testSink{at: func(connector.WriterContext, int64) error { return errors.New("broken") }}
	m := newMaster(t, pipeline(&testSource{splits: 3}, same, snk), 2)
	m.startCoordinator("numbers", 0)
	m.settle()
	before := runtime.NumGoroutine()
	for attempt := range 5 {
		m.deploy(m.all(attempt)...)
		await(m, 0, func(b *message.FromWorker_TaskState) bool {
			return b.TaskState.State == failed && int(b.TaskState.Execution.Attempt) == attempt
		})
		m.cancel(m.all(attempt)...)
		for s := range int32(2) {
			m.gone("numbers", s, int32(attempt))
		}
	}
	within(t, func() {
		for runtime.NumGoroutine() > before+1 { // this one besides
			runtime.Gosched()
		}
	})
}
