package answer

import (
	"strings"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/throwable"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Failure says why something failed, in the form in which Flink's client reads it.
type Failure struct {
	Class      string `json:"class"`
	Stack      string `json:"stack-trace"`
	Serialized string `json:"serialized-throwable"`
}

// DescribeCause describes why something failed.
func DescribeCause(c view.Cause) Failure {
	text := traceOf(c)
	return Failure{Class: c.Class, Stack: text, Serialized: throwable.Encode(c.Class, c.Message, text)}
}

// traceOf is all of a cause as a person would read it, in the form of a Java stack trace.
func traceOf(c view.Cause) string {
	text := c.Class + ": " + c.Message + "\n"
	if c.Stack != "" {
		text += strings.TrimSuffix(c.Stack, "\n") + "\n"
	}
	return text
}

// Exceptions answers /jobs/:jobid/exceptions.
type Exceptions struct {
	History ExceptionHistory `json:"exceptionHistory"`
}

// ExceptionHistory is part of it.
type ExceptionHistory struct {
	Entries   []RootException `json:"entries"`
	Truncated bool            `json:"truncated"`
}

// RootException is an entry of it.
type RootException struct {
	Exception
	Concurrent []Exception `json:"concurrentExceptions"`
}

// Exception is a failure. The last keys are missing if no single task is to blame.
type Exception struct {
	Name        string            `json:"exceptionName"`
	Stack       string            `json:"stacktrace"`
	At          int64             `json:"timestamp"`
	Labels      map[string]string `json:"failureLabels"`
	Task        string            `json:"taskName,omitempty"`
	Endpoint    string            `json:"endpoint,omitempty"`
	TaskManager string            `json:"taskManagerId,omitempty"`
}

// Label is a key and a value that a failure must bear to be shown.
type Label struct{ Key, Value string }

// DescribeExceptions answers /jobs/:jobid/exceptions with at most limit failures that bear all of the labels.
func DescribeExceptions(j *view.Job, limit int, labels []Label) Exceptions {
	history := ExceptionHistory{Entries: []RootException{}, Truncated: j.FailuresLost}
	for i := range j.Failures {
		f := &j.Failures[i]
		if !bears(f, labels) {
			continue
		}
		if len(history.Entries) >= limit {
			history.Truncated = true
			break
		}
		entry := RootException{Exception: describeException(f), Concurrent: []Exception{}}
		for k := range f.Concurrent {
			entry.Concurrent = append(entry.Concurrent, describeException(&f.Concurrent[k]))
		}
		history.Entries = append(history.Entries, entry)
	}
	return Exceptions{History: history}
}

func bears(f *view.Failure, labels []Label) bool {
	for _, l := range labels {
		if value, ok := f.Labels[l.Key]; !ok || value != l.Value {
			return false
		}
	}
	return true
}

func describeException(f *view.Failure) Exception {
	labels := f.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	return Exception{
		Name: f.Class, Stack: traceOf(f.Cause), At: stamp(f.At), Labels: labels, Task: f.Task, Endpoint: f.Endpoint, TaskManager: f.TaskManager,
	}
}

// ExecutionResult answers /jobs/:jobid/execution-result.
type ExecutionResult struct {
	Status Status     `json:"status"`
	Result *JobResult `json:"job-execution-result,omitempty"`
}

// JobResult is how a job ended.
type JobResult struct {
	ID           ident.JobID       `json:"id"`
	Name         string            `json:"name"`
	Status       string            `json:"application-status"`
	Accumulators map[string]string `json:"accumulator-results"`
	Runtime      int64             `json:"net-runtime"`
	Failure      *Failure          `json:"failure-cause,omitempty"`
	Application  ident.ID          `json:"application-id"`
	Start        int64             `json:"start-time"`
	End          int64             `json:"end-time"`
}

// DescribeResult answers /jobs/:jobid/execution-result. Accumulators would be serialized Java objects, so there are none.
func DescribeResult(j *view.Job) ExecutionResult {
	if !j.State.Over() {
		return ExecutionResult{Status: Status{InProgress}}
	}
	result := &JobResult{
		ID: j.ID, Name: j.Name, Status: applicationStatus(j.State), Accumulators: map[string]string{}, Runtime: duration(j.Start, j.End, j.Now),
		Application: j.ApplicationID(), Start: stamp(j.Start), End: ended(j.End),
	}
	if j.Cause != nil {
		failure := DescribeCause(*j.Cause)
		result.Failure = &failure
	}
	return ExecutionResult{Status: Status{Completed}, Result: result}
}

func applicationStatus(state view.JobState) string {
	switch state {
	case view.JobFinished:
		return "SUCCEEDED"
	case view.JobFailed, view.JobCanceled:
		return string(state)
	}
	return "UNKNOWN"
}
