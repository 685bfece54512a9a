package stream

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/embedded"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/taskmanager"
	"github.com/weir-stream/weir/runtime/worker"
)

// pressureParallelism is that of each operator in these tests.
const pressureParallelism = 2

// TestASlowSinkHoldsUpItsSource checks at every record made that no more are in flight than the queues have room for, first with a
// sink that takes nothing at all, then with one that takes a record now and then; and that such a job is canceled at once.
func TestASlowSinkHoldsUpItsSource(t *testing.T) {
	env, err := NewEnvironment("slow sink")
	if err != nil {
		t.Fatal(err)
	}
	env.SetParallelism(pressureParallelism)
	batches := config.Get(env.Configuration(), config.BuffersPerChannel) + 2 // one is being filled, one waits for credit
	batchRecords := config.Get(env.Configuration(), config.BatchMaxRecords)
	room := int64(pressureParallelism * pressureParallelism * batches * batchRecords)

	var made, written, excess atomic.Int64
	source := From(env, datagen.Fill(datagen.Unbounded, func(_ int64, out []int64) {
		if inFlight := made.Add(int64(len(out))) - written.Load(); inFlight > room {
			excess.Store(inFlight)
		}
	}))
	sink := gatedSink{gate: make(chan struct{}), written: &written}
	To(source.Rebalance(), sink)
	job := startTapped(t, env)

	await(t, "the queues fill up", func() bool { return made.Load() > room/2 })
	// Every ping wakes a source, which makes more records if it thinks that there is room.
	for range 200 {
		job.ping(job.worker.tasks(job.source)...)
	}
	if n := excess.Load(); n > 0 {
		t.Fatalf("%d records are in flight in front of a sink that takes none; there is room for %d", n, room)
	}
	for range 3 * room {
		sink.gate <- struct{}{}
	}
	if n := excess.Load(); n > 0 {
		t.Errorf("%d records are in flight in front of a slow sink; there is room for %d", n, room)
	}
	if took := job.cancel(); took > time.Second {
		t.Errorf("it took %s to cancel the job", took)
	}
}

// TestSlowUserCodeDoesNotHoldUpControl checks that a no-op action of the mailbox and a cancellation wait for the record at hand, not for
// those behind it. Medians tell that from the noise of a busy machine.
func TestSlowUserCodeDoesNotHoldUpControl(t *testing.T) {
	const (
		perRecord = 10 * time.Millisecond
		aim       = 50 * time.Millisecond
	)
	var pings, cancels []time.Duration
	for range 5 {
		env, err := NewEnvironment("slow map")
		if err != nil {
			t.Fatal(err)
		}
		env.SetParallelism(pressureParallelism)
		source := From(env, datagen.Generate(datagen.Unbounded, func(i int64) int64 { return i }))
		var mapped atomic.Int64
		slow := Map(source.Rebalance(), func(i int64) int64 {
			<-time.After(perRecord)
			mapped.Add(1)
			return i
		})
		To(slow, discard.Sink[int64]())
		job := startTapped(t, env)
		await(t, "the map has begun", func() bool { return mapped.Load() > pressureParallelism })
		for range 5 {
			pings = append(pings, job.ping(job.worker.tasks()...))
		}
		cancels = append(cancels, job.cancel())
	}
	if took := median(pings); took > aim {
		t.Errorf("a task answers a ping after %s, want at most %s: %v", took, aim, pings)
	}
	if took := median(cancels); took > aim {
		t.Errorf("a job is canceled after %s, want at most %s: %v", took, aim, cancels)
	}
}

func median(of []time.Duration) time.Duration { return slices.Sorted(slices.Values(of))[len(of)/2] }

// gatedSink takes one record for each that is sent on the gate.
type gatedSink struct {
	gate    chan struct{}
	written *atomic.Int64
}

func (gatedSink) Name() string { return "Gated" }

func (s gatedSink) NewWriter(ctx connector.WriterContext) (connector.Writer[int64], error) {
	return gatedWriter{s, ctx.Context()}, nil
}

type gatedWriter struct {
	gatedSink
	ctx context.Context
}

func (gatedWriter) Open() error      { return nil }
func (gatedWriter) Flush(bool) error { return nil }
func (gatedWriter) Close() error     { return nil }

func (w gatedWriter) Write(batch *element.Batch[int64]) error {
	for range batch.Values {
		select {
		case <-w.gate:
			w.written.Add(1)
		case <-w.ctx.Done():
			return w.ctx.Err()
		}
	}
	return nil
}

// await waits until something has happened, but not for ever.
func await(t *testing.T, what string, happened func() bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	for !happened() {
		if ctx.Err() != nil {
			t.Fatalf("waited in vain until %s", what)
		}
		runtime.Gosched()
	}
}

// tappedJob is a job whose worker the test can talk to.
type tappedJob struct {
	t      *testing.T
	client *embedded.Client
	worker *tappedWorker
	// source is the first vertex.
	source ident.OperatorID
}

// tappedWorker is a worker that keeps account of what was deployed to it and hands pongs to the test.
type tappedWorker struct {
	*worker.Host
	pongs chan uint64

	mu       sync.Mutex
	epoch    uint64
	deployed []*message.ExecutionID
	pings    uint64
}

// Send implements taskmanager.Worker.
func (w *tappedWorker) Send(m *message.ToWorker) {
	if d := m.GetDeploy(); d != nil {
		w.mu.Lock()
		w.epoch, w.deployed = m.GetLeaderEpoch(), append(w.deployed, d.GetExecution())
		w.mu.Unlock()
	}
	w.Host.Send(m)
}

// tasks returns what was deployed, or only the subtasks of some vertices.
func (w *tappedWorker) tasks(of ...ident.OperatorID) []*message.ExecutionID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.deployed), func(task *message.ExecutionID) bool {
		id, err := task.Ident()
		return err != nil || len(of) > 0 && !slices.Contains(of, id.Vertex)
	})
}

func (w *tappedWorker) leader() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.epoch
}

// startTapped runs a program on a cluster of its own until the test ends.
func startTapped(t *testing.T, env *Environment) *tappedJob {
	t.Helper()
	program, err := env.compile()
	if err != nil {
		t.Fatal(err)
	}
	w := &tappedWorker{pongs: make(chan uint64, 1)}
	cluster, err := embedded.Start(env.settings, embedded.Options{
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		NewWorker: func(spec embedded.WorkerSpec) (taskmanager.Worker, error) {
			w.Host = worker.NewHost(worker.Config{
				Program: spec.Program, Settings: worker.SettingsOf(spec.Configuration, spec.Program), Clock: spec.Clock, Log: spec.Log, Metrics: spec.Metrics,
				Report: func(m *message.FromWorker) {
					if pong := m.GetPong(); pong != nil {
						w.pongs <- pong.GetToken()
						return
					}
					spec.Report(m)
				},
			})
			return w, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Close() })
	client, err := cluster.Submit(t.Context(), program, env.settings)
	if err != nil {
		t.Fatal(err)
	}
	return &tappedJob{t, client, w, program.Vertices[0].ID}
}

// ping pings one task after the other and returns how long the slowest answer took.
func (j *tappedJob) ping(tasks ...*message.ExecutionID) (slowest time.Duration) {
	j.t.Helper()
	w := j.worker
	for _, task := range tasks {
		w.pings++
		start := time.Now()
		w.Send(&message.ToWorker{LeaderEpoch: w.leader(), Body: &message.ToWorker_Ping{Ping: &message.Ping{Execution: task, Token: w.pings}}})
		select {
		case token := <-w.pongs:
			if token != w.pings {
				j.t.Fatalf("pong %d answers ping %d", token, w.pings)
			}
		case <-time.After(10 * time.Second):
			j.t.Fatalf("task %v does not answer a ping", task)
		}
		slowest = max(slowest, time.Since(start))
	}
	return slowest
}

// cancel cancels the job and returns how long that took.
func (j *tappedJob) cancel() time.Duration {
	j.t.Helper()
	start := time.Now()
	if err := j.client.Cancel(j.t.Context()); err != nil {
		j.t.Fatal(err)
	}
	if _, err := j.client.Wait(j.t.Context()); !errors.Is(err, embedded.ErrCanceled) {
		j.t.Fatalf("the job ends with %v", err)
	}
	return time.Since(start)
}
