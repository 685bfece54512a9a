package graph

import "github.com/weir-stream/weir/runtime/ident"

// WithMaxParallelism returns a copy of the graph in which some vertices have another max parallelism: that of the snapshot that the job
// goes on from. It is the graph itself if there are none. What the program has made (Node, Stream) is shared.
func (g *JobGraph) WithMaxParallelism(of map[ident.VertexID]int) *JobGraph {
	if len(of) == 0 {
		return g
	}
	c := copying{
		vertices: map[*JobVertex]*JobVertex{}, operators: map[*ChainedOperator]*ChainedOperator{}, edges: map[*JobEdge]*JobEdge{},
	}
	made := &JobGraph{ID: g.ID, Name: g.Name, Build: g.Build}
	for _, v := range g.Vertices {
		copied := c.vertex(v)
		if n, other := of[v.ID]; other {
			copied.MaxParallelism = n
		}
		made.Vertices = append(made.Vertices, copied)
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
