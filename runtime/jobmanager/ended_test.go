package jobmanager

import (
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
)

// ended is the state of an operator of which so many subtasks had come to the end of their input.
func ended(over, parallelism int) *snapshot.OperatorState {
	op := &snapshot.OperatorState{Parallelism: int32(parallelism)}
	for i := range parallelism {
		op.Subtasks = append(op.Subtasks, &snapshot.SubtaskState{Subtask: int32(i), InputEnded: i < over})
	}
	return op
}

func TestWhatFeedsAnEndedVertexMustHaveEnded(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to *snapshot.OperatorState
		by       graph.Partitioning
		refused  bool
	}{
		{"both ended", ended(3, 3), ended(3, 3), graph.Rebalance, false},
		{"neither ended", ended(0, 3), ended(0, 3), graph.Rebalance, false},
		{"a new consumer", ended(3, 3), nil, graph.Rebalance, false},
		{"the producer ended first", ended(3, 3), ended(1, 3), graph.Rebalance, false},
		{"a new producer before an ended one", nil, ended(3, 3), graph.Rebalance, true},
		{"a producer that goes on", ended(2, 3), ended(3, 3), graph.Forward, true},
		{"a new producer before one that has ended in part", nil, ended(1, 3), graph.Forward, true},
		{"parts side by side", ended(1, 3), ended(1, 3), graph.Forward, false},
		{"parts of which all feed all", ended(1, 3), ended(1, 3), graph.Rebalance, true},
		{"a part, at another parallelism", nil, ended(1, 2), graph.Rebalance, false},
		{"all, at another parallelism", nil, ended(2, 2), graph.Rebalance, true},
	} {
		from := &graph.JobVertex{Name: "numbers", Parallelism: 3, Operators: []*graph.ChainedOperator{{}}}
		to := &graph.JobVertex{Name: "queue", Parallelism: 3, Operators: []*graph.ChainedOperator{{}, {}}}
		job := &graph.JobGraph{Vertices: []*graph.JobVertex{from, to}, Edges: []*graph.JobEdge{{From: from, To: to, Partitioning: c.by}}}
		err := checkEnded(job, []*snapshot.OperatorState{c.from, c.to, nil})
		if (err != nil) != c.refused {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && (!strings.Contains(err.Error(), `"queue"`) || !strings.Contains(err.Error(), `"numbers"`)) {
			t.Errorf("%s: %v names neither side", c.name, err)
		}
	}
}
