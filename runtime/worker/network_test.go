package worker

import (
	"log/slog"
	"math/rand"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/mem"
	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
)

// newTwoHosts is a master with two hosts that reach each other over TCP: attempts of odd subtasks, and all sinks, are at the second one.
func newTwoHosts(t *testing.T, p *program, parallelism int, change ...func(*Config)) (*master, [2]*transport.Transport) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() { // runs last
		within(t, func() {
			for runtime.NumGoroutine() > before+1 { // and this one
				runtime.Gosched()
			}
		})
	})
	var planes [2]*transport.Transport
	c := clock.System()
	for i := range planes {
		var err error
		planes[i], err = transport.Listen(transport.Config{
			Cluster: "test", Listen: "127.0.0.1:0", Clock: c, Log: slog.New(slog.DiscardHandler),
			Metrics: metrics.NewRegistry(c, func(string) {}).Root(metrics.LevelTaskManager),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(planes[i].Close)
	}
	var second Config
	m := newMasterAt(t, p, parallelism, c, append(change, func(config *Config) {
		second = *config
		config.Network = join(t, planes[0], config.Program.ID)
		second.Network = join(t, planes[1], config.Program.ID)
	})...)
	second.Report = m.report
	m.second = startHost(t, second)
	sinks := m.vertex("sink").ID
	m.elsewhere = func(id ident.ExecutionID) bool { return id.Subtask%2 == 1 || id.Vertex == sinks }
	return m, planes
}

func join(t *testing.T, plane *transport.Transport, job ident.JobID) *transport.Member {
	t.Helper()
	member, err := plane.Join(job)
	if err != nil {
		t.Fatal(err)
	}
	return member
}

// withoutSplits has sources wait for splits, so that they do not end.
func (m *master) withoutSplits() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.relay = false
}

func TestAJobRunsOnTwoHosts(t *testing.T) {
	for seed := range int64(8) {
		src, snk := &testSource{splits: 20}, &testSink{}
		m, _ := newTwoHosts(t, pipeline(src, same, snk), 3)
		m.startCoordinator("numbers", 0)
		ids := shuffled(rand.New(rand.NewSource(seed)), m.all(0))
		m.deploy(ids...)
		for _, id := range ids {
			m.awaitState(id, finished)
		}
		slices.Sort(snk.values)
		if len(snk.values) != 200 || snk.values[0] != 0 || snk.values[199] != 199 {
			t.Errorf("seed %d: %d values", seed, len(snk.values))
		}
	}
}

// TestBarriersPassBetweenHosts takes a checkpoint of a job on two hosts: every attempt acknowledges it.
func TestBarriersPassBetweenHosts(t *testing.T) {
	m, _ := newTwoHosts(t, pipeline(&testSource{}, same, &testSink{}), 2, func(c *Config) {
		c.Checkpoints = Checkpoints{Folder: "nowhere", Inline: 1 << 20, Timeout: time.Minute, Open: func(string) (storage.Store, error) { return mem.New("test", clock.System()), nil }}
	})
	m.withoutSplits()
	m.deploy(m.all(0)...)
	for _, id := range m.all(0) {
		m.awaitState(id, running)
	}
	for checkpoint := uint64(1); checkpoint <= 3; checkpoint++ {
		for subtask := range 2 {
			id := m.execution("numbers", subtask, 0)
			m.sendTo(m.hostOf(id), &message.ToWorker{Body: &message.ToWorker_TriggerCheckpoint{TriggerCheckpoint: &message.TriggerCheckpoint{
				Tasks: []*message.ExecutionID{message.NewExecutionID(id)}, Checkpoint: checkpoint, ExactlyOnce: true,
			}}})
		}
		for _, id := range m.all(0) {
			await(m, 0, func(b *message.FromWorker_CheckpointAck) bool {
				got, _ := b.CheckpointAck.Execution.Ident()
				return got == id && b.CheckpointAck.Checkpoint == checkpoint
			})
		}
	}
	m.cancel(m.all(0)...)
	for _, id := range m.all(0) {
		m.awaitState(id, canceled)
	}
}

// TestABrokenConnectionFailsWhatItJoined cuts the data plane of one host in the middle of a job, then runs a second attempt.
func TestABrokenConnectionFailsWhatItJoined(t *testing.T) {
	var through atomic.Bool
	snk := &testSink{at: func(connector.WriterContext, int64) error { through.Store(true); return nil }}
	src := &testSource{splits: 8, first: "endless"}
	m, planes := newTwoHosts(t, pipeline(src, same, snk), 1, func(c *Config) {
		c.Checkpoints = Checkpoints{Folder: "nowhere", Inline: 1 << 20, Timeout: time.Minute, Open: func(string) (storage.Store, error) { return mem.New("test", clock.System()), nil }}
	})
	m.startCoordinator("numbers", 0)
	m.deploy(m.all(0)...)
	for _, id := range m.all(0) {
		m.awaitState(id, running)
	}
	within(t, func() {
		for !through.Load() {
			runtime.Gosched()
		}
	})
	planes[0].Sever()
	for _, name := range []string{"map", "sink"} { // the channel between these leads from one host to the other
		f := m.awaitState(m.execution(name, 0, 0), failed).Failure
		if operator.Class(f.Class) != operator.Environment || !strings.Contains(f.Message, "is broken") || !strings.Contains(f.Message, "127.0.0.1:") {
			t.Errorf("failure %v", f)
		}
	}
	m.cancel(m.all(0)...)
	m.settle()
	m.stopCoordinator("numbers", 0)
	through.Store(false)
	m.withoutSplits()
	m.deploy(m.all(1)...)
	for _, id := range m.all(1) {
		m.awaitState(id, running)
	}
	id := m.execution("numbers", 0, 1)
	m.sendTo(m.hostOf(id), &message.ToWorker{Body: &message.ToWorker_TriggerCheckpoint{TriggerCheckpoint: &message.TriggerCheckpoint{
		Tasks: []*message.ExecutionID{message.NewExecutionID(id)}, Checkpoint: 1, ExactlyOnce: true,
	}}})
	await(m, 0, func(b *message.FromWorker_CheckpointAck) bool {
		got, _ := b.CheckpointAck.Execution.Ident()
		return got.Vertex == m.vertex("sink").ID && got.Attempt == 1
	})
}

func TestAHostWithoutANetworkSaysSo(t *testing.T) {
	m := newMaster(t, pipeline(&testSource{}, same, &testSink{}), 1)
	id := m.execution("map", 0, 0)
	d := &message.Deploy{Execution: message.NewExecutionID(id), Inputs: []*message.InputGate{{Producers: []*message.PeerAttempt{{Location: "elsewhere:1"}}}}}
	m.send(&message.ToWorker{Body: &message.ToWorker_Deploy{Deploy: d}})
	if f := m.awaitState(id, failed).Failure; !strings.Contains(f.GetMessage(), "elsewhere:1") {
		t.Errorf("failure %v", f)
	}
}
