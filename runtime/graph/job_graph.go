package graph

import (
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
)

// JobGraph is what is submitted and deployed: vertices, each a chain of operators that share a task, and the edges
// between them. It is immutable once compiled, so any goroutine may read it.
//
// A JobGraph comes from [Compile], with the program's factories in the Node of every operator, or from
// [FromDescription], without them: Node and Stream are then nil, and all else is as it was.
type JobGraph struct {
	ID   ident.JobID
	Name string
	// Build is the revision that the program was built from, empty if unknown.
	Build string
	// Vertices are in topological order, sources first.
	Vertices []*JobVertex
	// Edges are those between vertices; the edge of Index i is Edges[i].
	Edges []*JobEdge
}

// Vertex returns the vertex of that id, or nil.
func (g *JobGraph) Vertex(id ident.VertexID) *JobVertex {
	for _, v := range g.Vertices {
		if v.ID == id {
			return v
		}
	}
	return nil
}

// Operator returns the operator of that id and the vertex it is chained into, or nil.
func (g *JobGraph) Operator(id ident.OperatorID) (*JobVertex, *ChainedOperator) {
	for _, v := range g.Vertices {
		for _, op := range v.Operators {
			if op.ID == id {
				return v, op
			}
		}
	}
	return nil, nil
}

// JobVertex is a chain of operators, run as Parallelism subtasks.
type JobVertex struct {
	// ID is the id of the chain's head.
	ID ident.VertexID
	// Name joins the names of the operators as Flink does: "Source: words -> Split -> (Count, Sink: Writer)".
	Name string
	// Parallelism is the number of subtasks, MaxParallelism the number of key groups; both are set.
	Parallelism, MaxParallelism int
	// MaxParallelismSet says that the program or its configuration has chosen MaxParallelism; otherwise it follows from Parallelism, and that of a
	// snapshot takes its place.
	MaxParallelismSet bool
	// ParallelismLimit, if not 0, is the highest parallelism that the operators can have, whoever changes it later.
	ParallelismLimit int
	SlotSharingGroup string
	// Operators are the links of the chain; the first one is the head, and each comes after those that feed it.
	Operators []*ChainedOperator
	// Inputs are the edges that lead here, in the order of the head's inputs, then of a union's parts.
	// Outputs are those that lead away, by Index.
	Inputs, Outputs []*JobEdge
}

// Head is the operator that the vertex's inputs lead to.
func (v *JobVertex) Head() *ChainedOperator { return v.Operators[0] }

// ChainedOperator is one link of a chain.
type ChainedOperator struct {
	ID ident.OperatorID
	// Node is what the program said of the operator; nil in a graph that was rebuilt from a Description.
	Node *StreamNode

	// Name is the operator's name in plans, messages and metrics: that of the node, marked as Flink marks sources and
	// sinks ("Source: words", "results: Writer"). Description is its line in the plan.
	Name, UID, Description string
	// Kind, Role, Bounded, InTypes, OutType and KeyType are those of the node.
	Kind             string
	Role             Role
	Bounded          bool
	InTypes          []string
	OutType, KeyType string
	// Coordinated says that the operator has a coordinator (a source: its enumerator), which one worker of the job
	// runs.
	Coordinated bool
	// State are the operator's keyed states, in the order in which it declares them, and Lists those without keys: enough to tell whether
	// it can hold what a snapshot has.
	State []snapshot.State
	Lists []snapshot.List

	// Chained are the links of the same vertex that this one feeds by direct call.
	Chained []ChainedEdge
	// Edges are the edges to other vertices that this link writes to.
	Edges []*JobEdge
}

// ChainedEdge leads from a link to another one of the same chain.
type ChainedEdge struct {
	SideOutput string
	To         *ChainedOperator
	Input      int
}

// JobEdge is a stream between two vertices.
type JobEdge struct {
	// Index numbers the edges of a job graph from 0.
	Index    int
	From, To *JobVertex
	// Producer is the link of From that writes to the edge. The edge leads to the head of To.
	Producer *ChainedOperator
	// SideOutput is the tag of a side output of Producer; empty for its main output.
	SideOutput string
	// Input is the input of To's head that the edge feeds, from 0. The parts of a union feed the same one.
	Input int
	// Partitioning is never left open: it is what the program chose, or Forward or Rebalance.
	Partitioning Partitioning
	// Stream is the program's edge with its types; nil in a graph that was rebuilt from a Description.
	Stream *StreamEdge
}

// String is "producer -> consumer", for messages.
func (e *JobEdge) String() string { return e.Producer.Name + " -> " + e.To.Head().Name }
