package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime/pprof"
	"slices"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/observe"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/task"
	"github.com/weir-stream/weir/state/keygroup"
)

// deploy builds an attempt and starts its goroutine. One that cannot be built has failed.
func (h *Host) deploy(d *message.Deploy) error {
	execution, err := d.GetExecution().Ident()
	if err != nil {
		return fmt.Errorf("deploy: %w", err)
	}
	if _, known := h.tasks[execution]; known {
		return nil
	}
	h.supersede(execution)
	t := &hosted{}
	h.tasks[execution] = t
	if err := h.adopt(d); err != nil {
		h.end(execution, t, err, nil)
		return nil
	}
	built, accumulators, err := h.build(execution, t, d)
	if err != nil {
		h.end(execution, t, err, nil)
		if t.captures != nil {
			t.captures.close(func() {})
		}
		return nil
	}
	t.task, t.accumulators = built, accumulators
	h.change(execution, t, message.TaskState_INITIALIZING)
	labels := observe.Labeled(context.Background(), execution.Vertex, h.config.Program.Vertex(execution.Vertex).Name, execution.Subtask)
	h.spawn(func() { h.drive(labels, execution, t, accumulators) })
	return nil
}

func (h *Host) spawn(f func()) {
	if h.config.Threads == nil {
		h.running.Go(f)
		return
	}
	h.running.Add(1)
	h.config.Threads.Go(func() {
		defer h.running.Done()
		f()
	})
}

// adopt takes over what the JobMaster has decided otherwise than the program: the max parallelism that a snapshot has fixed, and the parallelism that
// follows the slots. Attempts of another parallelism are over by then.
func (h *Host) adopt(d *message.Deploy) error {
	program, err := withKeyGroups(h.config.Program, d.GetRestore().GetKeyGroups())
	if err != nil {
		return err
	}
	if program, err = withParallelism(program, d.GetParallelism()); err != nil {
		return fmt.Errorf("parallelism: %w", err)
	}
	if program != h.config.Program && h.state.settings.StateMemory > 0 {
		h.state.settings.StateMemory = StateMemory(program)
	}
	h.config.Program = program
	return nil
}

func withKeyGroups(program *graph.JobGraph, fixed []*message.VertexKeyGroups) (*graph.JobGraph, error) {
	differ := map[ident.VertexID]int{}
	for _, f := range fixed {
		id, err := message.ID(f.GetVertex())
		if err != nil {
			return nil, fmt.Errorf("key groups: %w", err)
		}
		v := program.Vertex(id)
		if v == nil {
			return nil, fmt.Errorf("key groups of vertex %s, which this worker's program does not have", id)
		}
		if err := keygroup.CheckMaxParallelism(int(f.GetMaxParallelism()), v.Parallelism); err != nil {
			return nil, fmt.Errorf("key groups of %q: %w", v.Name, err)
		}
		if v.MaxParallelism != int(f.GetMaxParallelism()) {
			differ[id] = int(f.GetMaxParallelism())
		}
	}
	return program.WithMaxParallelism(differ), nil
}

func withParallelism(program *graph.JobGraph, chosen []*message.VertexParallelism) (*graph.JobGraph, error) {
	of := map[ident.VertexID]int{}
	for _, c := range chosen {
		id, err := message.ID(c.GetVertex())
		if err != nil {
			return nil, err
		}
		of[id] = int(c.GetParallelism())
	}
	return program.WithParallelism(of)
}

// supersede forgets the figures of earlier attempts: what is done again must not be counted twice. Until then they tell
// how far a failed attempt came.
func (h *Host) supersede(next ident.ExecutionID) {
	for execution := next; execution.Attempt > 0; {
		execution.Attempt--
		if t := h.tasks[execution]; t != nil && t.metrics != nil {
			t.metrics.Close()
			t.metrics = nil
		}
	}
}

// drive is the goroutine of a subtask, which profiles and sampled stacks tell apart from others by its labels. What it does last is deferred, since user
// code may end the goroutine.
func (h *Host) drive(labels context.Context, execution ident.ExecutionID, t *hosted, accumulators *accumulator.Set) {
	running := t.task
	t.goroutine.Store(goroutineNumber())
	if h.config.Threads == nil {
		pprof.SetGoroutineLabels(labels)
	}
	defer func() {
		running.Close()
		ended := func() { h.loop.do(func() { h.end(execution, t, running.Err(), accumulators) }) }
		if t.captures == nil {
			ended()
			return
		}
		// Until then files may still be written here and in the store, of which nobody would know.
		t.captures.close(ended)
	}()
	if running.Open() == nil {
		h.loop.do(func() { h.change(execution, t, message.TaskState_RUNNING) })
		_ = running.Drive()
	}
}

func (h *Host) build(execution ident.ExecutionID, t *hosted, d *message.Deploy) (*task.Task, *accumulator.Set, error) {
	vertex := h.config.Program.Vertex(execution.Vertex)
	if vertex == nil || execution.Job != h.config.Program.ID {
		return nil, nil, fmt.Errorf("deployment of %s: this worker's program has no such vertex", execution)
	}
	settings, err := h.state.of(execution, vertex)
	if err != nil {
		return nil, nil, err
	}
	accumulators := new(accumulator.Set)
	spec := task.Spec{
		Execution: execution, JobName: h.config.Program.Name, Vertex: vertex, Settings: settings,
		Clock: h.config.Clock, Log: h.config.Log, Awake: &h.awake, Accumulators: accumulators,
		Metrics: h.config.Metrics.Child(metrics.LevelTask,
			metrics.Variable{Name: metrics.TaskID, Value: vertex.ID.String()},
			metrics.Variable{Name: metrics.TaskName, Value: vertex.Name},
			metrics.Variable{Name: metrics.SubtaskIndex, Value: fmt.Sprint(execution.Subtask)},
			metrics.Variable{Name: metrics.TaskAttemptID, Value: fmt.Sprintf("%s_%d_%d", vertex.ID, execution.Subtask, execution.Attempt)},
			metrics.Variable{Name: metrics.TaskAttemptNum, Value: fmt.Sprint(execution.Attempt)}),
		JobMetrics: h.config.Metrics, SendToCoordinator: h.toCoordinator, Drained: h.drained, Sleep: sleep(h.config.Threads),
	}
	h.attachCheckpoints(&spec, t, d)
	t.metrics = spec.Metrics
	for _, gate := range d.GetInputs() {
		edge, err := h.edge(gate.GetEdge())
		if err != nil {
			return nil, nil, err
		}
		in := task.Edge{Edge: edge}
		for _, peer := range gate.GetProducers() {
			channel, err := h.inputChannel(t, edge, peer.GetLocation(), channelKey{
				edge: edge.Index, producer: ident.SubtaskIndex(peer.GetSubtask()), producerTry: peer.GetAttempt(),
				consumer: execution.Subtask, consumerTry: execution.Attempt,
			})
			if err != nil {
				return nil, nil, err
			}
			in.Channels = append(in.Channels, channel)
		}
		spec.Inputs = append(spec.Inputs, in)
	}
	for _, partition := range d.GetOutputs() {
		edge, err := h.edge(partition.GetEdge())
		if err != nil {
			return nil, nil, err
		}
		out := task.Edge{Edge: edge}
		for _, peer := range partition.GetConsumers() {
			channel, err := h.outputChannel(t, edge, peer.GetLocation(), channelKey{
				edge: edge.Index, producer: execution.Subtask, producerTry: execution.Attempt,
				consumer: ident.SubtaskIndex(peer.GetSubtask()), consumerTry: peer.GetAttempt(),
			})
			if err != nil {
				return nil, nil, err
			}
			out.Channels = append(out.Channels, channel)
		}
		spec.Outputs = append(spec.Outputs, out)
	}
	built, err := task.New(spec)
	if err == nil {
		registerTimes(spec.Metrics, h.config.Clock, built.ReadTimes(), built.TakeWaits())
		registerFigures(spec.Metrics, built.Figures())
		registerOperators(spec.Metrics, vertex.Operators, built.Figures(), len(spec.Inputs) == 0, len(spec.Outputs) > 0)
		t.mailboxLatency = spec.Metrics.Histogram("mailboxLatencyMs")
		h.pool.add(built.Figures())
	}
	return built, accumulators, err
}

func (h *Host) edge(index int32) (*graph.JobEdge, error) {
	edges := h.config.Program.Edges
	if index < 0 || int(index) >= len(edges) {
		return nil, fmt.Errorf("deployment names edge %d of %d", index, len(edges))
	}
	return edges[index], nil
}

// channel returns the queue between two attempts: whichever end comes first makes it, the other one takes it out.
func (h *Host) channel(edge *graph.JobEdge, key channelKey) any {
	if c, ok := h.channels[key]; ok {
		delete(h.channels, key)
		return c
	}
	c := edge.Stream.Type.NewChannel(h.config.Settings.Limits.Credits)
	h.channels[key] = c
	return c
}

func (h *Host) cancel(id *message.ExecutionID) error {
	execution, err := id.Ident()
	if err != nil {
		return fmt.Errorf("cancel: %w", err)
	}
	t := h.tasks[execution]
	switch {
	case t == nil:
		// Remembering it keeps a Deploy that comes late from starting what was canceled.
		t = &hosted{}
		h.tasks[execution] = t
		h.end(execution, t, operator.ErrCanceled, nil)
	case t.state.Ended():
		h.report(&message.FromWorker{Body: &message.FromWorker_TaskState{TaskState: t.final}})
	default:
		t.canceling = true
		t.task.Cancel()
	}
	return nil
}

func (h *Host) drain(id *message.ExecutionID) error {
	execution, err := id.Ident()
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	if t := h.tasks[execution]; t != nil && t.task != nil {
		t.task.Drain()
	}
	return nil
}

// drained is called by subtasks.
func (h *Host) drained(execution ident.ExecutionID) {
	h.loop.do(func() {
		h.report(&message.FromWorker{Body: &message.FromWorker_Drained{Drained: &message.TaskDrained{Execution: message.NewExecutionID(execution)}}})
	})
}

func (h *Host) ping(p *message.Ping) error {
	execution, err := p.GetExecution().Ident()
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	t := h.tasks[execution]
	if t == nil || t.task == nil || t.state.Ended() {
		return nil
	}
	t.task.DoUrgently(func() {
		h.loop.do(func() {
			h.report(&message.FromWorker{Body: &message.FromWorker_Pong{Pong: &message.Pong{Execution: p.GetExecution(), Token: p.GetToken()}}})
		})
	})
	return nil
}

func (h *Host) change(execution ident.ExecutionID, t *hosted, state message.TaskState) {
	t.state = state
	h.report(&message.FromWorker{Body: &message.FromWorker_TaskState{TaskState: &message.TaskStateChanged{
		Execution: message.NewExecutionID(execution), State: state,
	}}})
}

// end reports how an attempt ended and lets go of it.
func (h *Host) end(execution ident.ExecutionID, t *hosted, err error, accumulators *accumulator.Set) {
	var failure *message.Failure
	switch {
	case err == nil:
		t.state = message.TaskState_FINISHED
	case errors.Is(err, operator.ErrCanceled):
		t.state = message.TaskState_CANCELED
	default:
		t.state = message.TaskState_FAILED
		failure = failureOf(h.config.Program.Name, execution, err)
	}
	t.final = &message.TaskStateChanged{Execution: message.NewExecutionID(execution), State: t.state, Failure: failure}
	if accumulators != nil {
		t.final.Accumulators = encodeAccumulators(accumulators.Snapshot())
		t.final.Io = ioOf(t.task)
	}
	h.report(&message.FromWorker{Body: &message.FromWorker_TaskState{TaskState: t.final}})
	if t.task != nil {
		h.pool.remove(t.task.Figures())
	}
	t.task = nil
	t.closeChannels(t.state == message.TaskState_FINISHED)
	if err := h.state.ended(execution); err != nil {
		h.config.Log.Warn("local state was not removed", "subtask", execution, "error", err)
	}
	h.dropChannels(execution, t.state)
}

// dropChannels lets go of the channels whose other end has not been deployed. Those that an attempt has filled before it
// finished stay for their consumers.
func (h *Host) dropChannels(execution ident.ExecutionID, state message.TaskState) {
	for key := range h.channels {
		if h.isProducer(key, execution) && state != message.TaskState_FINISHED || h.isConsumer(key, execution) {
			delete(h.channels, key)
		}
	}
}

func (h *Host) isProducer(key channelKey, execution ident.ExecutionID) bool {
	from := h.config.Program.Edges[key.edge].From
	return from.ID == execution.Vertex && key.producer == execution.Subtask && key.producerTry == execution.Attempt
}

func (h *Host) isConsumer(key channelKey, execution ident.ExecutionID) bool {
	to := h.config.Program.Edges[key.edge].To
	return to.ID == execution.Vertex && key.consumer == execution.Subtask && key.consumerTry == execution.Attempt
}

// failureOf makes the one message that a person reads.
func failureOf(job string, execution ident.ExecutionID, err error) *message.Failure {
	var placed *operator.Failure
	if !errors.As(err, &placed) {
		placed = &operator.Failure{Job: job, Operator: execution.Vertex.String(), Subtask: int(execution.Subtask), Class: operator.Bug, Cause: err}
	}
	return &message.Failure{
		Message: placed.Error(), Operator: placed.Operator, Subtask: int32(placed.Subtask), Class: int32(placed.Class), Stack: placed.Stack,
	}
}

func encodeAccumulators(snapshot accumulator.Snapshot) []*message.Accumulator {
	var all []*message.Accumulator
	for _, name := range slices.Sorted(maps.Keys(snapshot)) {
		if value, err := json.Marshal(snapshot[name]); err == nil {
			all = append(all, &message.Accumulator{Name: name, Value: value})
		}
	}
	return all
}

// ioOf counts what a task has moved.
func ioOf(t *task.Task) *message.TaskIO {
	const milli = 1e6
	times := t.Times()
	figures := t.Figures()
	return &message.TaskIO{
		RecordsIn: figures.RecordsIn(), RecordsOut: figures.Of(task.RecordsOut), BytesIn: figures.Of(task.BytesIn), BytesOut: figures.Of(task.BytesOut),
		BusyMillis: times.Busy / milli, IdleMillis: times.Idle / milli, BackpressuredMillis: times.BackPressured / milli,
	}
}
