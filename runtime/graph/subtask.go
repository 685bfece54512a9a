package graph

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/weir-stream/weir/runtime/ident"
)

// SubtaskID names one subtask of a job, whatever its attempt (Flink's ExecutionVertexID).
type SubtaskID struct {
	Vertex  ident.VertexID
	Subtask ident.SubtaskIndex
}

// String returns vertex_subtask.
func (s SubtaskID) String() string { return fmt.Sprintf("%s_%d", s.Vertex, s.Subtask) }

// Compare orders subtasks by vertex id and index, for those who need some order.
func (s SubtaskID) Compare(other SubtaskID) int {
	return cmp.Or(bytes.Compare(s.Vertex[:], other.Vertex[:]), cmp.Compare(s.Subtask, other.Subtask))
}
