// Package taskmanager has the TaskExecutor: the actor that offers slots, starts one worker per job, and relays between
// workers and JobMasters. What it decides is decided by package executor.
package taskmanager

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/taskmanager/executor"
)

// Options are what a TaskExecutor is started with.
type Options struct {
	Configuration config.Configuration
	Slots         int
	Launcher      Launcher
	// ResourceManager is whom to register with, LeaderEpoch the epoch that it leads in. If they are not known, the actor Registrar of another
	// process is asked for them, again and again.
	ResourceManager *message.Address
	LeaderEpoch     uint64
	Registrar       *message.Address
	// Led is told what the registrar says. It may be nil, and must not wait for anything.
	Led func(*message.Leader)
	// Registered is told when the TaskExecutor has registered, and when that has ended. It may be nil, and must not wait for anything.
	Registered func(bool)
	// CanKill says that closing a worker ends its tasks whatever they do.
	CanKill bool
	// Apart says that workers are processes, which their peers find at an address of the job's own.
	Apart bool
	// Lookout is where the process shows what it does; nil if it does not.
	Lookout *message.Lookout
	// Abandoned is called when a worker that cannot be killed does not stop. The process should be ended.
	Abandoned func(job ident.JobID, cause *message.Failure)
}

// TaskExecutor is a running actor.
type TaskExecutor struct{ *actors.Ref }

// Resize raises the number of slots to that number. It never lowers it.
func (t *TaskExecutor) Resize(slots int) { t.Post(resize{slots}) }

// Start starts the actor.
func Start(s *actors.System, o Options) (*TaskExecutor, error) {
	id := actors.UniqueName("taskexecutor")
	ref, err := s.Spawn(id, &shell{options: o, id: id, workers: map[ident.JobID]Worker{}})
	if err != nil {
		return nil, err
	}
	return &TaskExecutor{ref}, nil
}

// shell carries messages to an executor and its commands out.
type shell struct {
	options Options
	// registered is what was told of it last.
	registered bool
	id         string
	context    *actors.Context
	log        *slog.Logger
	executor   *executor.Executor
	workers    map[ident.JobID]Worker
}

type resize struct{ slots int }

// report is a message of a worker.
type report struct {
	job         ident.JobID
	incarnation uint64
	message     *message.FromWorker
}

func (s *shell) Start(c *actors.Context) {
	s.context = c
	s.log = c.Log().With("taskexecutor", s.id)
	now := c.Clock().Now()
	s.executor = executor.New(executor.Config{
		ID: s.id, Address: c.Self(), Slots: s.options.Slots,
		Timing: message.Timing{
			Interval: config.Get(s.options.Configuration, config.HeartbeatInterval),
			Timeout:  config.Get(s.options.Configuration, config.HeartbeatTimeout),
		},
		ResourceManager:     s.options.ResourceManager,
		LeaderEpoch:         s.options.LeaderEpoch,
		Registrar:           s.options.Registrar,
		CancellationTimeout: s.cancellationTimeout,
		CanKill:             s.options.CanKill,
		Apart:               s.options.Apart,
		Lookout:             s.options.Lookout,
	}, now)
	s.executor.Tick(now)
	s.act()
}

// cancellationTimeout is the job's, or else this TaskManager's.
func (s *shell) cancellationTimeout(properties map[string]string) time.Duration {
	if text, ok := properties[config.CancellationTimeout.Key()]; ok {
		if d, err := config.ParseDuration(text); err == nil {
			return d
		}
	}
	return config.Get(s.options.Configuration, config.CancellationTimeout)
}

func (s *shell) Receive(now time.Time, m message.Message) {
	s.executor.Receive(now, m)
	if leader, ok := m.(*message.Leader); ok && s.options.Led != nil && s.executor.Follows(leader) {
		s.options.Led(leader)
	}
	s.act()
}

func (s *shell) Event(now time.Time, event any) {
	switch e := event.(type) {
	case resize:
		s.executor.Resize(now, e.slots)
	case report:
		s.executor.Report(now, e.job, e.incarnation, e.message)
	}
	s.act()
}

func (s *shell) Gone(now time.Time, who message.AddressKey) {
	s.executor.Gone(now, who)
	s.act()
}

func (s *shell) ChildPanicked(time.Time, message.AddressKey, *actors.Panic) {}

func (s *shell) Tick(now time.Time) {
	s.executor.Tick(now)
	s.act()
}

func (s *shell) Deadline() time.Time { return s.executor.Deadline() }

func (s *shell) Stop() {
	for _, w := range s.workers {
		w.Close()
	}
}

func (s *shell) act() {
	if is := s.executor.Registered(); is != s.registered {
		if s.registered = is; s.options.Registered != nil {
			s.options.Registered(is)
		}
	}
	for commands := s.executor.Take(); len(commands) > 0; commands = s.executor.Take() {
		s.carryOut(commands)
	}
}

func (s *shell) carryOut(commands []executor.Command) {
	for _, command := range commands {
		switch c := command.(type) {
		case executor.Send:
			s.context.Send(c.To, c.Body)
		case executor.Reset:
			s.context.Reset(c.Address)
		case executor.Watch:
			if c.Stop {
				s.context.Unwatch(c.Address)
			} else {
				s.context.Watch(c.Address)
			}
		case executor.Launch:
			s.launch(c)
		case executor.Tell:
			if w := s.workers[c.Job]; w != nil {
				w.Send(s.context.Wire(c.Message).(*message.ToWorker))
			}
		case executor.Hold:
			if w, ok := s.workers[c.Job].(Holder); ok {
				w.Hold(c.Slots)
			}
		case executor.Close:
			if w := s.workers[c.Job]; w != nil {
				delete(s.workers, c.Job)
				w.Close()
			}
		case executor.Prepare:
			s.prepare(c.Job)
		case executor.Discard:
			s.options.Launcher.Discard(c.Job)
		case executor.Abandon:
			s.log.Error("a task does not stop", "job", c.Job, "cause", c.Failure.GetMessage())
			if s.options.Abandoned != nil {
				s.options.Abandoned(c.Job, c.Failure)
			}
		}
	}
}

func (s *shell) prepare(job ident.JobID) {
	address, err := s.options.Launcher.Prepare(job)
	if err != nil {
		s.log.Error("a job can have no slots here, since its workers could not be reached", "job", job, "error", err)
	}
	s.executor.Prepared(s.context.Clock().Now(), job, address)
}

func (s *shell) launch(c executor.Launch) {
	hand := func(m *message.FromWorker) {
		s.context.Post(report{c.Job, c.Incarnation, s.context.Wire(message.Clean(m)).(*message.FromWorker)})
	}
	// One that stopped by itself may still be there.
	if old := s.workers[c.Job]; old != nil {
		old.Close()
	}
	worker, err := s.options.Launcher.Launch(Spec{
		Job: c.Job, JobName: c.Name, LeaderEpoch: c.LeaderEpoch, Configuration: c.Configuration, Program: c.Program, TaskExecutor: s.id, Slots: c.Slots,
	}, hand)
	if err != nil {
		delete(s.workers, c.Job)
		s.log.Warn("a worker could not be started", "job", c.Job, "error", err)
		hand(&message.FromWorker{LeaderEpoch: c.LeaderEpoch, Body: &message.FromWorker_Stopped{Stopped: &message.WorkerStopped{
			Failure: &message.Failure{
				Message: fmt.Sprintf("job %q: TaskManager %s could not start a worker: %v", c.Name, s.id, err),
				Subtask: -1, Class: int32(operator.Environment),
			},
		}}})
		return
	}
	s.workers[c.Job] = worker
}
