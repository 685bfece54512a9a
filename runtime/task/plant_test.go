package task

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/sink"
	"github.com/weir-stream/weir/runtime/operator/source"
)

// The tests of this package wire tasks by hand, without a worker: a sketch is a program, a plant its tasks.

// edge joins the ends of an edge with records of int64.
type edge struct {
	partitioner func(graph.WriterConfig) exchange.Partitioner[int64]
}

func (edge) NewChannel(credits int) any { return exchange.NewChannel[int64](credits) }
func (edge) NewSendingChannel(to *transport.Sender, name string) (any, error) {
	return exchange.SendingChannelOf[int64](to, name)
}
func (edge) NewReceivingChannel(from *transport.Receiver, name string) (any, error) {
	return exchange.ReceivingChannelOf[int64](from, name)
}
func (edge) CheckRemote() error { return nil }

func (edge) NewReaders(channels []any, head any) (all []exchange.InputChannel) {
	for _, c := range channels {
		all = append(all, exchange.NewReader(c.(*exchange.Channel[int64]), head.(operator.Input[int64])))
	}
	return all
}

func (e edge) NewWriter(w graph.WriterConfig, channels []any) (exchange.Output, any, error) {
	var typed []*exchange.Channel[int64]
	for _, c := range channels {
		typed = append(typed, c.(*exchange.Channel[int64]))
	}
	var p exchange.Partitioner[int64] = &exchange.Rebalance[int64]{Next: w.Producer}
	switch {
	case e.partitioner != nil:
		p = e.partitioner(w)
	case w.Partitioning == graph.Forward:
		p = exchange.Forward[int64]{}
	}
	writer := exchange.NewWriter(typed, p, w.Limits)
	return writer, operator.Input[int64](writer), nil
}

type sketch struct {
	graph graph.StreamGraph
}

func (s *sketch) add(n *graph.StreamNode) *graph.StreamNode {
	n.ID = len(s.graph.Nodes) + 1
	n.OutType, n.Kind = "int64", n.Name
	s.graph.Nodes = append(s.graph.Nodes, n)
	return n
}

func (s *sketch) source(name string, newReader func(connector.ReaderContext) connector.Reader[int64]) *graph.StreamNode {
	return s.add(&graph.StreamNode{
		Name: name, Role: graph.Source, Bounded: true,
		Factory:       source.Operator[int64](testSource{newReader}),
		NewEnumerator: connector.EnumeratorFactory(nil),
	})
}

// op adds an operator that reads from nodes, in a chain with them where it can be.
func (s *sketch) op(name string, factory operator.Factory, from ...*graph.StreamNode) *graph.StreamNode {
	n := s.add(&graph.StreamNode{Name: name, Factory: factory, InTypes: []string{"int64"}})
	for _, f := range from {
		s.connect(f, n, 0)
	}
	return n
}

func (s *sketch) connect(from, to *graph.StreamNode, input int) *graph.StreamEdge {
	e := &graph.StreamEdge{From: from, To: to, Input: input, Unset: true, Type: edge{}}
	to.Inputs = append(to.Inputs, e)
	return e
}

// apart keeps an operator in a task of its own.
func apart(n *graph.StreamNode) *graph.StreamNode {
	n.Chaining = graph.ChainNever
	return n
}

func (s *sketch) sink(name string, w func(connector.WriterContext) connector.Writer[int64], from ...*graph.StreamNode) *graph.StreamNode {
	n := s.op(name, sink.Operator[int64](testSink{w}), from...)
	n.Role = graph.Sink
	return n
}

// plant is the tasks of a program, none of them running.
type plant struct {
	registry *metrics.Registry
	t        testing.TB
	job      *graph.JobGraph
	clock    clock.Clock
	tasks    []*Task
	drained  atomic.Int32
	// requests counts what readers asked of their enumerators.
	requests atomic.Int32
	// checkpoints is nil for a job that takes none.
	checkpoints Checkpoints
}

var small = Settings{
	SliceNanos: milli, SliceRecords: 64, BufferTimeout: 100 * milli, ObjectReuse: true, Backend: "hashmap",
	Limits: exchange.Limits{MinRecords: 4, MaxRecords: 4, Bytes: 1, Credits: 2},
}

func (s *sketch) compile(t testing.TB, parallelism int) *graph.JobGraph {
	t.Helper()
	job, err := graph.Compile(&s.graph, graph.Options{Name: "test", DefaultParallelism: parallelism, Chaining: true})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func (s *sketch) build(t testing.TB, c clock.Clock, settings Settings, parallelism int) *plant {
	t.Helper()
	return s.buildWith(t, c, settings, parallelism, nil)
}

func (s *sketch) buildWith(t testing.TB, c clock.Clock, settings Settings, parallelism int, checkpoints Checkpoints) *plant {
	t.Helper()
	p := &plant{t: t, clock: c, job: s.compile(t, parallelism), checkpoints: checkpoints}
	for _, task := range p.wire(settings) {
		if task.err != nil {
			t.Fatal(task.err)
		}
		p.tasks = append(p.tasks, task.task)
	}
	return p
}

type built struct {
	task *Task
	err  error
}

// wire makes the tasks of all vertices, and the channels between them.
func (p *plant) wire(settings Settings) (all []built) {
	type key struct{ edge, producer, consumer int }
	channels := map[key]any{}
	channel := func(e *graph.JobEdge, producer, consumer int) any {
		k := key{e.Index, producer, consumer}
		if channels[k] == nil {
			channels[k] = e.Stream.Type.NewChannel(settings.Limits.Credits)
		}
		return channels[k]
	}
	p.registry = metrics.NewRegistry(p.clock, func(string) {})
	group := p.registry.Root(metrics.LevelTaskManagerJob)
	for _, v := range p.job.Vertices {
		for subtask := range v.Parallelism {
			spec := Spec{
				Execution: ident.ExecutionID{Vertex: v.ID, Subtask: ident.SubtaskIndex(subtask)}, JobName: p.job.Name, Vertex: v,
				Settings: settings, Clock: p.clock, Log: slog.New(slog.DiscardHandler), Accumulators: new(accumulator.Set),
				Metrics:           group.Child(metrics.LevelTask, metrics.Variable{Name: metrics.TaskID, Value: fmt.Sprint(v.ID, subtask)}),
				SendToCoordinator: func(ident.ExecutionID, ident.OperatorID, []byte) { p.requests.Add(1) },
				JobMetrics:        group,
				Drained:           func(ident.ExecutionID) { p.drained.Add(1) },
				Checkpoints:       p.checkpoints,
			}
			for _, e := range v.Inputs {
				in := Edge{Edge: e}
				for _, producer := range graph.Producers(e, subtask) {
					in.Channels = append(in.Channels, channel(e, producer, subtask))
				}
				spec.Inputs = append(spec.Inputs, in)
			}
			for _, e := range v.Outputs {
				out := Edge{Edge: e}
				for _, consumer := range graph.Connections(e, subtask) {
					out.Channels = append(out.Channels, channel(e, subtask, consumer))
				}
				spec.Outputs = append(spec.Outputs, out)
			}
			task, err := New(spec)
			all = append(all, built{task, err})
		}
	}
	return all
}

// task returns the subtask of the vertex with an operator of that name.
func (p *plant) task(name string, subtask int) *Task {
	for _, task := range p.tasks {
		for _, op := range task.spec.Vertex.Operators {
			if op.Node.Name == name && int(task.spec.Execution.Subtask) == subtask {
				return task
			}
		}
	}
	p.t.Fatalf("no task has an operator %q", name)
	return nil
}

func (p *plant) open() *plant {
	p.t.Helper()
	for _, task := range p.tasks {
		if err := task.Open(); err != nil {
			p.t.Fatal(err)
		}
	}
	return p
}

// run gives every task its turn until all have ended, from one goroutine.
func (p *plant) run() {
	p.t.Helper()
	for range 100_000 {
		left := 0
		for _, task := range p.tasks {
			if reason, _ := task.RunUntilBlocked(); reason != Ended {
				left++
			}
		}
		if left == 0 {
			return
		}
	}
	p.t.Fatal("no end in sight")
}

// drive gives every task a goroutine and waits until all have ended.
func (p *plant) drive() {
	p.t.Helper()
	var all sync.WaitGroup
	for _, task := range p.tasks {
		all.Go(func() { _ = task.Drive() })
	}
	within(p.t, all.Wait)
}

// within fails with all stacks if f does not return.
func within(t testing.TB, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	timer := clock.System().NewTimer(20 * time.Second)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C():
		stacks := make([]byte, 1<<16)
		t.Fatalf("it hangs\n%s", stacks[:runtime.Stack(stacks, true)])
	}
}

// testSource is a source whose readers are made by a function.
type testSource struct {
	newReader func(connector.ReaderContext) connector.Reader[int64]
}

func (testSource) Name() string  { return "source" }
func (testSource) Bounded() bool { return true }
func (testSource) NewEnumerator(connector.EnumeratorContext) (connector.Enumerator, error) {
	return nil, errors.New("there is none")
}
func (s testSource) NewReader(ctx connector.ReaderContext) (connector.Reader[int64], error) {
	return s.newReader(ctx), nil
}

// script is a reader that does what its functions say; a nil one does nothing.
type script struct {
	opened func() error
	splits func([]connector.Split) error
	poll   func(*connector.Output[int64]) (connector.Status, error)
	noMore func()
	closed func() error
}

func (s *script) Open() error {
	if s.opened != nil {
		return s.opened()
	}
	return nil
}

func (s *script) AddSplits(splits []connector.Split) error {
	if s.splits != nil {
		return s.splits(splits)
	}
	return nil
}

func (s *script) NoMoreSplits() {
	if s.noMore != nil {
		s.noMore()
	}
}

func (s *script) Poll(out *connector.Output[int64]) (connector.Status, error) { return s.poll(out) }
func (s *script) Snapshot() ([]connector.Split, error)                        { return nil, nil }

func (s *script) Close() error {
	if s.closed != nil {
		return s.closed()
	}
	return nil
}

// counting reads the numbers from 0 to n.
func counting(n int64) func(connector.ReaderContext) connector.Reader[int64] {
	return func(connector.ReaderContext) connector.Reader[int64] {
		next := int64(0)
		return &script{poll: func(out *connector.Output[int64]) (connector.Status, error) {
			for out.Room() > 0 && next < n {
				out.Emit(next)
				next++
			}
			if next == n {
				return connector.Ended, nil
			}
			return connector.More, nil
		}}
	}
}

type testSink struct {
	newWriter func(connector.WriterContext) connector.Writer[int64]
}

func (testSink) Name() string { return "sink" }
func (s testSink) NewWriter(ctx connector.WriterContext) (connector.Writer[int64], error) {
	return s.newWriter(ctx), nil
}

// basin is a writer that keeps what it is given.
type basin struct {
	ctx              connector.WriterContext
	mu               sync.Mutex
	values           []int64
	flushes          []bool
	opens, closes    int
	written, closing func() error
}

func (b *basin) Open() error {
	b.opens++
	return nil
}

func (b *basin) Write(batch *element.Batch[int64]) error {
	b.mu.Lock()
	b.values = append(b.values, batch.Values...)
	b.mu.Unlock()
	if b.written != nil {
		return b.written()
	}
	return nil
}

func (b *basin) Flush(endOfInput bool) error {
	b.flushes = append(b.flushes, endOfInput)
	return nil
}

func (b *basin) Close() error {
	b.closes++
	if b.closing != nil {
		return b.closing()
	}
	return nil
}

func (b *basin) writer(ctx connector.WriterContext) connector.Writer[int64] {
	b.ctx = ctx
	return b
}

func (b *basin) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.values)
}

// nothing is a writer that drops its records.
type nothing struct{}

func (nothing) Open() error                       { return nil }
func (nothing) Write(*element.Batch[int64]) error { return nil }
func (nothing) Flush(bool) error                  { return nil }
func (nothing) Close() error                      { return nil }
