// Package embedded runs a whole cluster in one process: a JobManager and a TaskManager, the same actors and messages as
// in processes of their own. Programs under test, and those that are started without a cluster, run on it.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage/stores"
	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/taskmanager"
)

// Options are what a Cluster is made with, besides its configuration. The zero value is ready.
type Options struct {
	// Clock is the system's clock where nil, Log the default logger.
	Clock clock.Clock
	Log   *slog.Logger
	// Metrics lists the metrics of the jobs; a registry of the cluster's own where nil.
	Metrics *metrics.Registry
	// CopyMessages has every control message go through its encoding. It is always on in tests.
	CopyMessages bool
	// NewWorker makes the worker of a job; where nil, a worker.Host.
	NewWorker func(WorkerSpec) (taskmanager.Worker, error)
	// Abandoned is called when a cancelled task did not stop within task.cancellation.timeout. The job has failed; a
	// goroutine of it still runs and cannot be ended but with the process. It may be nil.
	Abandoned func(job ident.JobID, cause error)
}

// leaderEpoch is that of the one and only leader that an embedded cluster ever has.
const leaderEpoch = 1

// Cluster is a running cluster:
//
//	running --Close, or an actor panicked--> closed
//
// Its methods may be called from any goroutine.
type Cluster struct {
	configuration config.Configuration
	options       Options
	system        *actors.System
	jobManager    *jobmanager.JobManager
	taskExecutor  *taskmanager.TaskExecutor
	launcher      *launcher
	stores        *stores.Opener

	// down is done when the cluster serves nobody any more; its cause says why.
	down     context.Context
	takeDown context.CancelCauseFunc
	closing  sync.Once
	closed   error
}

// ErrClosed is returned to those who wait for a job of a cluster that was closed.
var ErrClosed = errors.New("the embedded cluster was closed")

// Start starts a cluster. Without taskmanager.numberOfTaskSlots in the configuration it has as many slots as its jobs need.
func Start(configuration config.Configuration, o Options) (*Cluster, error) {
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Metrics == nil {
		o.Metrics = metrics.NewRegistry(o.Clock, func(problem string) { o.Log.Warn("metrics", "problem", problem) })
	}
	configuration, err := patient(configuration)
	if err != nil {
		return nil, fmt.Errorf("start the embedded cluster: %w", err)
	}
	opener := stores.New(configuration, o.Clock)
	c := &Cluster{configuration: configuration, options: o, launcher: newLauncher(o, opener.Open), stores: opener}
	c.down, c.takeDown = context.WithCancelCause(context.Background())
	c.system = actors.NewSystem(actors.Options{
		Clock: o.Clock, Log: o.Log, CopyMessages: o.CopyMessages,
		Panicked: func(p *actors.Panic) {
			o.Log.Error("the cluster has failed", "error", p, "stack", p.Stack)
			c.takeDown(fmt.Errorf("the embedded cluster has failed, which is a bug: %w\n%s", p, p.Stack))
		},
	})
	if err := c.startActors(); err != nil {
		c.Close()
		return nil, fmt.Errorf("start the embedded cluster: %w", err)
	}
	return c, nil
}

// suspension is for how long a process may be suspended, by a debugger or Ctrl-Z, before its own actors take each other for lost.
const suspension = 24 * time.Hour

// patient raises heartbeat.timeout where nobody has set it: in one process there is silence only if all of it was suspended.
func patient(c config.Configuration) (config.Configuration, error) {
	if _, set := config.Lookup(c, config.HeartbeatTimeout); set {
		return c, nil
	}
	return c.With(config.HeartbeatTimeout.To(max(suspension, 2*config.Get(c, config.HeartbeatInterval))))
}

func (c *Cluster) startActors() error {
	slots, fixed := config.Lookup(c.configuration, config.TaskSlots)
	grow := &elastic{}
	jobManager := jobmanager.Options{Configuration: c.configuration, LeaderEpoch: leaderEpoch, Stores: c.stores.Open, Ended: c.launcher.ended, Settled: c.launcher.settle}
	if !fixed {
		jobManager.Provider = grow
	}
	var err error
	if c.jobManager, err = jobmanager.Start(c.system, jobManager); err != nil {
		return err
	}
	c.taskExecutor, err = taskmanager.Start(c.system, taskmanager.Options{
		Configuration: c.configuration, Slots: slots, Launcher: c.launcher,
		ResourceManager: c.jobManager.ResourceManager.Address(), LeaderEpoch: leaderEpoch,
		Abandoned: c.abandoned,
	})
	if err != nil {
		return err
	}
	grow.serve(c.taskExecutor)
	return nil
}

func (c *Cluster) abandoned(job ident.JobID, cause *message.Failure) {
	c.launcher.abandon(job)
	if c.options.Abandoned != nil {
		c.options.Abandoned(job, &JobError{Failure: cause})
	}
}

// elastic gives the one TaskExecutor as many slots as jobs need.
type elastic struct {
	mu           sync.Mutex
	taskExecutor *taskmanager.TaskExecutor
	wanted       int
}

// Want implements jobmanager.Provider.
func (e *elastic) Want(slots int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wanted = slots
	if e.taskExecutor != nil {
		e.taskExecutor.Resize(slots)
	}
}

func (e *elastic) serve(t *taskmanager.TaskExecutor) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.taskExecutor = t
	if e.wanted > 0 {
		t.Resize(e.wanted)
	}
}

// Submit starts a job and returns when the Dispatcher has taken it in. job overrides the cluster's configuration. The
// program's id names the job: submitting the same one again attaches to the job that runs.
func (c *Cluster) Submit(ctx context.Context, program *graph.JobGraph, job config.Configuration) (*Client, error) {
	description, err := graph.Describe(program).Encode()
	if err != nil {
		return nil, fmt.Errorf("submit job %q: %w", program.Name, err)
	}
	known := c.launcher.add(program)
	client := &Client{cluster: c, id: program.ID, name: program.Name}
	_, err = client.ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Submit{
		Submit: &message.SubmitJob{Description: description, Configuration: job.Properties()},
	}})
	if err != nil {
		if !known {
			c.launcher.remove(program.ID)
		}
		return nil, fmt.Errorf("submit job %q: %w", program.Name, err)
	}
	return client, nil
}

// Overview counts TaskManagers and slots.
func (c *Cluster) Overview(ctx context.Context) (*message.ClusterOverview, error) {
	response, err := c.ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Overview{Overview: &message.RequestClusterOverview{}}})
	return response.GetOverview(), err
}

// Jobs lists the jobs that run and the last that have ended.
func (c *Cluster) Jobs(ctx context.Context) ([]*message.JobSummary, error) {
	response, err := c.ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_List{List: &message.ListJobs{}}})
	return response.GetList().GetJobs(), err
}

func (c *Cluster) ask(ctx context.Context, request *message.ClientRequest) (*message.ClientResponse, error) {
	either, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.down, func() { cancel(context.Cause(c.down)) })()
	request.LeaderEpoch = leaderEpoch
	return c.system.Ask(either, c.jobManager.Dispatcher.Address(), message.Timing{
		Interval: config.Get(c.configuration, config.HeartbeatInterval), Timeout: config.Get(c.configuration, config.HeartbeatTimeout),
	}, request)
}

// closePatience is how long Close waits for tasks that were running.
const closePatience = 10 * time.Second

// Close ends the cluster and all jobs on it, and returns when their tasks have ended; those that do not in good time are
// named by the error. Before, it waits until the logs of jobs that have ended say so.
func (c *Cluster) Close() error {
	c.closing.Do(func() {
		c.takeDown(ErrClosed)
		c.launcher.awaitSettled(c.options.Clock, closePatience)
		// The JobManager goes first: it must not take the end of the TaskManager for a failure of jobs.
		if c.jobManager != nil {
			c.jobManager.Stop()
		}
		if c.taskExecutor != nil {
			c.taskExecutor.Stop()
			<-c.taskExecutor.Ended()
		}
		c.closed = c.launcher.close(c.options.Clock, closePatience)
		c.system.Shutdown()
		c.stores.Close()
	})
	return c.closed
}
