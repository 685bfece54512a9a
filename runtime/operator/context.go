package operator

import (
	"context"
	"log/slog"

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

	Clock        clock.Clock
	Log          *slog.Logger
	Metrics      *metrics.Group
	RecordsIn    *metrics.Counter
	RecordsOut   *metrics.Counter
	Accumulators *accumulator.Set

	// Task is the subtask that the operator runs in.
	Task Task
}

// Task is what an operator may ask of its subtask.
type Task interface {
	// Wake has the subtask look for work again. Any goroutine may call it; it is cheap when the subtask is awake.
	Wake()
	// WakeAt has the subtask look again at a time of the clock. Only the subtask's goroutine calls it.
	WakeAt(nanos int64)
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
