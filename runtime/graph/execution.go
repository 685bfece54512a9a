package graph

import (
	"fmt"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
)

// FailureCause is what ended an execution, or the job: an operator.Failure without its program.
type FailureCause struct {
	// Message is the whole sentence; it names job, operator, subtask and cause.
	Message string
	// Operator is the operator's name, empty where none is to blame. Subtask is -1 where none is.
	Operator string
	Subtask  int
	Class    operator.Class
	// Stack is that of a panic, empty otherwise.
	Stack string
	// At is when the JobMaster learnt of it, in milliseconds since the epoch.
	At int64
}

// Execution is one attempt to run one subtask. It belongs to an [ExecutionGraph], which alone changes its state.
type Execution struct {
	ID ident.ExecutionID
	// Allocation is the slot that the attempt was given, Location the TaskManager that has it; both are zero before,
	// and set by the graph's owner.
	Allocation ident.AllocationID
	Location   string

	state   TaskState
	entered [TaskStates]int64
	failure *FailureCause
}

func newExecution(id ident.ExecutionID, at int64) *Execution {
	e := &Execution{ID: id}
	e.entered[TaskCreated] = at
	return e
}

// State is the state of the attempt.
func (e *Execution) State() TaskState { return e.state }

// EnteredAt is when the attempt came into a state, in milliseconds since the epoch, or 0 if it never did.
func (e *Execution) EnteredAt(s TaskState) int64 { return e.entered[s] }

// Failure is what the attempt failed of, or what was reported while it was being canceled; nil otherwise.
func (e *Execution) Failure() *FailureCause { return e.failure }

// become moves the attempt along and reports whether anything changed. What a task reports while it is being canceled,
// be it an end or a failure, ends the cancellation.
func (e *Execution) become(to TaskState, at int64, failure *FailureCause) (changed bool, err error) {
	if e.state == to {
		return false, nil
	}
	if e.state == TaskCanceling && to.Terminal() {
		to = TaskCanceled
	}
	if !e.state.CanBecome(to) {
		return false, &TaskTransitionError{ID: e.ID, From: e.state, To: to}
	}
	e.state, e.entered[to] = to, at
	if failure != nil {
		e.failure = failure
	}
	return true, nil
}

// ExecutionVertex is one subtask with all its attempts.
type ExecutionVertex struct {
	ID      SubtaskID
	current *Execution
	earlier []*Execution
}

// Current is the latest attempt; there always is one.
func (v *ExecutionVertex) Current() *Execution { return v.current }

// Earlier are the attempts before, oldest first; no more than the graph's attempt history are kept.
func (v *ExecutionVertex) Earlier() []*Execution { return v.earlier }

// restart begins the next attempt. The current one must be over.
func (v *ExecutionVertex) restart(at int64, history int) {
	v.earlier = append(v.earlier, v.current)
	if surplus := len(v.earlier) - history; surplus > 0 {
		v.earlier = append([]*Execution(nil), v.earlier[surplus:]...)
	}
	next := v.current.ID
	next.Attempt++
	v.current = newExecution(next, at)
}

// ExecutionJobVertex is a vertex with its subtasks.
type ExecutionJobVertex struct {
	Job *JobVertex
	// Subtasks are in the order of their indexes.
	Subtasks []*ExecutionVertex
}

// Counts says how many subtasks are in each state.
func (v *ExecutionJobVertex) Counts() [TaskStates]int {
	var counts [TaskStates]int
	for _, s := range v.Subtasks {
		counts[s.current.state]++
	}
	return counts
}

// State is the state that is shown for the vertex as a whole.
func (v *ExecutionJobVertex) State() TaskState { return AggregateState(v.Counts()) }

// TaskTransitionError says that an attempt cannot come into a state from the one it is in. Where the state was
// reported, the report is too late or the reporter is mistaken; the attempt is as it was.
type TaskTransitionError struct {
	ID       ident.ExecutionID
	From, To TaskState
}

// Error names the attempt and both states.
func (e *TaskTransitionError) Error() string {
	return fmt.Sprintf("execution %s is %s and cannot become %s", e.ID, e.From, e.To)
}

// UnknownExecutionError says that no such attempt is current: it is of another job or vertex, was replaced, or never
// was.
type UnknownExecutionError struct {
	ID ident.ExecutionID
	// Current is the subtask's attempt, or -1 if there is no such subtask.
	Current int32
}

// Stale reports whether the attempt was replaced by a later one.
func (e *UnknownExecutionError) Stale() bool { return e.ID.Attempt < e.Current }

// Error names the attempt and says why it is not known.
func (e *UnknownExecutionError) Error() string {
	if e.Current < 0 {
		return fmt.Sprintf("execution %s of job %s: no such subtask in this job", e.ID, e.ID.Job)
	}
	return fmt.Sprintf("execution %s of job %s is not the current one: the subtask is in attempt %d", e.ID, e.ID.Job, e.Current)
}
