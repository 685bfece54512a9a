package streamtest

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/task"
)

// Harness runs the operators of a program in the goroutine of a test:
//
//	New -> sending, SetProcessingTime, Snapshot, Restore ... -> EndInput -> closed with the test
type Harness struct {
	t       T
	env     *stream.Environment
	options options
	clock   *clock.Manual

	job       *graph.JobGraph
	tasks     []*task.Task
	operators []*observed
	feeds     []feed
	// restored is what operators are given when they are made.
	restored *Snapshot
	// deliveries counts what was taken from exchanges.
	deliveries int
	// turning says that the clock is being set, or operators are being restored: processing-time timers fire.
	turning bool
	// snapshotting has actions wait, in held: what an operator emits when its state was taken must not be part of that of
	// another one behind it.
	snapshotting bool
	snapshots    ident.CheckpointID
	held         []func()
	// woken has something when an operator's own goroutine has asked for attention.
	woken        chan struct{}
	accumulators *accumulator.Set
	failure      error
}

// feed is a Feed without its type.
type feed interface {
	send(item event)
}

// New builds the operators of a program and opens them. They are closed when the test ends. A mistake in the program, and
// whatever fails later on, fails the test.
func New(t T, env *stream.Environment, opts ...Option) *Harness {
	t.Helper()
	h := &Harness{t: t, env: env, woken: make(chan struct{}, 1), accumulators: new(accumulator.Set)}
	for _, option := range opts {
		option(&h.options)
	}
	h.clock = clock.NewManual(time.UnixMilli(h.options.start))
	t.Cleanup(h.close)
	h.start(h.options.restored)
	return h
}

// start replaces the operators by new ones.
func (h *Harness) start(from *Snapshot) {
	h.t.Helper()
	h.close()
	h.restored, h.failure = from, nil
	if err := h.build(); err != nil {
		h.t.Fatalf("%v", err)
	}
	h.turning = true
	for i := len(h.tasks) - 1; i >= 0; i-- {
		if err := h.tasks[i].Open(); err != nil {
			h.t.Fatalf("%v", err)
		}
	}
	h.run()
	h.turning = false
}

// build makes a task for each subtask, the producers before the consumers, and the channels between them.
func (h *Harness) build() (err error) {
	if h.job, err = h.compile(); err != nil {
		return err
	}
	if err := h.restored.check(h.job); err != nil {
		return err
	}
	channels := make([][][]any, len(h.job.Edges)) // by edge, producer and consumer
	for _, e := range h.job.Edges {
		perProducer := make([][]any, e.From.Parallelism)
		for p := range perProducer {
			perProducer[p] = make([]any, e.To.Parallelism)
			for _, c := range graph.Connections(e, p) {
				perProducer[p][c] = e.Stream.Type.NewChannel(channelCredits)
			}
		}
		channels[e.Index] = perProducer
	}
	for _, v := range h.job.Vertices {
		for subtask := range v.Parallelism {
			spec := h.spec(v, subtask)
			for _, e := range v.Inputs {
				in := task.Edge{Edge: e}
				for _, p := range graph.Producers(e, subtask) {
					in.Channels = append(in.Channels, channels[e.Index][p][subtask])
				}
				spec.Inputs = append(spec.Inputs, in)
			}
			for _, e := range v.Outputs {
				out := task.Edge{Edge: e}
				for _, c := range graph.Connections(e, subtask) {
					out.Channels = append(out.Channels, channels[e.Index][subtask][c])
				}
				spec.Outputs = append(spec.Outputs, out)
			}
			made, err := task.New(spec)
			if err != nil {
				return err
			}
			h.tasks = append(h.tasks, made)
		}
	}
	return nil
}

// Sizes of batches and channels: small, so that tests of many records see several batches.
const (
	channelCredits = 4
	batchRecords   = 256
)

func (h *Harness) spec(v *graph.JobVertex, subtask int) task.Spec {
	backend := h.options.backend
	if backend == "" {
		backend = string(config.Get(h.env.Configuration(), config.StateBackendType))
	}
	log := slog.New(slog.DiscardHandler)
	return task.Spec{
		Execution: ident.ExecutionID{Job: h.job.ID, Vertex: v.ID, Subtask: ident.SubtaskIndex(subtask)},
		JobName:   h.job.Name, Vertex: v, Clock: h.clock, Log: log, Accumulators: h.accumulators,
		Metrics: metrics.NewRegistry(h.clock, func(string) {}).Root(metrics.LevelTask),
		Settings: task.Settings{
			SliceNanos: int64(time.Millisecond), SliceRecords: batchRecords, BufferTimeout: math.MaxInt64,
			Limits:      exchange.Limits{MinRecords: batchRecords, MaxRecords: batchRecords, Bytes: 1 << 20, Credits: channelCredits},
			ObjectReuse: h.options.objectReuse, Backend: backend,
		},
		SendToCoordinator: func(ident.ExecutionID, ident.OperatorID, []byte) {},
	}
}

// close ends what runs.
func (h *Harness) close() {
	for _, t := range h.tasks {
		t.Cancel()
		t.RunUntilBlocked()
	}
	h.tasks, h.operators, h.feeds = nil, nil, nil
}

// run works until there is nothing left to do.
func (h *Harness) run() { h.runFrom(0) }

// runFrom is run of the tasks from one on. A pass over tasks, producers first, in which no consumer found anything leaves
// nothing behind: what a producer has begun it publishes as soon as its channel is empty.
func (h *Harness) runFrom(first int) {
	for before := -1; before != h.deliveries && h.failure == nil; {
		before = h.deliveries
		for _, t := range h.tasks[first:] {
			if reason, _ := t.RunUntilBlocked(); reason == task.Ended && t.Err() != nil {
				h.failure = t.Err()
				return
			}
		}
	}
}

// Run has the operators do what has become possible since the last call of the harness: work on what goroutines of the test
// have completed, for instance.
func (h *Harness) Run() {
	h.t.Helper()
	h.settle()
}

// settle runs, and fails the test if an operator has failed.
func (h *Harness) settle() {
	h.t.Helper()
	h.run()
	if h.failure != nil {
		h.t.Fatalf("%v", h.failure)
	}
}

// SetProcessingTime sets the clock, to milliseconds since the epoch, and fires the processing-time timers up to and including
// that time. It does not go back. Timers see the new time, also those that were due earlier.
func (h *Harness) SetProcessingTime(millis int64) {
	h.t.Helper()
	by := millis - h.ProcessingTime()
	if by < 0 {
		h.t.Fatalf("SetProcessingTime(%d): the clock shows %d and does not go back", millis, h.ProcessingTime())
	}
	h.clock.Advance(time.Duration(by) * time.Millisecond)
	h.turning = true
	for _, o := range h.operators {
		o.release()
	}
	h.settle()
	h.turning = false
}

// ProcessingTime is what the clock shows, in milliseconds since the epoch.
func (h *Harness) ProcessingTime() int64 { return h.clock.Now().UnixMilli() }

// EndInput sends the last watermark through all inputs and then ends all of them that have not ended yet.
func (h *Harness) EndInput() {
	h.t.Helper()
	for _, f := range h.feeds {
		f.send(event{kind: Watermark, at: math.MaxInt64})
	}
	h.settle()
	for _, f := range h.feeds {
		f.send(event{kind: ended})
	}
	h.settle()
}

// awaitPatience is how long Await waits.
const awaitPatience = 10 * time.Second

// Await waits until a condition holds while functions that have goroutines of their own, such as those of asynchronous
// operators, do their work. It fails the test if that takes more than ten seconds.
func (h *Harness) Await(what string, condition func() bool) {
	h.t.Helper()
	system := clock.System()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer system.AfterFunc(awaitPatience, cancel).Stop()
	for h.settle(); !condition(); h.settle() {
		select {
		case <-h.woken:
		case <-ctx.Done():
			h.t.Fatalf("waited %v in vain: %s", awaitPatience, what)
		}
	}
}

// observe wraps the factory of an operator, so that the harness knows each instance and stands between it and its task.
func (h *Harness) observe(factory operator.Factory) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		o := &observed{harness: h, ctx: ctx, callAt: ctx.CallAt, waiting: operator.NoCall}
		ctx.CallAt = o.CallAt
		ctx.Task = subtask{ctx.Task, h}
		ctx.Restored = h.restored.of(ctx.ID)
		instance, err := factory(ctx, out)
		if err != nil {
			return operator.Instance{}, fmt.Errorf("operator %q: %w", ctx.Name, err)
		}
		o.operator = instance.Operator
		h.operators = append(h.operators, o)
		return instance, nil
	}
}

// observed is an operator of one subtask.
type observed struct {
	harness  *Harness
	ctx      *operator.Context
	operator operator.Operator
	callAt   func(int64)
	// waiting is when a call was asked for that waits for the clock to be set.
	waiting int64
}

// CallAt is the operator's Context.CallAt.
func (o *observed) CallAt(at int64) {
	h := o.harness
	if h.options.dueTimersWait && !h.turning && at <= h.ProcessingTime() {
		o.waiting = at
		o.callAt(operator.NoCall)
		return
	}
	o.waiting = operator.NoCall
	o.callAt(at)
}

// release asks the task for the call that has waited.
func (o *observed) release() {
	if o.waiting != operator.NoCall {
		o.callAt(o.waiting)
		o.waiting = operator.NoCall
	}
}

// subtask is an operator's subtask, which tells the harness when it is woken.
type subtask struct {
	operator.Task
	harness *Harness
}

// Wake implements operator.Task.
func (s subtask) Wake() {
	s.Task.Wake()
	s.harness.wake()
}

// Do implements operator.Task.
func (s subtask) Do(run func()) {
	s.Task.Do(func() {
		if s.harness.snapshotting {
			s.harness.held = append(s.harness.held, func() { s.Task.Do(run) })
			return
		}
		run()
	})
	s.harness.wake()
}

// Await implements operator.Task. The test cannot do anything meanwhile: only goroutines of the operators can.
func (s subtask) Await(done func() bool) error {
	patience := clock.System().NewTimer(awaitPatience)
	defer patience.Stop()
	for !done() {
		select {
		case <-s.harness.woken:
		case <-patience.C():
			return errInVain
		}
	}
	return nil
}

var errInVain = fmt.Errorf("an operator has waited %v for results of its asynchronous function, which did not come: complete them before the input ends", awaitPatience)

func (h *Harness) wake() {
	select {
	case h.woken <- struct{}{}:
	default:
	}
}
