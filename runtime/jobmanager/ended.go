package jobmanager

import (
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
)

// extent says how many subtasks of a vertex had nothing left to work on when the snapshot was taken.
type extent uint8

const (
	none extent = iota
	some
	all
)

// checkEnded refuses a program in which records would come to a subtask that has seen the end of its input: it would drop what they lead
// to. Operators are the states in the snapshot, in the order of the job's vertices and their operators. Source of the rule: Flink's
// VertexFinishedStateChecker.
func checkEnded(job *graph.JobGraph, operators []*snapshot.OperatorState) error {
	extents := map[*graph.JobVertex]extent{}
	for _, v := range job.Vertices {
		for range v.Operators {
			extents[v] = max(extents[v], extentOf(operators[0], v.Parallelism))
			operators = operators[1:]
		}
	}
	for _, e := range job.Edges {
		from, to := extents[e.From], extents[e.To]
		switch {
		case to == all && from != all, to == some && from == none:
		case to == some && from == some && !e.Partitioning.Pointwise():
		default:
			continue
		}
		return fmt.Errorf("%q had come to the end of its input in the snapshot and %q, which it reads from now, had not: what comes from there would be lost; "+
			"give %q another uid, so that it starts without state", e.To.Name, e.From.Name, e.To.Name)
	}
	return nil
}

func extentOf(op *snapshot.OperatorState, parallelism int) extent {
	switch {
	case op == nil || op.Over() == 0:
		return none
	case op.Over() == int(op.Parallelism):
		return all
	case parallelism != int(op.Parallelism):
		return none // nothing stays where it was: all subtasks go on
	}
	return some
}
