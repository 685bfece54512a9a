package graph

import (
	"fmt"

	"github.com/weir-stream/weir/runtime/ident"
)

// WithMaxParallelism returns a copy of the graph in which some vertices have another max parallelism: that of the snapshot that the job
// goes on from. It is the graph itself if there are none. What the program has made (Node, Stream) is shared.
func (g *JobGraph) WithMaxParallelism(of map[ident.VertexID]int) *JobGraph {
	if len(of) == 0 {
		return g
	}
	made := g.copied()
	for _, v := range made.Vertices {
		if n, other := of[v.ID]; other {
			v.MaxParallelism = n
		}
	}
	return made
}

// WithParallelism returns a copy of the graph in which some vertices have another parallelism, or the graph itself if all have it already.
// What the program has made is shared. The error says why the graph cannot be run so: a vertex that it does not have, a parallelism above the
// number of key groups or the vertex's limit, or two of a forward edge's ends.
func (g *JobGraph) WithParallelism(of map[ident.VertexID]int) (*JobGraph, error) {
	for id := range of {
		if g.Vertex(id) == nil {
			return nil, fmt.Errorf("the job has no vertex %s", id)
		}
	}
	made, differs := g.copied(), false
	for _, v := range made.Vertices {
		n, other := of[v.ID]
		if !other || n == v.Parallelism {
			continue
		}
		if n < 1 || n > v.Most() {
			return nil, fmt.Errorf("vertex %q: parallelism %d, want 1 to %d", v.Name, n, v.Most())
		}
		v.Parallelism, differs = n, true
	}
	for _, e := range made.Edges {
		if e.Partitioning == Forward && e.From.Parallelism != e.To.Parallelism {
			return nil, fmt.Errorf("%s: forward needs the same parallelism at both ends, and it is %d and %d", e, e.From.Parallelism, e.To.Parallelism)
		}
	}
	if !differs {
		return g, nil
	}
	return made, nil
}

// Most is the highest parallelism that the vertex can have.
func (v *JobVertex) Most() int {
	if v.ParallelismLimit > 0 {
		return min(v.ParallelismLimit, v.MaxParallelism)
	}
	return v.MaxParallelism
}

// copied is a copy of the graph that shares what the program has made.
func (g *JobGraph) copied() *JobGraph {
	c := copying{
		vertices: map[*JobVertex]*JobVertex{}, operators: map[*ChainedOperator]*ChainedOperator{}, edges: map[*JobEdge]*JobEdge{},
	}
	made := &JobGraph{ID: g.ID, Name: g.Name, Build: g.Build}
	for _, v := range g.Vertices {
		made.Vertices = append(made.Vertices, c.vertex(v))
	}
	for _, e := range g.Edges {
		copied := *e
		copied.From, copied.To, copied.Producer = c.vertices[e.From], c.vertices[e.To], c.operators[e.Producer]
		c.edges[e] = &copied
		made.Edges = append(made.Edges, &copied)
	}
	for _, v := range made.Vertices {
		c.connect(v)
	}
	return made
}

// copying maps what is copied to its copies.
type copying struct {
	vertices  map[*JobVertex]*JobVertex
	operators map[*ChainedOperator]*ChainedOperator
	edges     map[*JobEdge]*JobEdge
}

// vertex copies a vertex with its operators, which still refer to the edges and operators of the original.
func (c *copying) vertex(v *JobVertex) *JobVertex {
	copied := *v
	copied.Operators = make([]*ChainedOperator, len(v.Operators))
	for i, op := range v.Operators {
		link := *op
		copied.Operators[i], c.operators[op] = &link, &link
	}
	c.vertices[v] = &copied
	return &copied
}

// connect has a copied vertex refer to copies only.
func (c *copying) connect(v *JobVertex) {
	v.Inputs, v.Outputs = c.edgesOf(v.Inputs), c.edgesOf(v.Outputs)
	for _, op := range v.Operators {
		op.Edges = c.edgesOf(op.Edges)
		chained := make([]ChainedEdge, len(op.Chained))
		for i, e := range op.Chained {
			chained[i] = ChainedEdge{SideOutput: e.SideOutput, To: c.operators[e.To], Input: e.Input}
		}
		op.Chained = chained
	}
}

func (c *copying) edgesOf(edges []*JobEdge) []*JobEdge {
	copied := make([]*JobEdge, len(edges))
	for i, e := range edges {
		copied[i] = c.edges[e]
	}
	return copied
}
