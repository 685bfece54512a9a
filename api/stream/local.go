package stream

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/weir-stream/weir/api/stream/internal/console"
	"github.com/weir-stream/weir/api/stream/internal/launch"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/embedded"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/memory"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
)

// localJob is the job of Main on a cluster inside this process.
type localJob struct {
	settings config.Configuration
	program  *graph.JobGraph

	cluster  *embedded.Cluster
	client   *embedded.Client
	registry *metrics.Registry
}

func (j *localJob) start(ctx context.Context, around launch.Surroundings) (_ launch.Job, err error) {
	// The process is the job's: its collector keeps to what the container, or half of the machine, allows.
	memory.Apply(memory.Detect(os.DirFS("/")).GoMemory())
	j.registry = metrics.NewRegistry(around.Clock, func(problem string) { around.Log.Warn("metrics", "problem", problem) })
	j.cluster, err = embedded.Start(j.settings, embedded.Options{Clock: around.Clock, Log: around.Log, Metrics: j.registry})
	if err != nil {
		return nil, err
	}
	if j.client, err = j.cluster.Submit(ctx, j.program, j.settings); err != nil {
		j.cluster.Close()
		return nil, err
	}
	return j, nil
}

func (j *localJob) ID() ident.JobID           { return j.program.ID }
func (j *localJob) Samples() []metrics.Sample { return j.registry.Snapshot() }

func (j *localJob) Cancel(ctx context.Context) error { return j.client.Cancel(ctx) }
func (j *localJob) Close() error                     { return j.cluster.Close() }

func (j *localJob) Drain(ctx context.Context, limit time.Duration) error {
	return j.client.Drain(ctx, limit)
}

func (j *localJob) Status(ctx context.Context) (launch.Status, error) {
	details, err := j.client.Details(ctx)
	if err != nil {
		return launch.Status{}, err
	}
	status := launch.Status{Since: make(map[graph.JobState]time.Time), Restarts: int(details.GetRestarts())}
	status.State, _ = details.GetSummary().GetState().Graph()
	for number, millis := range details.GetStateMillis() {
		if state, known := message.JobState(number).Graph(); known {
			status.Since[state] = time.UnixMilli(millis)
		}
	}
	if exceptions := details.GetExceptions(); len(exceptions) > 0 {
		status.Cause = exceptions[0].GetFailure().GetMessage()
	}
	return status, nil
}

func (j *localJob) Wait(ctx context.Context) (launch.Outcome, error) {
	result, err := j.client.Wait(ctx)
	outcome := launch.Outcome{State: result.State, Accumulators: result.Accumulators}
	if failed := (*embedded.JobError)(nil); errors.As(err, &failed) {
		outcome.Failure = &console.Failure{Message: failed.Error(), Stack: failed.Stack(), Class: failed.Class()}
		return outcome, nil
	}
	if errors.Is(err, embedded.ErrCanceled) {
		return outcome, nil
	}
	return outcome, err
}
