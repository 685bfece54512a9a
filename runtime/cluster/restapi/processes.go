package restapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/logs"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/observe"
	"github.com/weir-stream/weir/runtime/observe/lookout"
	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// running are the details of the jobs that have not ended. A job that ends meanwhile may be missing.
func (c *Cluster) running(ctx context.Context) ([]*message.JobDetails, error) {
	return c.detailed(ctx, func(s message.JobState) bool { return !s.Ended() })
}

// detailed are the details of the jobs in states that are wanted.
func (c *Cluster) detailed(ctx context.Context, wanted func(message.JobState) bool) ([]*message.JobDetails, error) {
	jobs, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	var all []*message.JobDetails
	for _, j := range jobs {
		if !wanted(j.GetState()) {
			continue
		}
		switch details, err := c.details(ctx, idOf(j.GetJob())); {
		case err == nil:
			all = append(all, details)
		case !errors.Is(err, rest.ErrUnknownJob):
			return nil, err
		}
	}
	return all, nil
}

// TaskManagers are those that are registered.
func (c *Cluster) TaskManagers(ctx context.Context) ([]view.TaskManager, error) {
	resources, err := c.resources(ctx)
	if err != nil {
		return nil, err
	}
	jobs, err := c.running(ctx)
	if err != nil {
		return nil, err
	}
	return taskManagersOf(resources, jobs), nil
}

// TaskManager shows one, with what its process tells of itself, if it does.
func (c *Cluster) TaskManager(ctx context.Context, id string) (*view.TaskManager, error) {
	resources, err := c.resources(ctx)
	if err != nil {
		return nil, err
	}
	jobs, err := c.running(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range resources.GetExecutors() {
		if e.GetId() != id {
			continue
		}
		made := taskManagerOf(e, tasksOf(jobs)[id])
		if p, err := c.process(ctx, e); err == nil {
			made.Hardware = view.Hardware{Cores: p.Cores, PhysicalMemory: p.PhysicalMemory, FreeMemory: p.FreeMemory, Managed: p.MayUse}
			made.Memory.Managed, made.Memory.TotalProcess = p.MayUse, p.MayUse
		}
		if known, err := c.Metrics(ctx); err == nil {
			made.Figures = figuresOf(known.TaskManagers[id])
		}
		return &made, nil
	}
	return nil, rest.ErrUnknownTaskManager
}

// Configuration is that of the JobManager, without secrets.
func (c *Cluster) Configuration(context.Context) ([]view.Setting, error) {
	return settingList(c.options.Configuration.Properties()), nil
}

// Environment is that of the JobManager.
func (c *Cluster) Environment(context.Context) (view.Environment, error) {
	info, _ := debug.ReadBuildInfo()
	return environmentOf(info, shownArguments(os.Args[1:])), nil
}

// shownArguments hides those that may hold secrets.
func shownArguments(arguments []string) []string {
	var shown []string
	for _, a := range arguments {
		if key, _, ok := strings.Cut(a, "="); ok && config.Sensitive(key) {
			a = key + "=******"
		}
		shown = append(shown, a)
	}
	return shown
}

// process is what a TaskManager tells of itself, unless it takes too long, as one that is frozen does.
func (c *Cluster) process(ctx context.Context, e *message.TaskExecutorDetails) (lookout.Process, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.MetricsTimeout)
	defer cancel()
	return c.at(e).Process(ctx)
}

// at looks at a TaskManager.
func (c *Cluster) at(e *message.TaskExecutorDetails) *lookout.Client {
	return &lookout.Client{HTTP: c.options.HTTP, At: e.GetLookout()}
}

// other looks at a process; nil stands for this one, the JobManager.
func (c *Cluster) other(ctx context.Context, p view.Process) (*lookout.Client, error) {
	if p.TaskManager == "" {
		return nil, nil
	}
	resources, err := c.resources(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range resources.GetExecutors() {
		if e.GetId() == p.TaskManager {
			return c.at(e), nil
		}
	}
	return nil, rest.ErrUnknownTaskManager
}

// Logs lists a process's files.
func (c *Cluster) Logs(ctx context.Context, p view.Process) ([]view.LogFile, error) {
	other, err := c.other(ctx, p)
	var files []logs.File
	switch {
	case err != nil:
	case other != nil:
		files, err = other.Logs(ctx)
	case c.options.Logs != nil:
		if files, err = c.options.Logs.List(); errors.Is(err, fs.ErrNotExist) {
			err = nil // nothing was logged yet
		}
	}
	all := []view.LogFile{}
	for _, f := range files {
		all = append(all, view.LogFile(f))
	}
	return all, err
}

// OpenLog opens one of these files.
func (c *Cluster) OpenLog(ctx context.Context, p view.Process, name string) (content io.ReadCloser, err error) {
	other, err := c.other(ctx, p)
	if err != nil {
		return nil, err
	}
	if other != nil {
		if known, ok := map[string]string{rest.MainLog: lookout.MainLog, rest.Stdout: lookout.Output}[name]; ok {
			name = known
		}
		content, err = other.OpenLog(ctx, name)
	} else {
		content, err = c.ownLog(name)
	}
	return content, missing(err)
}

func (c *Cluster) ownLog(name string) (io.ReadCloser, error) {
	if c.options.Logs == nil {
		return nil, fs.ErrNotExist
	}
	switch name {
	case rest.MainLog:
		name = c.options.Logs.Main()
	case rest.Stdout:
		name = c.options.Logs.Output()
	}
	return c.options.Logs.Read(name)
}

// missing makes the error of a file that is not there one of the REST API's.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return rest.ErrUnknownFile
	}
	return err
}

// ThreadDump shows goroutines: for a TaskManager also those of its workers.
func (c *Cluster) ThreadDump(ctx context.Context, p view.Process) ([]view.Thread, error) {
	other, err := c.other(ctx, p)
	if err != nil {
		return nil, err
	}
	if other == nil {
		dump, err := observe.Goroutines()
		return threadsOf("", string(dump)), err
	}
	dumps, err := other.Goroutines(ctx)
	all := []view.Thread{}
	for _, d := range dumps {
		all = append(all, threadsOf(d.Process, d.Text)...)
	}
	return all, err
}

// Profiles lists what was taken of a process.
func (c *Cluster) Profiles(ctx context.Context, p view.Process) ([]view.Profile, error) {
	other, err := c.other(ctx, p)
	if err != nil {
		return nil, err
	}
	taken := c.profiler.List()
	if other != nil {
		if taken, err = other.Profiles(ctx); err != nil {
			return nil, err
		}
	}
	all := []view.Profile{}
	for _, t := range taken {
		all = append(all, profileOf(t))
	}
	return all, nil
}

// StartProfile begins a profile: for a TaskManager one of it and its workers.
func (c *Cluster) StartProfile(ctx context.Context, p view.Process, mode view.ProfileMode, length time.Duration) (view.Profile, error) {
	other, err := c.other(ctx, p)
	if err != nil {
		return view.Profile{}, err
	}
	start := c.profiler.Start
	if other != nil {
		start = func(mode string, length time.Duration) (observe.Profile, error) {
			return other.StartProfile(ctx, mode, length)
		}
	}
	made, err := start(string(mode), length)
	switch {
	case errors.Is(err, observe.ErrBusy):
		err = fmt.Errorf("%w: %w", rest.ErrInvalid, err)
	case errors.Is(err, observe.ErrClosed):
		err = rest.ErrUnavailable
	}
	return profileOf(made), err
}

// OpenProfile opens a profile, in the form that go tool pprof reads.
func (c *Cluster) OpenProfile(ctx context.Context, p view.Process, name string) (io.ReadCloser, error) {
	other, err := c.other(ctx, p)
	if err != nil {
		return nil, err
	}
	if other != nil {
		content, err := other.OpenProfile(ctx, name)
		return content, missing(err)
	}
	if content, ok := c.profiler.Content(name); ok {
		return io.NopCloser(bytes.NewReader(content)), nil
	}
	return nil, rest.ErrUnknownFile
}

// Workers are the processes that run jobs' subtasks. TaskManagers that do not answer are left out.
func (c *Cluster) Workers(ctx context.Context) ([]view.Worker, error) {
	resources, err := c.resources(ctx)
	if err != nil {
		return nil, err
	}
	jobs, err := c.running(ctx)
	if err != nil {
		return nil, err
	}
	counts := tasksOf(jobs)
	all := []view.Worker{}
	for _, e := range resources.GetExecutors() {
		p, err := c.process(ctx, e)
		if err != nil {
			c.options.Log.Warn("a TaskManager does not tell of its workers", "taskmanager", e.GetId(), "cause", err)
			continue
		}
		for _, w := range p.Workers {
			all = append(all, view.Worker{
				Job: w.Job, TaskManager: e.GetId(), PID: w.PID, Started: w.Started, Restarts: w.Restarts, Tasks: counts[e.GetId()][w.Job].n,
				MemoryBytes: w.MemoryBytes, MemoryLimitBytes: w.MemoryLimitBytes, Revision: w.Revision,
			})
		}
	}
	return all, nil
}
