package resttest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

func (n node) id() ident.ID {
	id, _ := ident.ParseID(n.text())
	return id
}

// time is zero for 0 and -1.
func (n node) time() time.Time {
	if n.int() <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(n.int())
}

func (n node) millis() time.Duration { return time.Duration(n.int()) * time.Millisecond }

func summaryOf(n node, now time.Time) view.JobSummary {
	tasks := map[view.TaskState]int{}
	for name, count := range n.at("tasks").object() {
		if name != "total" {
			tasks[view.TaskState(strings.ToUpper(name))] = int(node{count}.int())
		}
	}
	return view.JobSummary{
		ID: n.at("jid").id(), Name: n.at("name").text(), State: view.JobState(n.at("state").text()), Unscheduled: n.at("schedulerType").isNull(),
		Start: n.at("start-time").time(), End: n.at("end-time").time(), Modified: n.at("last-modification").time(), Tasks: tasks, Now: now,
	}
}

// jobOf makes a job of what was recorded in a state; nil if there is none.
func jobOf(state string) *view.Job {
	n, there := load(state, "jobs_jobid")
	if !there {
		return nil
	}
	job := &view.Job{JobSummary: summaryOf(n, n.at("now").time()), Entered: map[view.JobState]time.Time{}, Application: n.at("application-id").id()}
	job.Modified = job.Start
	job.Tasks = map[view.TaskState]int{}
	for name, at := range n.at("timestamps").object() {
		job.Entered[view.JobState(name)] = node{at}.time()
	}
	job.Plan, _ = json.Marshal(n.at("plan").value)
	for i, v := range n.at("vertices").list() {
		job.Vertices = append(job.Vertices, vertexOf(state, v, i))
	}
	for _, v := range job.Vertices {
		for _, s := range v.Subtasks {
			job.Tasks[s.Current.State]++
		}
	}
	job.Settings = settingsOf(state)
	job.Accumulators = accumulatorsOf(firstOf(state, "jobs_jobid_accumulators").at("user-task-accumulators"))
	history := firstOf(state, "jobs_jobid_exceptions").at("exceptionHistory", "entries")
	for _, f := range history.list() {
		job.Failures = append(job.Failures, failureOf(f))
	}
	if cause := firstOf(state, "jobs_jobid_execution-result").at("job-execution-result", "failure-cause"); !cause.isNull() {
		job.Cause = causeOf(cause.at("class").text(), cause.at("stack-trace").text())
	}
	return job
}

func firstOf(state, file string) node {
	n, _ := load(state, file)
	return n
}

func settingsOf(state string) view.Settings {
	config := firstOf(state, "jobs_jobid_config").at("execution-config")
	settings := view.Settings{
		RestartStrategy: config.at("restart-strategy").text(), Parallelism: int(config.at("job-parallelism").int()), User: map[string]string{},
	}
	for key, value := range config.at("user-config").object() {
		settings.User[key] = node{value}.text()
	}
	return settings
}

func accumulatorsOf(n node) []view.Accumulator {
	var all []view.Accumulator
	for _, a := range n.list() {
		all = append(all, view.Accumulator{Name: a.at("name").text(), Type: a.at("type").text(), Value: a.at("value").text()})
	}
	return all
}

// causeOf takes a Java stack trace apart.
func causeOf(class, trace string) *view.Cause {
	first, rest, _ := strings.Cut(trace, "\n")
	return &view.Cause{Class: class, Message: strings.TrimPrefix(first, class+": "), Stack: rest}
}

func failureOf(n node) view.Failure {
	f := view.Failure{
		Cause: *causeOf(n.at("exceptionName").text(), n.at("stacktrace").text()), At: n.at("timestamp").time(), Task: n.at("taskName").text(),
		Endpoint: n.at("endpoint").text(), TaskManager: n.at("taskManagerId").text(),
	}
	for _, other := range n.at("concurrentExceptions").list() {
		f.Concurrent = append(f.Concurrent, failureOf(other))
	}
	return f
}

// suffixes are those of the files of a job's vertices.
var suffixes = []string{"", "-second-vertex"}

func vertexOf(state string, n node, index int) view.Vertex {
	v := view.Vertex{
		ID: n.at("id").id(), Name: n.at("name").text(), SlotSharingGroup: n.at("slotSharingGroupId").id(), Parallelism: int(n.at("parallelism").int()),
		MaxParallelism: int(n.at("maxParallelism").int()),
	}
	details := firstOf(state, "jobs_jobid_vertices_vertexid"+suffixes[index])
	byName := firstOf(state, "jobs_jobid_vertices_vertexid_accumulators"+suffixes[index])
	v.Accumulators = accumulatorsOf(byName.at("user-accumulators"))
	bySubtask := firstOf(state, "jobs_jobid_vertices_vertexid_subtasks_accumulators"+suffixes[index]).at("subtasks").list()
	for i, s := range details.at("subtasks").list() {
		subtask := view.Subtask{Index: int(s.at("subtask").int()), Current: attemptOf(s)}
		if i < len(bySubtask) {
			subtask.Current.Accumulators = accumulatorsOf(bySubtask[i].at("user-accumulators"))
		}
		v.Subtasks = append(v.Subtasks, subtask)
	}
	for len(v.Subtasks) < v.Parallelism { // nothing was recorded of them
		v.Subtasks = append(v.Subtasks, view.Subtask{Index: len(v.Subtasks), Current: view.Attempt{
			State: view.TaskState(n.at("status").text()), Entered: map[view.TaskState]time.Time{view.TaskDeploying: n.at("start-time").time()},
		}})
	}
	return v
}

// attemptOf derives when the attempt entered its states from how long it was in each.
func attemptOf(n node) view.Attempt {
	start, in := n.at("start-time").time(), n.at("status-duration")
	entered := map[view.TaskState]time.Time{
		view.TaskCreated:      start.Add(-in.at("SCHEDULED").millis() - in.at("CREATED").millis()),
		view.TaskScheduled:    start.Add(-in.at("SCHEDULED").millis()),
		view.TaskDeploying:    start,
		view.TaskInitializing: start.Add(in.at("DEPLOYING").millis()),
		view.TaskRunning:      start.Add(in.at("DEPLOYING").millis() + in.at("INITIALIZING").millis()),
	}
	state := view.TaskState(n.at("status").text())
	if state == view.TaskCanceled {
		entered[view.TaskCanceling] = entered[view.TaskRunning].Add(in.at("RUNNING").millis())
	}
	if state.Over() {
		entered[state] = n.at("end-time").time()
	}
	m := n.at("metrics")
	return view.Attempt{
		Number: int(n.at("attempt").int()), State: state, Entered: entered, Endpoint: n.at("endpoint").text(), TaskManager: n.at("taskmanager-id").text(),
		IO: view.IO{
			ReadBytes: m.at("read-bytes").int(), WriteBytes: m.at("write-bytes").int(), ReadRecords: m.at("read-records").int(),
			WriteRecords: m.at("write-records").int(), BackpressuredMillis: m.at("accumulated-backpressured-time").int(),
			IdleMillis: m.at("accumulated-idle-time").int(), BusyMillis: m.at("accumulated-busy-time").float(),
		},
	}
}
