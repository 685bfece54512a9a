package graph

import (
	"fmt"
	"slices"
)

// TaskState is the state of one attempt to run one subtask (Flink's ExecutionState). The JobMaster moves it along:
//
//	CREATED -> SCHEDULED -> DEPLOYING -> INITIALIZING -> RUNNING -> FINISHED
//	   |           |            |             |             |
//	   |           |            +-------------+-------------+--> CANCELING -> CANCELED
//	   +-----------+--> CANCELED
//
// Every state above the bend leads to FAILED too, and one that was deployed to CANCELED without CANCELING, if the task
// ended so without being asked. FINISHED may follow INITIALIZING. A task that fails or finishes while it is being
// canceled is CANCELED. Nothing leads out of a final state.
type TaskState uint8

// The states of a task, in the order of their life.
const (
	TaskCreated TaskState = iota
	TaskScheduled
	TaskDeploying
	TaskInitializing
	TaskRunning
	TaskFinished
	TaskCanceling
	TaskCanceled
	TaskFailed

	TaskStates // their number
)

var taskStateNames = [TaskStates]string{
	"CREATED", "SCHEDULED", "DEPLOYING", "INITIALIZING", "RUNNING", "FINISHED", "CANCELING", "CANCELED", "FAILED",
}

// String returns the name of the state in Flink's REST API, such as "CANCELING".
func (s TaskState) String() string {
	if s < TaskStates {
		return taskStateNames[s]
	}
	return fmt.Sprintf("TaskState(%d)", uint8(s))
}

// Terminal reports whether the attempt is over.
func (s TaskState) Terminal() bool { return s == TaskFinished || s == TaskCanceled || s == TaskFailed }

// taskTransitions has the states that may follow each state.
var taskTransitions = [TaskStates][]TaskState{
	TaskCreated:      {TaskScheduled, TaskCanceled, TaskFailed},
	TaskScheduled:    {TaskDeploying, TaskCanceled, TaskFailed},
	TaskDeploying:    {TaskInitializing, TaskCanceling, TaskCanceled, TaskFailed},
	TaskInitializing: {TaskRunning, TaskFinished, TaskCanceling, TaskCanceled, TaskFailed},
	TaskRunning:      {TaskFinished, TaskCanceling, TaskCanceled, TaskFailed},
	TaskCanceling:    {TaskCanceled},
	TaskFinished:     nil,
	TaskCanceled:     nil,
	TaskFailed:       nil,
}

// CanBecome reports whether the state to may follow this one.
func (s TaskState) CanBecome(to TaskState) bool {
	return s < TaskStates && slices.Contains(taskTransitions[s], to)
}

// AggregateState is the state that is shown for a whole vertex, given how many of its subtasks are in each state
// (Flink's ExecutionJobVertex.getAggregateJobVertexState).
func AggregateState(counts [TaskStates]int) TaskState {
	for _, s := range []TaskState{TaskFailed, TaskCanceling, TaskCanceled, TaskInitializing, TaskRunning} {
		if counts[s] > 0 {
			return s
		}
	}
	others := 0
	for s, n := range counts {
		if TaskState(s) != TaskFinished {
			others += n
		}
	}
	switch {
	case counts[TaskFinished] == 0:
		return TaskCreated
	case others == 0:
		return TaskFinished
	}
	return TaskRunning
}
