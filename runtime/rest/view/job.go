// Package view says what there is to see of a cluster at one moment: its jobs, their vertices, subtasks, attempts, checkpoints and failures, its
// processes and its metrics. It knows neither JSON nor the messages of the control plane. Whoever is given a view must not change it, so that one view can be shown
// to many.
//
// Times are zero where nothing has happened. States are Flink's words.
package view

import (
	"time"

	"github.com/weir-stream/weir/runtime/ident"
)

// JobState is the state of a job.
type JobState string

// The states of a job.
const (
	JobInitializing JobState = "INITIALIZING"
	JobCreated      JobState = "CREATED"
	JobRunning      JobState = "RUNNING"
	JobFailing      JobState = "FAILING"
	JobFailed       JobState = "FAILED"
	JobCancelling   JobState = "CANCELLING"
	JobCanceled     JobState = "CANCELED"
	JobFinished     JobState = "FINISHED"
	JobRestarting   JobState = "RESTARTING"
	JobSuspended    JobState = "SUSPENDED"
	JobReconciling  JobState = "RECONCILING"
)

// JobStates lists them all.
var JobStates = []JobState{
	JobInitializing, JobCreated, JobRunning, JobFailing, JobFailed, JobCancelling, JobCanceled, JobFinished, JobRestarting, JobSuspended, JobReconciling,
}

// Over says that the job has ended for good.
func (s JobState) Over() bool { return s == JobFailed || s == JobCanceled || s == JobFinished }

// TaskState is the state of an attempt.
type TaskState string

// The states of an attempt.
const (
	TaskCreated      TaskState = "CREATED"
	TaskScheduled    TaskState = "SCHEDULED"
	TaskDeploying    TaskState = "DEPLOYING"
	TaskInitializing TaskState = "INITIALIZING"
	TaskRunning      TaskState = "RUNNING"
	TaskFinished     TaskState = "FINISHED"
	TaskCanceling    TaskState = "CANCELING"
	TaskCanceled     TaskState = "CANCELED"
	TaskFailed       TaskState = "FAILED"
	TaskReconciling  TaskState = "RECONCILING"
)

// TaskStates lists them all, in the order in which an attempt runs through them.
var TaskStates = []TaskState{
	TaskCreated, TaskScheduled, TaskDeploying, TaskInitializing, TaskRunning, TaskFinished, TaskCanceling, TaskCanceled, TaskFailed, TaskReconciling,
}

// Over says that the attempt has ended.
func (s TaskState) Over() bool { return s == TaskFinished || s == TaskCanceled || s == TaskFailed }

// JobSummary is a line of the list of jobs.
type JobSummary struct {
	ID    ident.JobID
	Name  string
	State JobState
	// Adaptive says that the adaptive scheduler runs the job; Unscheduled that it ended before any scheduler took it.
	Adaptive, Unscheduled bool
	Start, End            time.Time
	// Modified is when the job last changed.
	Modified time.Time
	// Tasks counts subtasks by the state of their current attempt.
	Tasks map[TaskState]int
	// Now is when this was so.
	Now time.Time
}

// Job is a job with its vertices.
type Job struct {
	JobSummary
	// Application is that to which the job belongs; zero means that it is one of its own, with the job's id.
	Application ident.ID
	// Entered tells when each state was last entered.
	Entered map[JobState]time.Time
	// Vertices are in topological order, sources first.
	Vertices []Vertex
	// Plan is the plan as graph.PlanObject writes it.
	Plan []byte
	// Settings are what the program says of itself.
	Settings Settings
	// Failures are newest first.
	Failures []Failure
	// FailuresLost says that there were more than are kept.
	FailuresLost bool
	// Cause is why the job failed; nil if it did not.
	Cause *Cause
	// Accumulators are those of all tasks, merged.
	Accumulators []Accumulator
	// Configuration is that of the cluster with what the job sets, for whoever asks which options hold.
	Configuration []Setting
}

// Settings are figures of a job's configuration that its page shows.
type Settings struct {
	RestartStrategy string // in words
	Parallelism     int
	ObjectReuse     bool
	// User are the program's own parameters.
	User map[string]string
}

// Setting is a key of a configuration and its value.
type Setting struct{ Key, Value string }

// Cause says why something failed.
type Cause struct {
	// Class is the kind of failure, written as a Java class, since clients expect one: "org.apache.flink.runtime.JobException".
	Class string
	// Message is whole; Stack, which may be empty, is what else there is: the stack of a panic.
	Message, Stack string
}

// Failure is an entry of a job's history of failures.
type Failure struct {
	Cause
	At     time.Time
	Labels map[string]string
	// Task, Endpoint and TaskManager say where it was; all are empty if no single task is to blame.
	Task, Endpoint, TaskManager string
	// Concurrent are failures that came while the same restart was under way.
	Concurrent []Failure
}

// Accumulator is the value of a user's accumulator.
type Accumulator struct{ Name, Type, Value string }

// Vertex is a chain of operators with its subtasks.
type Vertex struct {
	ID                          ident.VertexID
	Name                        string
	SlotSharingGroup            ident.ID
	Parallelism, MaxParallelism int
	Subtasks                    []Subtask
	// Accumulators are those of all subtasks, merged.
	Accumulators []Accumulator
}

// Subtask is a parallel instance of a vertex.
type Subtask struct {
	Index   int
	Current Attempt
	// Prior are attempts before the current one, as far as they are kept.
	Prior []Attempt
}

// Attempt is one try to run a subtask.
type Attempt struct {
	Number int
	// Execution names the attempt as in metrics.
	Execution string
	State     TaskState
	// Entered tells when each state was entered.
	Entered map[TaskState]time.Time
	// Endpoint is host:port of the data plane where it runs, TaskManager the id of the process; both are empty before deployment.
	Endpoint, TaskManager string
	IO                    IO
	Accumulators          []Accumulator
}

// IO counts what attempts have moved.
type IO struct {
	ReadBytes, WriteBytes, ReadRecords, WriteRecords int64
	// Incomplete says that figures of some are not known yet.
	Incomplete bool
	// Backpressured, Idle and Busy are the time spent so. Busy is NaN where it is not known.
	BackpressuredMillis, IdleMillis int64
	BusyMillis                      float64
}

// Vertex returns the vertex of that id, or nil.
func (j *Job) Vertex(id ident.VertexID) *Vertex {
	for i := range j.Vertices {
		if j.Vertices[i].ID == id {
			return &j.Vertices[i]
		}
	}
	return nil
}

// Subtask returns the subtask of that index, or nil.
func (v *Vertex) Subtask(index int) *Subtask {
	for i := range v.Subtasks {
		if v.Subtasks[i].Index == index {
			return &v.Subtasks[i]
		}
	}
	return nil
}

// Attempt returns the attempt of that number, or nil.
func (s *Subtask) Attempt(number int) *Attempt {
	if s.Current.Number == number {
		return &s.Current
	}
	for i := range s.Prior {
		if s.Prior[i].Number == number {
			return &s.Prior[i]
		}
	}
	return nil
}

// ApplicationID is the id of the application to which the job belongs.
func (j *Job) ApplicationID() ident.ID {
	if j.Application.IsZero() {
		return j.ID
	}
	return j.Application
}
