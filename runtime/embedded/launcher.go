package embedded

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/taskmanager"
	"github.com/weir-stream/weir/runtime/worker"
)

// WorkerSpec is what a worker in this process is made of.
type WorkerSpec struct {
	Program       *graph.JobGraph
	Configuration config.Configuration
	LeaderEpoch   uint64
	Clock         clock.Clock
	Log           *slog.Logger
	Metrics       *metrics.Group
	// Stores opens the store of a location, for checkpoints.
	Stores func(location string) (storage.Store, error)
	// Report takes what the worker has to tell, from any goroutine.
	Report func(*message.FromWorker)
}

// ender is implemented by workers that can tell when their tasks have ended.
type ender interface{ Closed() <-chan struct{} }

func newHost(spec WorkerSpec) (taskmanager.Worker, error) {
	host := worker.NewHost(worker.Config{
		Program: spec.Program, Settings: worker.SettingsOf(spec.Configuration, spec.Program), Clock: spec.Clock, Log: spec.Log,
		Metrics: spec.Metrics, Report: spec.Report, Checkpoints: worker.CheckpointsOf(spec.Configuration, spec.Program, spec.Stores),
	})
	host.MeasureMailboxes()
	return host, nil
}

// launcher starts workers in this process, from the programs that were submitted to it.
type launcher struct {
	options Options
	stores  func(location string) (storage.Store, error)

	mu       sync.Mutex
	programs map[ident.JobID]*graph.JobGraph
	launched []*launched
	// over are jobs that have ended and settled those that have nothing left to do for that, as far as they are not both. One more is noted.
	over, settled map[ident.JobID]bool
	noted         chan struct{}
}

// launched is a worker until its tasks have ended.
type launched struct {
	job     ident.JobID
	name    string
	worker  taskmanager.Worker
	metrics *metrics.Group
}

func newLauncher(o Options, open func(location string) (storage.Store, error)) *launcher {
	if o.NewWorker == nil {
		o.NewWorker = newHost
	}
	return &launcher{options: o, stores: open, programs: map[ident.JobID]*graph.JobGraph{}, over: map[ident.JobID]bool{}, settled: map[ident.JobID]bool{}, noted: make(chan struct{}, 1)}
}

// add makes a program known and reports whether it was.
func (l *launcher) add(program *graph.JobGraph) (known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.programs[program.ID] == nil {
		l.programs[program.ID] = program
		return false
	}
	return true
}

func (l *launcher) remove(job ident.JobID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.programs, job)
}

// ended forgets the program of a job that is over.
func (l *launcher) ended(r *message.JobResult) {
	if id, err := message.ID(r.Job); err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.programs, id)
		l.meet(id, l.over, l.settled)
	}
}

// settle says that nothing is left to do for a job's checkpoints.
func (l *launcher) settle(job ident.JobID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.meet(job, l.settled, l.over)
	select {
	case l.noted <- struct{}{}:
	default:
	}
}

// meet notes a job among some, or forgets it if the others have it.
func (l *launcher) meet(job ident.JobID, some, others map[ident.JobID]bool) {
	if others[job] {
		delete(others, job)
	} else {
		some[job] = true
	}
}

// awaitSettled waits until nothing is left to do for jobs that are over.
func (l *launcher) awaitSettled(c clock.Clock, patience time.Duration) {
	timer := c.NewTimer(patience)
	defer timer.Stop()
	for {
		l.mu.Lock()
		left := len(l.over)
		l.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-l.noted:
		case <-timer.C():
			l.options.Log.Warn("jobs that are over could not write that to their logs in good time: their last checkpoints stay", "jobs", left)
			return
		}
	}
}

// Prepare implements taskmanager.Launcher.
func (l *launcher) Prepare(ident.JobID) (string, error) { return "", nil }

// Discard implements taskmanager.Launcher.
func (l *launcher) Discard(ident.JobID) {}

// Launch implements taskmanager.Launcher.
func (l *launcher) Launch(spec taskmanager.Spec, report func(*message.FromWorker)) (taskmanager.Worker, error) {
	var properties []string
	for key, text := range spec.Configuration {
		properties = append(properties, key+"="+text)
	}
	configuration, _, err := config.Load("", properties)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reap()
	program := l.programs[spec.Job]
	if program == nil {
		return nil, fmt.Errorf("this process has no program for the job: it was submitted from another one")
	}
	group := l.options.Metrics.Root(metrics.LevelTaskManagerJob,
		metrics.Variable{Name: metrics.TaskManagerID, Value: spec.TaskExecutor},
		metrics.Variable{Name: metrics.JobID, Value: spec.Job.String()},
		metrics.Variable{Name: metrics.JobName, Value: spec.JobName})
	w, err := l.options.NewWorker(WorkerSpec{
		Program: program, Configuration: configuration, LeaderEpoch: spec.LeaderEpoch,
		Clock: l.options.Clock, Log: l.options.Log, Metrics: group, Report: report, Stores: l.stores,
	})
	if err != nil {
		group.Close()
		return nil, err
	}
	l.launched = append(l.launched, &launched{spec.Job, spec.JobName, w, group})
	return w, nil
}

// reap forgets the workers whose tasks have ended.
func (l *launcher) reap() {
	l.launched = slices.DeleteFunc(l.launched, func(w *launched) bool {
		e, ok := w.worker.(ender)
		if !ok {
			return false
		}
		select {
		case <-e.Closed():
			w.metrics.Close()
			return true
		default:
			return false
		}
	})
}

// abandon forgets the workers of a job that will never end.
func (l *launcher) abandon(job ident.JobID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.launched = slices.DeleteFunc(l.launched, func(w *launched) bool { return w.job == job })
}

// close waits until all tasks have ended. Their workers were asked to close before.
func (l *launcher) close(c clock.Clock, patience time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	timer := c.NewTimer(patience)
	defer timer.Stop()
	for _, w := range l.launched {
		e, ok := w.worker.(ender)
		if !ok {
			continue
		}
		select {
		case <-e.Closed():
		case <-timer.C():
			return fmt.Errorf("job %q still has tasks that run %s after they were cancelled: they wait in calls that do not watch their context", w.name, patience)
		}
		w.metrics.Close()
	}
	l.launched = nil
	return nil
}
