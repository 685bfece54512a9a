package task

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"

	"github.com/weir-stream/weir/checkpoint/barrier"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state/keygroup"
)

// Spec says which subtask to build and what it is connected with.
type Spec struct {
	Execution ident.ExecutionID
	JobName   string
	// Vertex has the program: the chain's factories and the types of its edges.
	Vertex *graph.JobVertex
	// Inputs and Outputs are those of the vertex, in its order.
	Inputs, Outputs []Edge
	Settings        Settings

	Clock clock.Clock
	Log   *slog.Logger
	// Awake is shared by the tasks of a process.
	Awake *Awake
	// Metrics is the task's group; each operator gets one below it.
	Metrics *metrics.Group
	// JobMetrics is that of the job in this process, which latencies are listed in; nil if none are measured.
	JobMetrics   *metrics.Group
	Accumulators *accumulator.Set
	// SendToCoordinator carries what a source's reader sends to its enumerator. It must not block.
	SendToCoordinator func(from ident.ExecutionID, op ident.OperatorID, event []byte)
	// Checkpoints takes what the task has to say of checkpoints; nil if the job takes none.
	Checkpoints Checkpoints
	// Restore reads what the operators go on from, and whether they had finished, when the task opens; nil for a start without state.
	Restore func(context.Context) (states map[ident.OperatorID][]*snapshot.Operator, inputEnded bool, err error)
	// Sleep, if not nil, is how the task waits: it returns when signal has a value, which it leaves there, or the clock's Nanos have reached
	// until (math.MaxInt64 stands for never).
	Sleep func(signal <-chan struct{}, until int64)
	// Drained is called when the task has worked on and passed on its last record before a stop. It must not block.
	Drained func(ident.ExecutionID)
}

// Edge is an edge of the vertex as this subtask sees it.
type Edge struct {
	Edge *graph.JobEdge
	// Channels lead from the producing subtasks that this one is connected with, or to the consuming ones, in order.
	Channels []any
}

// Settings are the job's options that concern a task.
type Settings struct {
	// SliceNanos is how long a task works before it looks at its mailbox, SliceRecords how many records at most.
	SliceNanos   int64
	SliceRecords int
	// BufferTimeout is how many nanoseconds a record may wait for its batch to fill while the task is busy.
	BufferTimeout int64
	Limits        exchange.Limits
	ObjectReuse   bool
	Backend       string
	Latency       Latency
	// StateMetrics are figures of the stores below keyed state, see config.StoreMetrics.
	StateMetrics map[string]bool
	// LastCheckpoint has tasks that have come to the end of their input wait for a last checkpoint.
	LastCheckpoint bool
	// StateMemory is how many bytes the keyed state of each operator may take in memory, for backends that can spill;
	// 0 is no bound. StateFolder is an empty folder of this attempt, where they spill to; it is made and removed by
	// whoever made the task. In memory if empty.
	StateMemory int64
	StateFolder string
	// LocalFiles says that attempts with keyed state have such a folder.
	LocalFiles bool
}

// New builds a task. Nothing runs before Open.
func New(spec Spec) (*Task, error) {
	ctx, stop := context.WithCancel(context.Background())
	t := &Task{
		spec: spec, clock: spec.Clock, ctx: ctx, stop: stop, waker: newWaker(), times: new(stopwatch), figures: newFigures(), current: -1,
		slice: newSlicer(spec.Settings.SliceNanos, spec.Settings.SliceRecords), deadline: never,
	}
	t.mailbox.wake = t.waker.wake
	t.inbox = exchange.NewInbox(t.waker.wake)
	if err := t.build(); err != nil {
		stop()
		return nil, err
	}
	return t, nil
}

func (t *Task) build() (err error) {
	defer t.recoverBug(&err)
	writers, err := t.buildOutputs()
	if err != nil {
		return err
	}
	t.calls = newCalls(len(t.spec.Vertex.Operators))
	if t.chain, err = buildChain(&t.spec, t.operatorContext, writers); err != nil {
		return err
	}
	return t.buildInputs()
}

func (t *Task) buildOutputs() (map[int]any, error) {
	writers := make(map[int]any, len(t.spec.Outputs))
	for _, out := range t.spec.Outputs {
		e := out.Edge
		config := graph.WriterConfig{
			Partitioning:           e.Partitioning,
			Producer:               int(t.spec.Execution.Subtask),
			ConsumerParallelism:    e.To.Parallelism,
			ConsumerMaxParallelism: e.To.MaxParallelism,
			Limits:                 t.spec.Settings.Limits,
			CopyAtFanOut:           !t.spec.Settings.ObjectReuse,
			Edge:                   e.From.Name + " -> " + e.To.Name,
		}
		output, writer, err := e.Stream.Type.NewWriter(config, out.Channels)
		if err != nil {
			return nil, fmt.Errorf("edge %s: %w", config.Edge, err)
		}
		t.outputs = append(t.outputs, output)
		writers[e.Index] = writer
	}
	return writers, nil
}

func (t *Task) buildInputs() error {
	valves := map[int]*inputValve{}
	for _, in := range t.spec.Inputs {
		index := in.Edge.Stream.Input
		head, err := t.chain.input(index)
		if err != nil {
			return err
		}
		v := valves[index]
		if v == nil {
			v = &inputValve{valve: newValve(0), head: head.(headInput), index: index}
			valves[index] = v
		}
		v.gates++
		g := &gate{valve: v, first: v.grow(len(in.Channels)), open: len(in.Channels)}
		t.gates = append(t.gates, g)
		for i, reader := range in.Edge.Stream.Type.NewReaders(in.Channels, head) {
			t.inputs = append(t.inputs, input{InputChannel: reader, gate: g, index: i})
		}
	}
	t.open = len(t.gates)
	if t.open > 0 {
		t.figures.in = t.chain.links[0].ctx.RecordsIn
	}
	t.aligner = barrier.New(len(t.inputs))
	return nil
}

func (t *Task) operatorContext(link int, op *graph.ChainedOperator) *operator.Context {
	v, execution := t.spec.Vertex, t.spec.Execution
	group := t.spec.Metrics.Child(metrics.LevelOperator,
		metrics.Variable{Name: metrics.OperatorID, Value: op.ID.String()}, metrics.Variable{Name: metrics.OperatorName, Value: op.Name})
	return &operator.Context{
		Go: t.ctx, Job: execution.Job, JobName: t.spec.JobName, ID: op.ID, Name: op.Name,
		Subtask: int(execution.Subtask), Parallelism: v.Parallelism, MaxParallelism: v.MaxParallelism,
		Attempt:     int(execution.Attempt),
		KeyGroups:   keygroup.RangeOf(v.MaxParallelism, v.Parallelism, int(execution.Subtask)),
		Backend:     t.spec.Settings.Backend,
		ObjectReuse: t.spec.Settings.ObjectReuse,
		Clock:       t.clock,
		Log: t.spec.Log.With("operator", op.Name, "subtask", int(execution.Subtask),
			"attempt", int(execution.Attempt)),
		Metrics:      group,
		RecordsIn:    group.Counter("numRecordsIn"),
		RecordsOut:   group.Counter("numRecordsOut"),
		TimersFired:  t.figures.fired,
		OnNote:       func(publish func(int64)) { t.notes = append(t.notes, publish) },
		StateMetrics: t.spec.Settings.StateMetrics,
		Accumulators: t.spec.Accumulators,
		Task:         t,
		CallAt:       func(at int64) { t.calls.set(link, at) },
		Interrupt:    operator.Interrupt{Waiting: &t.mailbox.urgent, Serve: t.serveUrgent},
		StateMemory:  t.spec.Settings.StateMemory,
		StateFolder:  t.stateFolder(link),

		Checkpointing: t.spec.Checkpoints != nil && t.spec.Settings.LastCheckpoint,
	}
}

// SendToCoordinator implements operator.Task.
func (t *Task) SendToCoordinator(op ident.OperatorID, event []byte) {
	t.spec.SendToCoordinator(t.spec.Execution, op, event)
}

// stateFolder is where the operator of a link may keep state.
func (t *Task) stateFolder(link int) string {
	if t.spec.Settings.StateFolder == "" {
		return ""
	}
	return filepath.Join(t.spec.Settings.StateFolder, strconv.Itoa(link))
}
