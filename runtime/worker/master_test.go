package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand"
	"runtime"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/sink"
	"github.com/weir-stream/weir/runtime/operator/source"
	"github.com/weir-stream/weir/runtime/operator/transform"
	"github.com/weir-stream/weir/runtime/task"
)

// master is a JobMaster as far as a worker can tell: the test says what to send, and relays what source readers and
// coordinators have for each other. Every message is marshaled on its way.
type master struct {
	t    testing.TB
	job  *graph.JobGraph
	host *Host
	// second is another host of the job, if there is one, for what elsewhere says; coordinators are at the first.
	second    *Host
	elsewhere func(ident.ExecutionID) bool

	mu   sync.Mutex
	come *sync.Cond
	got  []*message.FromWorker
	// relay says that coordinators and readers are connected.
	relay bool
	epoch uint64
}

func newMaster(t testing.TB, p *program, parallelism int) *master {
	t.Helper()
	return newMasterAt(t, p, parallelism, clock.System())
}

func newMasterAt(t testing.TB, p *program, parallelism int, c clock.Clock, change ...func(*Config)) *master {
	t.Helper()
	job, err := graph.Compile(&p.graph, graph.Options{JobID: ident.NewID(), Name: "test", DefaultParallelism: parallelism, Chaining: true})
	if err != nil {
		t.Fatal(err)
	}
	m := &master{t: t, job: job, relay: true}
	m.come = sync.NewCond(&m.mu)
	config := Config{
		Program: job, Clock: c, Log: slog.New(slog.DiscardHandler),
		Metrics: metrics.NewRegistry(c, func(string) {}).Root(metrics.LevelTaskManagerJob),
		Report:  m.report,
		Settings: task.Settings{
			SliceNanos: 1e6, SliceRecords: 64, BufferTimeout: 1e8, ObjectReuse: true, Backend: "hashmap",
			Limits: exchange.Limits{MinRecords: 4, MaxRecords: 4, Bytes: 1, Credits: 2},
		},
	}
	for _, f := range change {
		f(&config)
	}
	m.host = startHost(t, config)
	return m
}

func startHost(t testing.TB, config Config) *Host {
	h := NewHost(config)
	t.Cleanup(func() {
		h.Close()
		within(t, func() { <-h.Closed() })
	})
	return h
}

func (m *master) report(from *message.FromWorker) {
	from = roundTrip(m.t, from, new(message.FromWorker))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, from)
	m.come.Broadcast()
	if !m.relay {
		return
	}
	switch body := from.Body.(type) {
	case *message.FromWorker_TaskState:
		if v := m.vertexOf(body.TaskState); body.TaskState.State == message.TaskState_RUNNING && v.Head().Coordinated {
			e := body.TaskState.Execution
			m.host.Send(&message.ToWorker{LeaderEpoch: m.epoch, Body: &message.ToWorker_SubtaskReady{SubtaskReady: &message.SubtaskReady{
				Operator: message.IDBytes(v.Head().ID), Subtask: e.Subtask, Attempt: e.Attempt,
			}}})
		}
	case *message.FromWorker_ToCoordinator:
		m.host.Send(&message.ToWorker{LeaderEpoch: m.epoch, Body: &message.ToWorker_ToCoordinator{ToCoordinator: body.ToCoordinator}})
	case *message.FromWorker_ToSubtask:
		id, _ := body.ToSubtask.Execution.Ident()
		m.hostOf(id).Send(&message.ToWorker{LeaderEpoch: m.epoch, Body: &message.ToWorker_ToSubtask{ToSubtask: body.ToSubtask}})
	}
}

func roundTrip[M proto.Message](t testing.TB, in, out M) M {
	encoded, err := proto.Marshal(in)
	if err == nil {
		err = proto.Unmarshal(encoded, out)
	}
	if err != nil {
		t.Errorf("a message cannot be sent: %v", err)
	}
	return out
}

func (m *master) vertexOf(s *message.TaskStateChanged) *graph.JobVertex {
	id, _ := s.Execution.Ident()
	return m.job.Vertex(id.Vertex)
}

// hostOf is where an attempt runs.
func (m *master) hostOf(id ident.ExecutionID) *Host {
	if m.second != nil && m.elsewhere(id) {
		return m.second
	}
	return m.host
}

// location is how the host of one attempt finds that of another one.
func (m *master) location(from, to ident.ExecutionID) string {
	if m.hostOf(from) == m.hostOf(to) {
		return ""
	}
	return m.hostOf(to).config.Network.Location()
}

func (m *master) send(to *message.ToWorker) { m.sendTo(m.host, to) }

func (m *master) sendTo(host *Host, to *message.ToWorker) {
	m.mu.Lock()
	to.LeaderEpoch = m.epoch
	m.mu.Unlock()
	host.Send(roundTrip(m.t, to, new(message.ToWorker)))
}

// await returns the first message from position from on for which match holds, once it has come.
func await[B any](m *master, from int, match func(B) bool) (found B, at int) {
	m.t.Helper()
	within(m.t, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for at = from; ; at++ {
			for at >= len(m.got) {
				m.come.Wait()
			}
			if body, ok := m.got[at].Body.(any).(B); ok && match(body) {
				found = body
				return
			}
		}
	})
	return found, at
}

// settle returns when the host has done all that it was sent.
func (m *master) settle() {
	m.t.Helper()
	done := make(chan struct{})
	m.host.loop.do(func() { close(done) })
	within(m.t, func() { <-done })
}

// states are those that an attempt has reported.
func (m *master) states(id ident.ExecutionID) (all []message.TaskState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, from := range m.got {
		if s := from.GetTaskState(); s != nil {
			if got, _ := s.Execution.Ident(); got == id {
				all = append(all, s.State)
			}
		}
	}
	return all
}

func (m *master) awaitState(id ident.ExecutionID, state message.TaskState) *message.TaskStateChanged {
	m.t.Helper()
	body, _ := await(m, 0, func(b *message.FromWorker_TaskState) bool {
		got, _ := b.TaskState.Execution.Ident()
		return got == id && b.TaskState.State == state
	})
	return body.TaskState
}

func (m *master) vertex(name string) *graph.JobVertex {
	for _, v := range m.job.Vertices {
		for _, op := range v.Operators {
			if op.Node.Name == name {
				return v
			}
		}
	}
	m.t.Fatalf("no vertex has an operator %q", name)
	return nil
}

func (m *master) execution(name string, subtask, attempt int) ident.ExecutionID {
	return ident.ExecutionID{Job: m.job.ID, Vertex: m.vertex(name).ID, Subtask: ident.SubtaskIndex(subtask), Attempt: int32(attempt)}
}

// all are the executions of every subtask.
func (m *master) all(attempt int) (all []ident.ExecutionID) {
	for _, v := range m.job.Vertices {
		for s := range v.Parallelism {
			all = append(all, ident.ExecutionID{Job: m.job.ID, Vertex: v.ID, Subtask: ident.SubtaskIndex(s), Attempt: int32(attempt)})
		}
	}
	return all
}

// deploy deploys attempts whose peers are of the same attempt, in the given order.
func (m *master) deploy(ids ...ident.ExecutionID) {
	for _, id := range ids {
		v := m.job.Vertex(id.Vertex)
		d := &message.Deploy{Execution: message.NewExecutionID(id)}
		for _, e := range v.Inputs {
			gate := &message.InputGate{Edge: int32(e.Index)}
			for _, p := range graph.Producers(e, int(id.Subtask)) {
				peer := ident.ExecutionID{Job: id.Job, Vertex: e.From.ID, Subtask: ident.SubtaskIndex(p), Attempt: id.Attempt}
				gate.Producers = append(gate.Producers, &message.PeerAttempt{Subtask: int32(p), Attempt: id.Attempt, Location: m.location(id, peer)})
			}
			d.Inputs = append(d.Inputs, gate)
		}
		for _, e := range v.Outputs {
			partition := &message.ResultPartition{Edge: int32(e.Index)}
			for _, c := range graph.Connections(e, int(id.Subtask)) {
				peer := ident.ExecutionID{Job: id.Job, Vertex: e.To.ID, Subtask: ident.SubtaskIndex(c), Attempt: id.Attempt}
				partition.Consumers = append(partition.Consumers, &message.PeerAttempt{Subtask: int32(c), Attempt: id.Attempt, Location: m.location(id, peer)})
			}
			d.Outputs = append(d.Outputs, partition)
		}
		m.sendTo(m.hostOf(id), &message.ToWorker{Body: &message.ToWorker_Deploy{Deploy: d}})
	}
}

func (m *master) cancel(ids ...ident.ExecutionID) {
	for _, id := range ids {
		m.sendTo(m.hostOf(id), &message.ToWorker{Body: &message.ToWorker_CancelTask{CancelTask: &message.CancelTask{Execution: message.NewExecutionID(id)}}})
	}
}

func (m *master) startCoordinator(name string, attempt int32) {
	v := m.vertex(name)
	m.send(&message.ToWorker{Body: &message.ToWorker_StartCoordinator{StartCoordinator: &message.StartCoordinator{
		Operator: message.IDBytes(v.Head().ID), Vertex: message.IDBytes(v.ID), Attempt: attempt, Parallelism: int32(v.Parallelism),
	}}})
}

func (m *master) stopCoordinator(name string, attempt int32) {
	m.send(&message.ToWorker{Body: &message.ToWorker_StopCoordinator{StopCoordinator: &message.StopCoordinator{
		Operator: message.IDBytes(m.vertex(name).Head().ID), Attempt: attempt,
	}}})
}

func (m *master) ready(name string, subtask, attempt int32) {
	m.send(&message.ToWorker{Body: &message.ToWorker_SubtaskReady{SubtaskReady: &message.SubtaskReady{
		Operator: message.IDBytes(m.vertex(name).Head().ID), Subtask: subtask, Attempt: attempt,
	}}})
}

// fail tells the coordinator that an attempt is gone and its subtask starts anew.
func (m *master) gone(name string, subtask, attempt int32) {
	op := message.IDBytes(m.vertex(name).Head().ID)
	m.send(&message.ToWorker{Body: &message.ToWorker_SubtaskGone{SubtaskGone: &message.SubtaskGone{Operator: op, Subtask: subtask, Attempt: attempt}}})
	m.send(&message.ToWorker{Body: &message.ToWorker_SubtaskReset{SubtaskReset: &message.SubtaskReset{Operator: op, Subtask: subtask}}})
}

func (m *master) request(id ident.ExecutionID, coordinator int32) {
	op := m.job.Vertex(id.Vertex).Head().ID
	m.send(&message.ToWorker{Body: &message.ToWorker_ToCoordinator{ToCoordinator: &message.SubtaskToCoordinator{
		Operator: message.IDBytes(op), Execution: message.NewExecutionID(id), Event: source.EncodeRequest(), CoordinatorAttempt: coordinator,
	}}})
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

// program is a stream graph of records of int64.
type program struct{ graph graph.StreamGraph }

func (p *program) add(n *graph.StreamNode, from ...*graph.StreamNode) *graph.StreamNode {
	n.ID, n.OutType, n.Kind = len(p.graph.Nodes)+1, "int64", n.Name
	for _, f := range from {
		n.InTypes = []string{"int64"}
		n.Inputs = append(n.Inputs, &graph.StreamEdge{From: f, To: n, Unset: true, Type: edge{}})
	}
	p.graph.Nodes = append(p.graph.Nodes, n)
	return n
}

func (p *program) source(name string, s *testSource) *graph.StreamNode {
	return p.add(&graph.StreamNode{
		Name: name, Role: graph.Source, Bounded: true, Factory: source.Operator[int64](s),
		NewEnumerator: connector.EnumeratorFactory(s.NewEnumerator),
	})
}

func (p *program) mapping(name string, f func(int64) int64, from ...*graph.StreamNode) *graph.StreamNode {
	n := p.add(&graph.StreamNode{Name: name, Factory: transform.Map(func() func(int64) int64 { return f })}, from...)
	n.Chaining = graph.ChainNever
	return n
}

func (p *program) sink(name string, s *testSink, from ...*graph.StreamNode) *graph.StreamNode {
	return p.add(&graph.StreamNode{Name: name, Role: graph.Sink, Factory: sink.Operator[int64](s)}, from...)
}

type edge struct{}

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
func (edge) NewWriter(w graph.WriterConfig, channels []any) (exchange.Output, any, error) {
	var typed []*exchange.Channel[int64]
	for _, c := range channels {
		typed = append(typed, c.(*exchange.Channel[int64]))
	}
	writer := exchange.NewWriter(typed, &exchange.Rebalance[int64]{Next: w.Producer}, w.Limits)
	return writer, operator.Input[int64](writer), nil
}

// testSource has splits of ten numbers each, which its enumerator hands out one by one. A reader whose split is called
// "endless" never ends it.
type testSource struct {
	splits int
	first  string // instead of the first split's name

	mu     sync.Mutex
	starts int
	closes int
	back   []string
	// at, if set, is called in the enumerator's methods.
	at func(method string, ctx connector.EnumeratorContext) error
}

func (s *testSource) Name() string  { return "numbers" }
func (s *testSource) Bounded() bool { return true }

func (s *testSource) NewEnumerator(ctx connector.EnumeratorContext) (connector.Enumerator, error) {
	e := &enumerator{source: s, ctx: ctx}
	for i := range s.splits {
		e.left = append(e.left, connector.Split{ID: fmt.Sprint(i), State: []byte{byte(i)}})
	}
	if s.first != "" {
		e.left[0].ID = s.first
	}
	return e, e.call("new")
}

type enumerator struct {
	source *testSource
	ctx    connector.EnumeratorContext
	left   []connector.Split
}

func (e *enumerator) call(method string) error {
	if e.source.at == nil {
		return nil
	}
	return e.source.at(method, e.ctx)
}

func (e *enumerator) Start() error {
	e.source.mu.Lock()
	e.source.starts++
	e.source.mu.Unlock()
	return e.call("start")
}

func (e *enumerator) AddReader(int) error { return e.call("add reader") }

func (e *enumerator) RequestSplit(subtask int) error {
	if err := e.call("request"); err != nil {
		return err
	}
	if len(e.left) == 0 {
		e.ctx.NoMoreSplits(subtask)
		return nil
	}
	e.ctx.Assign(subtask, e.left[0])
	e.left = e.left[1:]
	return nil
}

func (e *enumerator) AddSplitsBack(_ int, splits []connector.Split) error {
	e.source.mu.Lock()
	defer e.source.mu.Unlock()
	for _, s := range splits {
		e.source.back = append(e.source.back, s.ID)
	}
	e.left = append(splits, e.left...)
	return nil
}

func (e *enumerator) Snapshot() ([]byte, error) { return nil, nil }
func (e *enumerator) Restore([]byte) error      { return errors.New("there are no snapshots") }
func (e *enumerator) Close() error {
	e.source.mu.Lock()
	e.source.closes++
	e.source.mu.Unlock()
	return e.call("close")
}

func (s *testSource) NewReader(ctx connector.ReaderContext) (connector.Reader[int64], error) {
	return &numbers{ctx: ctx}, nil
}

type numbers struct {
	ctx     connector.ReaderContext
	endless bool
	todo    []int64
	noMore  bool
}

func (r *numbers) Open() error { r.ctx.RequestSplit(); return nil }
func (r *numbers) AddSplits(splits []connector.Split) error {
	for _, s := range splits {
		r.endless = r.endless || s.ID == "endless"
		for i := range int64(10) {
			r.todo = append(r.todo, int64(s.State[0])*10+i)
		}
	}
	return nil
}
func (r *numbers) NoMoreSplits() { r.noMore = true }
func (r *numbers) Poll(out *connector.Output[int64]) (connector.Status, error) {
	if len(r.todo) == 0 && r.noMore {
		return connector.Ended, nil
	}
	had := len(r.todo) > 0
	for out.Room() > 0 && len(r.todo) > 0 {
		out.Emit(r.todo[0])
		r.todo = r.todo[1:]
	}
	if had && len(r.todo) == 0 && !r.endless {
		r.ctx.RequestSplit()
	}
	return connector.Waiting, nil
}
func (r *numbers) Snapshot() ([]connector.Split, error) { return nil, nil }
func (r *numbers) Close() error                         { return nil }

// testSink gathers what all its writers get.
type testSink struct {
	mu     sync.Mutex
	values []int64
	opens  int
	closes int
	at     func(ctx connector.WriterContext, value int64) error
}

func (s *testSink) Name() string { return "sink" }
func (s *testSink) NewWriter(ctx connector.WriterContext) (connector.Writer[int64], error) {
	return &writer{s, ctx}, nil
}

type writer struct {
	*testSink
	ctx connector.WriterContext
}

func (w *writer) Open() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opens++
	return nil
}
func (w *writer) Write(b *element.Batch[int64]) error {
	for _, v := range b.Values {
		if w.at != nil {
			if err := w.at(w.ctx, v); err != nil {
				return err
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.values = append(w.values, b.Values...)
	return nil
}
func (w *writer) Flush(bool) error { return nil }
func (w *writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closes++
	return nil
}

func shuffled(random *rand.Rand, ids []ident.ExecutionID) []ident.ExecutionID {
	random.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return ids
}
