package operator

import (
	"context"
	"log/slog"
	"math"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/state/keygroup"
)

// Context is what the runtime gives to one operator in one subtask. Users see it through RuntimeContext.
type Context struct {
	// Go is done when the subtask is canceled or has ended.
	Go      context.Context
	Job     ident.JobID
	JobName string
	ID      ident.OperatorID
	Name    string
	// Subtask counts from 0, below Parallelism. Attempt counts the subtask's earlier runs.
	Subtask, Parallelism, MaxParallelism, Attempt int
	// KeyGroups are those that this subtask owns, for an operator on a keyed stream.
	KeyGroups keygroup.Range
	// Backend is the value of state.backend.type.
	Backend string
	// ObjectReuse false asks for copies at every fan-out.
	ObjectReuse bool
	// Checkpointing says that the job takes checkpoints, so that results may wait for one.
	Checkpointing bool

	Clock      clock.Clock
	Log        *slog.Logger
	Metrics    *metrics.Group
	RecordsIn  *metrics.Counter
	RecordsOut *metrics.Counter
	// TimersFired is the task's; nil where nobody counts them, see FiredTimers.
	TimersFired *metrics.Counter
	// OnNote has publish called by the subtask's goroutine some times a second, at a time of the clock's Nanos, while the operator is open: see Note. It may be nil.
	OnNote func(publish func(nanos int64))
	// StateMetrics are the figures of the store below the state that are to be listed, see config.StoreMetrics.
	StateMetrics map[string]bool
	Accumulators *accumulator.Set

	// Task is the subtask that the operator runs in.
	Task Task
	// Stopped is the checkpoint with which the job is to end, once the subtask has taken it: if it completes the subtask ends with that notice, if
	// it is aborted the subtask goes on. In between nothing may be emitted. It is 0 otherwise. The subtask's goroutine reads it.
	Stopped ident.CheckpointID
	// CallAt asks for a call of OnProcessingTime once the wall clock has reached a time in milliseconds since the epoch. Each
	// call replaces the one before; NoCall takes it back. It is for operators that are Timed, and called by the subtask's goroutine.
	CallAt func(at int64)
	// Interrupt is looked at between two records of a batch, see there.
	Interrupt Interrupt

	// Restored is what the operator's state was when the run that this one goes on from was snapshotted: one for each
	// subtask that it had then, in their order. It is nil for a start without state. Operators that are Stateful read
	// it in Open and take what is theirs: the entries of KeyGroups, their share of the lists.
	Restored []*snapshot.Operator
	// StateMemory is how many bytes of memory the operator's keyed state may take in this subtask, for backends
	// that can put state elsewhere; 0 is no bound. StateFolder is where they may do so: it is empty, theirs alone, and
	// removed when the subtask has ended. Pebble keeps its files in memory if it is "".
	StateMemory int64
	StateFolder string
	// NothingIsSmall has snapshots of keyed state that is so small that each would have everything add to each other as those of larger
	// state do. It is for tests.
	NothingIsSmall bool
}

// FiredTimers counts timers, all that were due at once.
func (c *Context) FiredTimers(n int) {
	if c.TimersFired != nil {
		c.TimersFired.Add(uint64(n))
	}
}

// Note has publish called now and then, to write down what others may read of the operator: what others read must not be read from the operator itself.
// Nothing is then spent on it per record. It is called before the operator is opened.
func (c *Context) Note(publish func(nanos int64)) {
	if c.OnNote != nil {
		c.OnNote(publish)
	}
}

// NoCall is the time at which no call is wanted, see Context.CallAt.
const NoCall = int64(math.MaxInt64)

// Now is the processing time in milliseconds since the epoch.
func (c *Context) Now() int64 { return c.Clock.Now().UnixMilli() }

// Timed is an Operator that wants to be called at times of the processing-time clock, see Context.CallAt.
type Timed interface {
	// OnProcessingTime says that the clock has reached now, which is at or after the time asked for. No call is
	// pending when it is called.
	OnProcessingTime(now int64) error
}

// Task is what an operator may ask of its subtask.
type Task interface {
	// Wake has the subtask look for work again. Any goroutine may call it; it is cheap when the subtask is awake.
	Wake()
	// WakeAt has the subtask look again at a time of the clock. Only the subtask's goroutine calls it.
	WakeAt(nanos int64)
	// Do has run called by the subtask's goroutine, between two slices of its work. Any goroutine may call it.
	Do(run func())
	// Await returns when done does, which is called whenever the subtask is woken and leaves nothing changed where it
	// returns false a second time. Meanwhile the subtask does what is urgent; the error says that it is canceled. It is
	// for an operator that can neither go on nor return, at the end of its input above all, and only the subtask's
	// goroutine calls it.
	Await(done func() bool) error
	// SendToCoordinator sends bytes to the operator's coordinator (a source's enumerator) without waiting.
	SendToCoordinator(operator ident.OperatorID, event []byte)
}

// RuntimeContext is what a user's function knows of where it runs.
type RuntimeContext struct{ c *Context }

// Runtime returns the user's view.
func (c *Context) Runtime() RuntimeContext { return RuntimeContext{c} }

// Context is done when the subtask is canceled; pass it to everything that may block.
func (r RuntimeContext) Context() context.Context { return r.c.Go }

// JobName is the name that the program gave to Main or Execute.
func (r RuntimeContext) JobName() string { return r.c.JobName }

// JobID names the job.
func (r RuntimeContext) JobID() ident.JobID { return r.c.Job }

// OperatorName is the operator's name as shown in the plan.
func (r RuntimeContext) OperatorName() string { return r.c.Name }

// Subtask is the index of this parallel instance, from 0.
func (r RuntimeContext) Subtask() int { return r.c.Subtask }

// Parallelism is the number of parallel instances of the operator.
func (r RuntimeContext) Parallelism() int { return r.c.Parallelism }

// MaxParallelism is the number of key groups.
func (r RuntimeContext) MaxParallelism() int { return r.c.MaxParallelism }

// Attempt counts the earlier runs of this subtask: 0 in the first.
func (r RuntimeContext) Attempt() int { return r.c.Attempt }

// Logger writes to the job's log with the place of this subtask.
func (r RuntimeContext) Logger() *slog.Logger { return r.c.Log }

// Metrics is the group of the operator in this subtask; a user's own metrics and groups are made in it.
func (r RuntimeContext) Metrics() *metrics.Group { return r.c.Metrics }

// Accumulators are merged over all subtasks and part of the job's result.
func (r RuntimeContext) Accumulators() *accumulator.Set { return r.c.Accumulators }
