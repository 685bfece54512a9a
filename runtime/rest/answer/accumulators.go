package answer

import (
	"fmt"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Accumulator is the value of a user's accumulator.
type Accumulator struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// JobAccumulators answers /jobs/:jobid/accumulators.
type JobAccumulators struct {
	Job        []Accumulator     `json:"job-accumulators"`
	Tasks      []Accumulator     `json:"user-task-accumulators"`
	Serialized map[string]string `json:"serialized-user-task-accumulators"`
}

// VertexAccumulators answers /jobs/:jobid/vertices/:vertexid/accumulators.
type VertexAccumulators struct {
	ID   ident.VertexID `json:"id"`
	User []Accumulator  `json:"user-accumulators"`
}

// SubtaskAccumulators answers /jobs/:jobid/vertices/:vertexid/subtasks/accumulators.
type SubtaskAccumulators struct {
	ID          ident.VertexID       `json:"id"`
	Parallelism int                  `json:"parallelism"`
	Subtasks    []SubtaskAccumulator `json:"subtasks"`
}

// SubtaskAccumulator is an entry of it.
type SubtaskAccumulator struct {
	Subtask  int           `json:"subtask"`
	Attempt  int           `json:"attempt"`
	Endpoint string        `json:"endpoint"`
	User     []Accumulator `json:"user-accumulators"`
}

// AttemptAccumulators answers .../attempts/:attempt/accumulators.
type AttemptAccumulators struct {
	Subtask   int           `json:"subtask"`
	Attempt   int           `json:"attempt"`
	Execution string        `json:"id"`
	User      []Accumulator `json:"user-accumulators"`
}

func accumulators(all []view.Accumulator) []Accumulator {
	made := []Accumulator{}
	for _, a := range all {
		made = append(made, Accumulator(a))
	}
	return made
}

// DescribeJobAccumulators answers /jobs/:jobid/accumulators. Serialized ones would be Java objects, so there are none.
func DescribeJobAccumulators(j *view.Job) JobAccumulators {
	return JobAccumulators{Job: []Accumulator{}, Tasks: accumulators(j.Accumulators), Serialized: map[string]string{}}
}

// DescribeVertexAccumulators answers /jobs/:jobid/vertices/:vertexid/accumulators.
func DescribeVertexAccumulators(v *view.Vertex) VertexAccumulators {
	return VertexAccumulators{ID: v.ID, User: accumulators(v.Accumulators)}
}

// DescribeSubtaskAccumulators answers /jobs/:jobid/vertices/:vertexid/subtasks/accumulators.
func DescribeSubtaskAccumulators(v *view.Vertex) SubtaskAccumulators {
	made := SubtaskAccumulators{ID: v.ID, Parallelism: v.Parallelism, Subtasks: []SubtaskAccumulator{}}
	for i := range v.Subtasks {
		a := &v.Subtasks[i].Current
		made.Subtasks = append(made.Subtasks, SubtaskAccumulator{
			Subtask: v.Subtasks[i].Index, Attempt: a.Number, Endpoint: assigned(a.Endpoint), User: accumulators(a.Accumulators),
		})
	}
	return made
}

// DescribeAttemptAccumulators answers .../attempts/:attempt/accumulators.
func DescribeAttemptAccumulators(v *view.Vertex, subtask int, a *view.Attempt) AttemptAccumulators {
	execution := a.Execution
	if execution == "" {
		execution = fmt.Sprintf("%s_%d_%d", v.ID, subtask, a.Number)
	}
	return AttemptAccumulators{Subtask: subtask, Attempt: a.Number, Execution: execution, User: accumulators(a.Accumulators)}
}
