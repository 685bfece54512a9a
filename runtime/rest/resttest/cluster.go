package resttest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Cluster shows what was recorded, and notes what it is told to do. Any goroutine may use it. It implements [rest.Cluster].
type Cluster struct {
	// Gate holds snapshots back: each takes a token before it is complete. Close it to hold none.
	Gate chan struct{}

	now          time.Time
	order        []ident.JobID
	jobs         map[ident.JobID]*view.Job
	states       map[ident.JobID]string // in which they were recorded
	checkpoints  map[ident.JobID]*view.Checkpoints
	applications []view.Application
	taskManagers []view.TaskManager
	metrics      *view.Metrics

	mu   sync.Mutex // guards the following
	done []string
	runs map[ident.JobID]bool
}

var _ rest.Cluster = (*Cluster)(nil)

// New returns a cluster with the jobs of the states, one of each, later ones in the place of earlier ones with the same id. Without states it is as it was without a worker and jobs.
func New(states ...string) *Cluster {
	c := &Cluster{
		Gate: make(chan struct{}), now: time.UnixMilli(1795248650000), jobs: map[ident.JobID]*view.Job{}, states: map[ident.JobID]string{},
		checkpoints: map[ident.JobID]*view.Checkpoints{}, runs: map[ident.JobID]bool{},
		metrics: &view.Metrics{JobManager: metricsIn("running", "jobmanager_metrics", "jobmanager_metrics-get"), TaskManagers: map[string][]view.Metric{}, Jobs: map[ident.JobID]*view.JobMetrics{}},
	}
	if len(states) > 0 {
		n, _ := load("running", "taskmanagers_taskmanagerid")
		worker := taskManagerOf(n)
		c.taskManagers = append(c.taskManagers, worker)
		c.metrics.TaskManagers[worker.ID] = metricsIn("running", "taskmanagers_taskmanagerid_metrics", "taskmanagers_taskmanagerid_metrics-get")
	}
	for _, state := range states {
		c.add(state)
	}
	for _, id := range c.order {
		c.applications = append(c.applications, view.ApplicationOf(c.jobs[id].JobSummary, c.jobs[id].Entered))
	}
	if len(states) > 0 {
		c.applications = append(c.applications, severalJobs())
	}
	return c
}

func (c *Cluster) add(state string) {
	job := jobOf(state)
	if c.jobs[job.ID] == nil {
		c.order = append(c.order, job.ID)
	}
	c.jobs[job.ID], c.states[job.ID], c.checkpoints[job.ID], c.metrics.Jobs[job.ID] = job, state, checkpointsOf(state), jobMetricsOf(state, job)
}

// Also adds a job like that of a state under an id of its own, before the cluster is used.
func (c *Cluster) Also(id string, state string) {
	job := jobOf(state)
	job.ID, _ = ident.ParseID(id)
	c.order = append(c.order, job.ID)
	c.jobs[job.ID], c.states[job.ID], c.checkpoints[job.ID] = job, state, checkpointsOf(state)
}

// severalJobs is an application that does not stand for one job.
func severalJobs() view.Application {
	n, _ := load("flows", "applications_applicationid-running")
	a := view.Application{
		ID: n.at("id").id(), Name: n.at("name").text(), State: view.ApplicationRunning, Start: n.at("start-time").time(),
		Entered: map[view.ApplicationState]time.Time{view.ApplicationRunning: n.at("start-time").time()}, Now: n.at("start-time").time(),
	}
	for _, j := range n.at("jobs").list() {
		a.Jobs = append(a.Jobs, summaryOf(j, a.Now))
	}
	return a
}

func (c *Cluster) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = append(c.done, fmt.Sprintf(format, args...))
}

// Done returns what the cluster was told to do, in order.
func (c *Cluster) Done() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.done...)
}

// Health finds all jobs well.
func (c *Cluster) Health(ctx context.Context) ([]view.JobHealth, error) {
	jobs, err := c.Jobs(ctx)
	var all []view.JobHealth
	for _, j := range jobs {
		all = append(all, view.JobHealth{Job: j.ID, Name: j.Name})
	}
	return all, err
}

// Overview counts.
func (c *Cluster) Overview(context.Context) (view.Overview, error) {
	o := view.Overview{TaskManagers: len(c.taskManagers)}
	for _, t := range c.taskManagers {
		o.Slots += t.Slots
		o.FreeSlots += t.FreeSlots
	}
	for _, j := range c.jobs {
		switch j.State {
		case view.JobFinished:
			o.Finished++
		case view.JobCanceled:
			o.Canceled++
		case view.JobFailed:
			o.Failed++
		default:
			o.Running++
		}
	}
	return o, nil
}

// Metrics are the recorded ones.
func (c *Cluster) Metrics(context.Context) (*view.Metrics, error) { return c.metrics, nil }

// Shutdown is noted.
func (c *Cluster) Shutdown(context.Context) error { c.note("shutdown"); return nil }

// Jobs lists the jobs.
func (c *Cluster) Jobs(context.Context) ([]view.JobSummary, error) {
	var all []view.JobSummary
	for _, id := range c.order {
		all = append(all, c.jobs[id].JobSummary)
	}
	return all, nil
}

// Applications lists one for each job, and one more.
func (c *Cluster) Applications(context.Context) ([]view.Application, error) {
	return c.applications, nil
}

// Job is the recorded one.
func (c *Cluster) Job(_ context.Context, id ident.JobID) (*view.Job, error) {
	if j := c.jobs[id]; j != nil {
		return j, nil
	}
	return nil, fmt.Errorf("%w: %s", rest.ErrUnknownJob, id)
}

// JobState is the recorded one.
func (c *Cluster) JobState(ctx context.Context, id ident.JobID) (view.JobState, error) {
	j, err := c.Job(ctx, id)
	if err != nil {
		return "", err
	}
	return j.State, nil
}

// live returns the job if it has not ended.
func (c *Cluster) live(ctx context.Context, id ident.JobID) (*view.Job, error) {
	j, err := c.Job(ctx, id)
	if err == nil && j.State.Over() {
		err = &rest.EndedError{State: j.State}
	}
	return j, err
}

// Cancel is noted.
func (c *Cluster) Cancel(ctx context.Context, id ident.JobID) error {
	c.note("cancel %s", id)
	_, err := c.live(ctx, id)
	return err
}

// Heartbeat is noted.
func (c *Cluster) Heartbeat(ctx context.Context, id ident.JobID, until time.Time) error {
	c.note("heartbeat %s until %d", id, until.UnixMilli())
	_, err := c.Job(ctx, id)
	return err
}

// Requirements fails as under the default scheduler.
func (c *Cluster) Requirements(ctx context.Context, id ident.JobID) (map[ident.VertexID]view.Bounds, error) {
	if _, err := c.Job(ctx, id); err != nil {
		return nil, err
	}
	return nil, rest.ErrDefaultScheduler
}

// Require fails as under the default scheduler.
func (c *Cluster) Require(ctx context.Context, id ident.JobID, _ map[ident.VertexID]view.Bounds) error {
	_, err := c.Requirements(ctx, id)
	return err
}

// Rescales fails as under the default scheduler.
func (c *Cluster) Rescales(ctx context.Context, id ident.JobID) (*view.Rescales, error) {
	if _, err := c.Job(ctx, id); err != nil {
		return nil, err
	}
	return nil, rest.ErrDefaultScheduler
}

// FlameGraph is the recorded one of a running job.
func (c *Cluster) FlameGraph(_ context.Context, id ident.JobID, _ ident.VertexID, _ int, kind string) (*view.FlameGraph, error) {
	n, there := load(c.states[id], "flamegraph-"+strings.ToLower(kind))
	if !there {
		return nil, nil
	}
	return &view.FlameGraph{End: n.at("endTimestamp").time(), Root: frameOf(n.at("data"))}, nil
}

// Checkpoints are the recorded ones.
func (c *Cluster) Checkpoints(ctx context.Context, id ident.JobID) (*view.Checkpoints, error) {
	if _, err := c.Job(ctx, id); err != nil {
		return nil, err
	}
	return c.checkpoints[id], nil
}

// wait takes a token of the gate.
func (c *Cluster) wait(ctx context.Context) error {
	select {
	case <-c.Gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TakeSavepoint waits for the gate. A folder of a scheme that nobody knows fails.
func (c *Cluster) TakeSavepoint(ctx context.Context, r rest.SavepointRequest) (string, error) {
	c.note("savepoint %s directory=%q native=%v stop=%v drain=%v cancel=%v", r.Job, r.Directory, r.Native, r.Stop, r.Drain, r.Cancel)
	if _, err := c.live(ctx, r.Job); err != nil {
		return "", err
	}
	if err := c.wait(ctx); err != nil {
		return "", err
	}
	if strings.HasPrefix(r.Directory, "nosuchscheme:") {
		return "", fmt.Errorf("no store for %s", r.Directory)
	}
	return "file:/data/savepoints/savepoint-1", nil
}

// TakeCheckpoint waits for the gate.
func (c *Cluster) TakeCheckpoint(ctx context.Context, r rest.CheckpointRequest) (uint64, error) {
	c.note("checkpoint %s full=%v", r.Job, r.Full)
	if _, err := c.live(ctx, r.Job); err != nil {
		return 0, err
	}
	return 77, c.wait(ctx)
}

// DisposeSavepoint waits for the gate. What does not lie in /data fails.
func (c *Cluster) DisposeSavepoint(ctx context.Context, path string) error {
	c.note("dispose %s", path)
	if err := c.wait(ctx); err != nil {
		return err
	}
	if !strings.HasPrefix(path, "file:/data/") {
		return fmt.Errorf("could not dispose savepoint %s", path)
	}
	return nil
}

// Plan is the recorded one.
func (c *Cluster) Plan(context.Context, rest.Program) ([]byte, error) {
	return jobOf("running").Plan, nil
}

// Run is noted. Ids that are taken and savepoints that are not there fail.
func (c *Cluster) Run(_ context.Context, p rest.Program) (rest.Run, error) {
	c.note("run %q parallelism=%d savepoint=%q allow=%v claim=%q configuration=%v", p.Arguments, p.Parallelism, p.Savepoint, p.AllowNonRestored, p.ClaimMode, p.Configuration)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case p.Savepoint == "/nosuch":
		return rest.Run{}, fmt.Errorf("%w: there is no savepoint at /nosuch", rest.ErrInvalid)
	case p.Job.IsZero():
		p.Job = ident.NewID()
	case c.runs[p.Job]:
		return rest.Run{}, fmt.Errorf("%w: job %s was already submitted", rest.ErrInvalid, p.Job)
	}
	c.runs[p.Job] = true
	return rest.Run{Job: p.Job}, nil
}

// TaskManagers lists the recorded one.
func (c *Cluster) TaskManagers(context.Context) ([]view.TaskManager, error) {
	return c.taskManagers, nil
}

// TaskManager is the recorded one.
func (c *Cluster) TaskManager(_ context.Context, id string) (*view.TaskManager, error) {
	for i := range c.taskManagers {
		if c.taskManagers[i].ID == id {
			return &c.taskManagers[i], nil
		}
	}
	return nil, rest.ErrUnknownTaskManager
}

// Configuration is the recorded one.
func (c *Cluster) Configuration(context.Context) ([]view.Setting, error) {
	return settings(firstOf("running", "jobmanager_config")), nil
}

// Environment is the recorded one.
func (c *Cluster) Environment(context.Context) (view.Environment, error) {
	n := firstOf("running", "jobmanager_environment")
	return view.Environment{Version: n.at("jvm", "version").text(), Arch: n.at("jvm", "arch").text(), Options: texts(n.at("jvm", "options")), Modules: texts(n.at("classpath"))}, nil
}

func (c *Cluster) known(p view.Process) error {
	if p.TaskManager == "" {
		return nil
	}
	_, err := c.TaskManager(context.Background(), p.TaskManager)
	return err
}

// Logs are the recorded ones.
func (c *Cluster) Logs(_ context.Context, p view.Process) ([]view.LogFile, error) {
	var all []view.LogFile
	for _, f := range firstOf("running", "jobmanager_logs").at("logs").list() {
		all = append(all, view.LogFile{Name: f.at("name").text(), Size: f.at("size").int(), Modified: f.at("mtime").time()})
	}
	return all, c.known(p)
}

// OpenLog gives every log that there is the same text.
func (c *Cluster) OpenLog(ctx context.Context, p view.Process, name string) (io.ReadCloser, error) {
	all, err := c.Logs(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, f := range append(all, view.LogFile{Name: rest.MainLog}, view.LogFile{Name: rest.Stdout}) {
		if f.Name == name {
			return io.NopCloser(strings.NewReader("a line\n")), nil
		}
	}
	return nil, rest.ErrUnknownFile
}

// ThreadDump has one thread.
func (c *Cluster) ThreadDump(_ context.Context, p view.Process) ([]view.Thread, error) {
	return []view.Thread{{Name: "main", Text: "goroutine 1 [running]:\n"}}, c.known(p)
}

// Profiles are the recorded ones.
func (c *Cluster) Profiles(_ context.Context, p view.Process) ([]view.Profile, error) {
	at := c.now
	return []view.Profile{{Status: view.ProfileFinished, Mode: view.ProfileCPU, Triggered: at, Finished: at.Add(time.Second), Duration: time.Second, Message: "Profiling Successful", File: "cpu.html"}}, c.known(p)
}

// StartProfile is noted.
func (c *Cluster) StartProfile(_ context.Context, p view.Process, mode view.ProfileMode, length time.Duration) (view.Profile, error) {
	c.note("profile %s %s %v", p.TaskManager, mode, length)
	return view.Profile{Status: view.ProfileRunning, Mode: mode, Triggered: c.now, Duration: length}, c.known(p)
}

// OpenProfile finds one file.
func (c *Cluster) OpenProfile(_ context.Context, p view.Process, name string) (io.ReadCloser, error) {
	if name != "cpu.html" {
		return nil, rest.ErrUnknownFile
	}
	return io.NopCloser(strings.NewReader("<html/>")), c.known(p)
}

// Workers lists one for each job that runs.
func (c *Cluster) Workers(context.Context) ([]view.Worker, error) {
	var all []view.Worker
	for _, id := range c.order {
		if c.jobs[id].State == view.JobRunning {
			all = append(all, view.Worker{Job: id, TaskManager: c.taskManagers[0].ID, PID: 1, Started: c.now})
		}
	}
	return all, nil
}
