package message

import "github.com/weir-stream/weir/runtime/graph"

// TaskStateOf writes a task's state.
func TaskStateOf(s graph.TaskState) TaskState { return TaskState(s) + 1 }

// Graph reads a task's state; false if it is none that this version knows.
func (s TaskState) Graph() (graph.TaskState, bool) {
	return graph.TaskState(s - 1), s > 0 && int(s) <= int(graph.TaskStates)
}

// Ended reports whether the state is a final one.
func (s TaskState) Ended() bool {
	g, ok := s.Graph()
	return ok && g.Terminal()
}

// JobStateOf writes a job's state.
func JobStateOf(s graph.JobState) JobState { return JobState(s) + 1 }

// Graph reads a job's state; false if it is none that this version knows.
func (s JobState) Graph() (graph.JobState, bool) {
	return graph.JobState(s - 1), s > 0 && int(s) <= int(graph.JobStates)
}

// Ended reports whether the job is over.
func (s JobState) Ended() bool {
	g, ok := s.Graph()
	return ok && g.GloballyTerminal()
}
