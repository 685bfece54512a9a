package embedded_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/embedded"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/taskmanager"
)

// script says what the tasks of scripted workers do. Its functions are called by one goroutine at a time per worker.
type script struct {
	// run is called for every deployed attempt; by default the attempt finishes at once.
	run func(w *scripted, id ident.ExecutionID)
	// cancel is called for every cancellation; by default the attempt is CANCELED at once.
	cancel func(w *scripted, id ident.ExecutionID)
}

// scripted is a worker that runs nothing.
type scripted struct {
	script script
	spec   embedded.WorkerSpec

	mu       sync.Mutex
	received []*message.ToWorker
	closed   chan struct{}
	once     sync.Once
}

// workers makes scripted workers and keeps them.
type workers struct {
	script script
	mu     sync.Mutex
	all    []*scripted
}

func (s *workers) make(spec embedded.WorkerSpec) (taskmanager.Worker, error) {
	w := &scripted{script: s.script, spec: spec, closed: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, w)
	return w, nil
}

func (s *workers) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

func (w *scripted) Send(m *message.ToWorker) {
	w.mu.Lock()
	w.received = append(w.received, m)
	w.mu.Unlock()
	switch body := m.Body.(type) {
	case *message.ToWorker_Deploy:
		id, _ := body.Deploy.Execution.Ident()
		w.state(id, message.TaskState_INITIALIZING, nil)
		w.state(id, message.TaskState_RUNNING, nil)
		if w.script.run != nil {
			w.script.run(w, id)
		} else {
			w.finish(id)
		}
	case *message.ToWorker_CancelTask:
		id, _ := body.CancelTask.Execution.Ident()
		if w.script.cancel != nil {
			w.script.cancel(w, id)
		} else {
			w.state(id, message.TaskState_CANCELED, nil)
		}
	}
}

func (w *scripted) Close()                  { w.once.Do(func() { close(w.closed) }) }
func (w *scripted) Closed() <-chan struct{} { return w.closed }

func (w *scripted) state(id ident.ExecutionID, state message.TaskState, failure *message.Failure) {
	w.report(&message.TaskStateChanged{Execution: message.NewExecutionID(id), State: state, Failure: failure})
}

func (w *scripted) finish(id ident.ExecutionID) {
	w.report(&message.TaskStateChanged{
		Execution: message.NewExecutionID(id), State: message.TaskState_FINISHED,
		Accumulators: []*message.Accumulator{{Name: "records", Value: []byte(`{"kind":"IntCounter","value":2}`)}},
	})
}

func (w *scripted) fail(id ident.ExecutionID, text string) {
	w.state(id, message.TaskState_FAILED, &message.Failure{
		Message:  fmt.Sprintf("job %q: operator %q (subtask %d) failed: %s", w.spec.Program.Name, "map", id.Subtask, text),
		Operator: "map", Subtask: int32(id.Subtask), Class: 1, Stack: "the stack",
	})
}

func (w *scripted) report(changed *message.TaskStateChanged) {
	w.spec.Report(&message.FromWorker{LeaderEpoch: w.spec.LeaderEpoch, Body: &message.FromWorker_TaskState{TaskState: changed}})
}

// start starts a cluster of scripted workers that is closed, and must leave nothing behind, when the test ends.
func start(t *testing.T, s script, settings ...config.Setting) (*embedded.Cluster, *workers) {
	t.Helper()
	made := &workers{script: s}
	return startWith(t, embedded.Options{NewWorker: made.make}, settings...), made
}

func startWith(t *testing.T, o embedded.Options, settings ...config.Setting) *embedded.Cluster {
	t.Helper()
	before := runtime.NumGoroutine()
	o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	c, err := embedded.Start(configuration(t, settings...), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		awaitGoroutines(t, before)
	})
	return c
}

// awaitGoroutines waits until no more goroutines run than before: those of the cluster have ended.
func awaitGoroutines(t *testing.T, before int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for runtime.NumGoroutine() > before {
		if ctx.Err() != nil {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines were there before, and now\n%s", before, stacks[:runtime.Stack(stacks, true)])
		}
		runtime.Gosched()
	}
}

func configuration(t *testing.T, settings ...config.Setting) config.Configuration {
	t.Helper()
	c, err := config.New(settings...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func submit(t *testing.T, c *embedded.Cluster, g *graph.JobGraph, settings ...config.Setting) *embedded.Client {
	t.Helper()
	client, err := c.Submit(t.Context(), g, configuration(t, settings...))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// wait waits for the job, but not for ever.
func wait(t *testing.T, client *embedded.Client) (embedded.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	result, err := client.Wait(ctx)
	if ctx.Err() != nil {
		details, _ := client.Details(t.Context())
		t.Fatalf("the job does not end: %v", details)
	}
	return result, err
}

// pipeline is a source and a sink of so many subtasks, all connected with all.
func pipeline(name string, parallelism int) *graph.JobGraph {
	g := &graph.JobGraph{ID: ident.NewID(), Name: name}
	source := vertex(g, "source", parallelism)
	source.Head().Coordinated, source.Head().Role = true, graph.Source
	sink := vertex(g, "map", parallelism)
	e := &graph.JobEdge{From: source, To: sink, Producer: source.Head(), Partitioning: graph.Hash}
	g.Edges = []*graph.JobEdge{e}
	source.Outputs, source.Head().Edges, sink.Inputs = g.Edges, g.Edges, g.Edges
	return g
}

func vertex(g *graph.JobGraph, name string, parallelism int) *graph.JobVertex {
	op := &graph.ChainedOperator{ID: ident.Derive(name), Name: name, Description: name, Kind: name}
	v := &graph.JobVertex{
		ID: op.ID, Name: name, Parallelism: parallelism, MaxParallelism: 128, SlotSharingGroup: "default", Operators: []*graph.ChainedOperator{op},
	}
	g.Vertices = append(g.Vertices, v)
	return v
}
