// Package launch runs a program as its own process: it reads the command line and the configuration, starts the job, shows how
// it is doing, obeys signals, and ends with the right exit code. What a job is and where it runs it knows as [Job] only.
package launch

import (
	"context"
	"log/slog"
	"time"

	"github.com/weir-stream/weir/api/stream/internal/console"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
)

// Program is a compiled program.
type Program struct {
	// Job is the name of the job.
	Job       string
	Operators []console.Operator
	// Graph is the compiled job, and Settings is what it runs with: the program may have changed what it was built under.
	Graph    *graph.JobGraph
	Settings config.Configuration
	// Start submits the job to a cluster, which it starts if need be.
	Start func(ctx context.Context, around Surroundings) (Job, error)
}

// Surroundings are what a job in this process gets from it.
type Surroundings struct {
	Clock clock.Clock
	Log   *slog.Logger
}

// Job is a job that was submitted. Its methods may be called from any goroutine and return when ctx is done.
type Job interface {
	ID() ident.JobID
	// Status tells how the job is doing, also when it has ended.
	Status(ctx context.Context) (Status, error)
	// Samples are the metrics of the job's operators.
	Samples() []metrics.Sample
	// Wait returns when the job has ended. An error says that this will not be known.
	Wait(ctx context.Context) (Outcome, error)
	// Cancel asks the job to end; it may return before it has.
	Cancel(ctx context.Context) error
	// Drain asks the sources to stop, and the job to be canceled when what they have read has reached the sinks, at the
	// latest after limit; it may return before it was.
	Drain(ctx context.Context, limit time.Duration) error
	// Close ends what was started for the job, and returns when it has, or an error that names what has not.
	Close() error
}

// Status is how a job is doing.
type Status struct {
	State graph.JobState
	// Since tells when the job last entered each state that it was in.
	Since    map[graph.JobState]time.Time
	Restarts int
	// Cause is the latest failure, or empty.
	Cause string
}

// Outcome is how a job ended.
type Outcome struct {
	State        graph.JobState
	Failure      *console.Failure
	Accumulators accumulator.Snapshot
}
