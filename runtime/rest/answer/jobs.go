package answer

import (
	"encoding/json"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// JobIDs answers /jobs.
type JobIDs struct {
	Jobs []JobIDAndStatus `json:"jobs"`
}

// JobIDAndStatus is an entry of it.
type JobIDAndStatus struct {
	ID     ident.JobID   `json:"id"`
	Status view.JobState `json:"status"`
}

// JobsOverview answers /jobs/overview.
type JobsOverview struct {
	Jobs []JobSummary `json:"jobs"`
}

// JobSummary is an entry of it.
type JobSummary struct {
	ID               ident.JobID   `json:"jid"`
	Name             string        `json:"name"`
	Type             string        `json:"jobType"`
	Scheduler        *string       `json:"schedulerType"`
	Start            int64         `json:"start-time"`
	End              int64         `json:"end-time"`
	Duration         int64         `json:"duration"`
	State            view.JobState `json:"state"`
	Modified         int64         `json:"last-modification"`
	Tasks            TaskCounts    `json:"tasks"`
	PendingOperators int           `json:"pending-operators"`
}

// TaskCounts counts subtasks by state.
type TaskCounts struct {
	Running      int `json:"running"`
	Canceling    int `json:"canceling"`
	Canceled     int `json:"canceled"`
	Total        int `json:"total"`
	Created      int `json:"created"`
	Scheduled    int `json:"scheduled"`
	Deploying    int `json:"deploying"`
	Reconciling  int `json:"reconciling"`
	Finished     int `json:"finished"`
	Initializing int `json:"initializing"`
	Failed       int `json:"failed"`
}

// JobStatus answers /jobs/:jobid/status.
type JobStatus struct {
	Status view.JobState `json:"status"`
}

// streaming is the only kind of job there is.
const streaming = "STREAMING"

// ListJobs answers /jobs.
func ListJobs(jobs []view.JobSummary) JobIDs {
	list := JobIDs{Jobs: []JobIDAndStatus{}}
	for _, j := range jobs {
		list.Jobs = append(list.Jobs, JobIDAndStatus{j.ID, j.State})
	}
	return list
}

// SummarizeJobs answers /jobs/overview.
func SummarizeJobs(jobs []view.JobSummary) JobsOverview { return JobsOverview{Jobs: summaries(jobs)} }

func summaries(jobs []view.JobSummary) []JobSummary {
	list := []JobSummary{}
	for _, j := range jobs {
		list = append(list, summarize(j))
	}
	return list
}

func summarize(j view.JobSummary) JobSummary {
	return JobSummary{
		ID: j.ID, Name: j.Name, Type: streaming, Scheduler: scheduler(j), Start: stamp(j.Start), End: ended(j.End),
		Duration: duration(j.Start, j.End, j.Now), State: j.State, Modified: stamp(j.Modified), Tasks: countTasks(j.Tasks),
	}
}

func scheduler(j view.JobSummary) *string {
	switch {
	case j.Unscheduled:
		return nil
	case j.Adaptive:
		return nullable("Adaptive")
	}
	return nullable("Default")
}

func countTasks(tasks map[view.TaskState]int) TaskCounts {
	counts := TaskCounts{
		Running: tasks[view.TaskRunning], Canceling: tasks[view.TaskCanceling], Canceled: tasks[view.TaskCanceled], Created: tasks[view.TaskCreated],
		Scheduled: tasks[view.TaskScheduled], Deploying: tasks[view.TaskDeploying], Reconciling: tasks[view.TaskReconciling],
		Finished: tasks[view.TaskFinished], Initializing: tasks[view.TaskInitializing], Failed: tasks[view.TaskFailed],
	}
	for _, n := range tasks {
		counts.Total += n
	}
	return counts
}

// Job answers /jobs/:jobid.
type Job struct {
	ID               ident.JobID             `json:"jid"`
	Application      ident.ID                `json:"application-id"`
	Name             string                  `json:"name"`
	Stoppable        bool                    `json:"isStoppable"`
	State            view.JobState           `json:"state"`
	Type             string                  `json:"job-type"`
	Scheduler        *string                 `json:"schedulerType"`
	Start            int64                   `json:"start-time"`
	End              int64                   `json:"end-time"`
	Duration         int64                   `json:"duration"`
	MaxParallelism   int                     `json:"maxParallelism"`
	Now              int64                   `json:"now"`
	Timestamps       map[view.JobState]int64 `json:"timestamps"`
	Vertices         []JobVertex             `json:"vertices"`
	StatusCounts     StatusCounts            `json:"status-counts"`
	Plan             json.RawMessage         `json:"plan"`
	PendingOperators int                     `json:"pending-operators"`
}

// StatusCounts has a number for each state of tasks.
type StatusCounts map[view.TaskState]int

// JobVertex is a vertex of it.
type JobVertex struct {
	ID               ident.VertexID `json:"id"`
	SlotSharingGroup ident.ID       `json:"slotSharingGroupId"`
	Name             string         `json:"name"`
	MaxParallelism   int            `json:"maxParallelism"`
	Parallelism      int            `json:"parallelism"`
	Status           view.TaskState `json:"status"`
	Start            int64          `json:"start-time"`
	End              int64          `json:"end-time"`
	Duration         int64          `json:"duration"`
	Tasks            StatusCounts   `json:"tasks"`
	Metrics          IO             `json:"metrics"`
}

// DescribeJob answers /jobs/:jobid.
func DescribeJob(j *view.Job) Job {
	made := Job{
		ID: j.ID, Application: j.ApplicationID(), Name: j.Name, State: j.State, Type: streaming, Scheduler: scheduler(j.JobSummary),
		Start: stamp(j.Start), End: ended(j.End), Duration: duration(j.Start, j.End, j.Now), MaxParallelism: -1, Now: stamp(j.Now),
		Timestamps: map[view.JobState]int64{}, Vertices: []JobVertex{}, StatusCounts: newStatusCounts(), Plan: j.Plan,
	}
	for _, state := range view.JobStates {
		made.Timestamps[state] = stamp(j.Entered[state])
	}
	for i := range j.Vertices {
		vertex := describeJobVertex(&j.Vertices[i], j)
		made.Vertices = append(made.Vertices, vertex)
		made.StatusCounts[vertex.Status]++
	}
	return made
}

func describeJobVertex(v *view.Vertex, j *view.Job) JobVertex {
	all := currentAttempts(v)
	span := spanOf(all)
	return JobVertex{
		ID: v.ID, SlotSharingGroup: v.SlotSharingGroup, Name: v.Name, MaxParallelism: v.MaxParallelism, Parallelism: v.Parallelism,
		Status: vertexState(all), Start: ended(span.start), End: ended(span.end), Duration: duration(span.start, span.end, j.Now),
		Tasks: countStates(all), Metrics: describeIO(sumIO(all)),
	}
}

// Plan answers /jobs/:jobid/plan and /jars/:jarid/plan.
type Plan struct {
	Plan json.RawMessage `json:"plan"`
}

// JobConfig answers /jobs/:jobid/config.
type JobConfig struct {
	ID        ident.JobID     `json:"jid"`
	Name      string          `json:"name"`
	Execution ExecutionConfig `json:"execution-config"`
}

// ExecutionConfig is part of it.
type ExecutionConfig struct {
	RestartStrategy string            `json:"restart-strategy"`
	Parallelism     int               `json:"job-parallelism"`
	ObjectReuse     bool              `json:"object-reuse-mode"`
	User            map[string]string `json:"user-config"`
}

// DescribeSettings answers /jobs/:jobid/config.
func DescribeSettings(j *view.Job) JobConfig {
	user := j.Settings.User
	if user == nil {
		user = map[string]string{}
	}
	return JobConfig{ID: j.ID, Name: j.Name, Execution: ExecutionConfig{
		RestartStrategy: j.Settings.RestartStrategy, Parallelism: j.Settings.Parallelism, ObjectReuse: j.Settings.ObjectReuse, User: user,
	}}
}
