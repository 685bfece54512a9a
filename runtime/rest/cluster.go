package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Cluster is what the server asks and has done. Methods may be called from any goroutine, many at a time; they end when their context does. What
// they return is not changed any more by either side.
//
// Errors that mean something to a client wrap one of the errors below, with a text that says what was wrong; others are answered with status 500.
type Cluster interface {
	Jobs
	Snapshots
	Programs
	Processes
	// Overview counts what the cluster has.
	Overview(context.Context) (view.Overview, error)
	// Metrics returns the latest known figures. It may be asked often, so it should not gather them anew each time.
	Metrics(context.Context) (*view.Metrics, error)
	// Health says of each job that runs, or has ended of late, whether it is well.
	Health(context.Context) ([]view.JobHealth, error)
	// Shutdown begins to end the cluster and returns at once.
	Shutdown(context.Context) error
}

// Jobs shows jobs and changes them.
type Jobs interface {
	// Jobs lists the jobs that run and those that ended of late.
	Jobs(context.Context) ([]view.JobSummary, error)
	// Applications lists what was started; see [view.ApplicationOf].
	Applications(context.Context) ([]view.Application, error)
	// Job shows a job, by a copy that may be some seconds old, and JobState its state as it is. Errors: ErrUnknownJob.
	Job(context.Context, ident.JobID) (*view.Job, error)
	JobState(context.Context, ident.JobID) (view.JobState, error)
	// Cancel asks a job to stop and returns before it has. Errors: ErrUnknownJob, or an *EndedError if it has ended otherwise.
	Cancel(context.Context, ident.JobID) error
	// Heartbeat says that a job's client lives; the job is canceled if nothing more is heard until then. Errors: ErrUnknownJob.
	Heartbeat(ctx context.Context, job ident.JobID, until time.Time) error
	// Requirements says what parallelism a job asks for, Require changes that. Errors: ErrUnknownJob, ErrDefaultScheduler, ErrInvalid.
	Requirements(context.Context, ident.JobID) (map[ident.VertexID]view.Bounds, error)
	Require(context.Context, ident.JobID, map[ident.VertexID]view.Bounds) error
	// Rescales shows a job's changes of parallelism. Errors: ErrUnknownJob, ErrDefaultScheduler.
	Rescales(context.Context, ident.JobID) (*view.Rescales, error)
	// FlameGraph shows sampled stacks of a vertex, of all subtasks (-1) or one; nil means that there are none yet. kind is FULL, ON_CPU or OFF_CPU.
	FlameGraph(ctx context.Context, job ident.JobID, vertex ident.VertexID, subtask int, kind string) (*view.FlameGraph, error)
}

// Snapshots shows and takes checkpoints and savepoints.
type Snapshots interface {
	// Checkpoints shows a job's checkpoints, also those of a job that takes none by itself; nil means that it cannot take any. Errors: ErrUnknownJob.
	Checkpoints(context.Context, ident.JobID) (*view.Checkpoints, error)
	// TakeSavepoint takes a savepoint and returns its location when it is complete, and when the job has ended if it is to. A repeated request
	// of the same trigger takes nothing.
	TakeSavepoint(context.Context, SavepointRequest) (location string, err error)
	// TakeCheckpoint takes a checkpoint and returns its number when it is complete. A repeated request of the same trigger takes nothing.
	TakeCheckpoint(context.Context, CheckpointRequest) (number uint64, err error)
	// DisposeSavepoint deletes a savepoint.
	DisposeSavepoint(ctx context.Context, path string) error
}

// SavepointRequest asks for a savepoint.
type SavepointRequest struct {
	Job ident.JobID
	// Trigger names the request.
	Trigger ident.ID
	// Directory is where the savepoint's folder is made; empty means where the configuration says.
	Directory string
	// Native says that the format may be that of the state backend.
	Native bool
	// Stop says that the job finishes with the savepoint, Drain that its sources end their input before, Cancel that the job is canceled after it.
	Stop, Drain, Cancel bool
}

// CheckpointRequest asks for a checkpoint.
type CheckpointRequest struct {
	Job     ident.JobID
	Trigger ident.ID
	// Full asks for one that stands on its own.
	Full bool
}

// Programs runs job binaries.
type Programs interface {
	// Plan returns the plan of a program, as graph.PlanObject writes it, without running it.
	Plan(context.Context, Program) ([]byte, error)
	// Run submits a program. Errors: ErrInvalid for a job id that is taken and a savepoint that cannot be used.
	Run(context.Context, Program) (Run, error)
}

// Program is a job binary with its arguments.
type Program struct {
	// Path is the binary's file.
	Path      string
	Arguments []string
	// Parallelism is that of operators that set none; 0 leaves it to the configuration.
	Parallelism int
	// Job is the id that the job shall have; zero means any.
	Job ident.JobID
	// Savepoint is what to start from; empty means nothing. ClaimMode is empty or one of Flink's.
	Savepoint        string
	AllowNonRestored bool
	ClaimMode        string
	// Configuration are the job's options.
	Configuration map[string]string
}

// Run names what was submitted.
type Run struct {
	Job ident.JobID
	// Application is zero if the job stands for itself.
	Application ident.ID
}

// Processes shows the cluster's processes.
type Processes interface {
	TaskManagers(context.Context) ([]view.TaskManager, error)
	// TaskManager shows one. Errors: ErrUnknownTaskManager.
	TaskManager(ctx context.Context, id string) (*view.TaskManager, error)
	// Configuration is that of the JobManager, without secrets.
	Configuration(context.Context) ([]view.Setting, error)
	Environment(context.Context) (view.Environment, error)
	// Logs lists the files of a process's log folder. Errors here and below: ErrUnknownTaskManager.
	Logs(context.Context, view.Process) ([]view.LogFile, error)
	// OpenLog opens a file of that folder; MainLog and Stdout stand for the process's log and output. Errors: ErrUnknownFile.
	OpenLog(ctx context.Context, process view.Process, name string) (io.ReadCloser, error)
	ThreadDump(context.Context, view.Process) ([]view.Thread, error)
	Profiles(context.Context, view.Process) ([]view.Profile, error)
	// StartProfile begins a profile and returns before it is there. Errors: ErrInvalid.
	StartProfile(ctx context.Context, process view.Process, mode view.ProfileMode, length time.Duration) (view.Profile, error)
	// OpenProfile opens a profile's file. Errors: ErrUnknownFile.
	OpenProfile(ctx context.Context, process view.Process, name string) (io.ReadCloser, error)
	// Workers lists the processes that run jobs' subtasks.
	Workers(context.Context) ([]view.Worker, error)
}

// Names for [Processes.OpenLog] that are no names of files.
const (
	MainLog = "/log"
	Stdout  = "/stdout"
)

// The errors that mean something to a client.
var (
	ErrUnknownJob         = errors.New("there is no such job")
	ErrUnknownTaskManager = errors.New("there is no such TaskManager")
	ErrUnknownFile        = errors.New("there is no such file")
	ErrDefaultScheduler   = errors.New("the job does not run under the adaptive scheduler")
	ErrInvalid            = errors.New("the request cannot be carried out")
	ErrUnavailable        = errors.New("nobody leads the cluster at present; try again")
)

// EndedError says that a job has ended already.
type EndedError struct{ State view.JobState }

// Error says so.
func (e *EndedError) Error() string { return fmt.Sprintf("the job has already ended: %s", e.State) }
