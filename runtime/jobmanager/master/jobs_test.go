package master

import (
	"fmt"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// sourceAndSinks is a source of p subtasks, connected by an edge with a vertex of q.
func sourceAndSinks(p, q int, partitioning graph.Partitioning) *graph.JobGraph {
	g := &graph.JobGraph{ID: ident.Derive("job"), Name: "a job"}
	source := addVertex(g, "source", p, true)
	sink := addVertex(g, "sink", q, false)
	connect(g, source, sink, partitioning)
	return g
}

// twoPipelines is two jobs in one that share nothing but slots.
func twoPipelines() *graph.JobGraph {
	g := sourceAndSinks(2, 2, graph.Hash)
	other := addVertex(g, "other source", 1, true)
	connect(g, other, addVertex(g, "other sink", 1, false), graph.Forward)
	return g
}

func addVertex(g *graph.JobGraph, name string, parallelism int, coordinated bool) *graph.JobVertex {
	id := ident.Derive("vertex", fmt.Sprint(len(g.Vertices)))
	op := &graph.ChainedOperator{ID: id, Name: name, Description: name, Kind: name, Coordinated: coordinated}
	if coordinated {
		op.Role = graph.Source
	}
	v := &graph.JobVertex{
		ID: id, Name: name, Parallelism: parallelism, MaxParallelism: 128, SlotSharingGroup: "default", Operators: []*graph.ChainedOperator{op},
	}
	g.Vertices = append(g.Vertices, v)
	return v
}

func connect(g *graph.JobGraph, from, to *graph.JobVertex, partitioning graph.Partitioning) {
	e := &graph.JobEdge{Index: len(g.Edges), From: from, To: to, Producer: from.Head(), Partitioning: partitioning}
	g.Edges = append(g.Edges, e)
	from.Outputs = append(from.Outputs, e)
	from.Head().Edges = append(from.Head().Edges, e)
	to.Inputs = append(to.Inputs, e)
}
