package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/cable"
	"github.com/weir-stream/weir/benchmarks/internal/fleet"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/client"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// cluster is a JobManager and two TaskManagers, on processes of their own.
type cluster struct {
	fleet *fleet.Fleet
	rest  *client.Client
	// folder gets the reports of jobs, each in a folder of its own.
	folder string
	jobs   int
	// program is this binary as the cluster knows it.
	program string
}

const (
	taskManagers = 2
	// patience is how long a cluster or a job may take to start, and jobLimit how long a job may run.
	patience = time.Minute
	jobLimit = 5 * time.Minute
)

// cluster starts a cluster with so many slots on each TaskManager, in a folder of that name.
func (o options) cluster(ctx context.Context, name string, slots int, properties ...string) (c *cluster, err error) {
	folder := filepath.Join(o.folder, name)
	f, err := fleet.New(fleet.Options{
		Weir: o.weir, Folder: folder, TaskManagers: taskManagers, Direct: true,
		Properties: slices.Concat([]string{fmt.Sprint("taskmanager.numberOfTaskSlots=", slots), "restart-strategy.type=none"}, properties, o.properties),
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	c = &cluster{fleet: f, rest: f.REST(), folder: folder}
	for node := range cable.Node(1 + taskManagers) {
		if err := f.Start(node); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := f.Await(ctx, taskManagers*slots); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c.program, err = c.rest.Upload(ctx, self, "network.jar")
	return c, err
}

func (c *cluster) close() { c.fleet.Close() }

// submit starts a job and returns it with the folder of its reports.
func (c *cluster) submit(ctx context.Context, o jobOrder, parallelism int) (job ident.JobID, folder string, err error) {
	c.jobs++
	o.Folder = filepath.Join(c.folder, fmt.Sprint("job-", c.jobs))
	if err := os.Mkdir(o.Folder, 0o700); err != nil {
		return job, "", err
	}
	job, err = c.rest.Run(ctx, c.program, client.Run{Arguments: o.arguments(), Parallelism: parallelism})
	return job, o.Folder, err
}

// run has a job run to its end and its workers go, and returns what its sinks have seen, in so many workers.
func (c *cluster) run(ctx context.Context, o jobOrder, parallelism, workers int) (r result, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, jobLimit, fmt.Errorf("the job has not ended within %v", jobLimit))
	defer cancel()
	job, folder, err := c.submit(ctx, o, parallelism)
	if err != nil {
		return r, err
	}
	state, err := c.rest.Await(ctx, job)
	if err != nil {
		return r, err
	}
	if state != view.JobFinished {
		why, _ := c.rest.Failure(ctx, job)
		return r, fmt.Errorf("the job is %s: %s", state, why)
	}
	all, err := readTallies(folder)
	if err != nil {
		return r, err
	}
	t := together(all)
	if want := o.Records * (o.Records - 1) / 2; int64(t.records) != o.Records || t.sum != want {
		return r, fmt.Errorf("%d records with the sum %d came of %d with the sum %d", t.records, t.sum, o.Records, want)
	}
	if len(all) != 1+parallelism || t.processes != workers {
		return r, fmt.Errorf("%d subtasks in %d workers have reported, where a source and %d sinks in %d should", len(all), t.processes, parallelism, workers)
	}
	return result{perSecond: float64(t.records) / t.seconds, cpuSeconds: t.cpuSeconds, records: t.records}, c.idle(ctx)
}

// workers are the processes that run jobs.
func (c *cluster) workers() (pids []int) {
	for _, node := range c.fleet.TaskManagers() {
		pids = append(pids, c.fleet.Process(node).Children()...)
	}
	return pids
}

// idle waits until the workers of the last job have gone.
func (c *cluster) idle(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("workers are there still, %v after their job", patience))
	defer cancel()
	for len(c.workers()) > 0 {
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
