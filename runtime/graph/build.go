package graph

import (
	"slices"

	"github.com/weir-stream/weir/runtime/buildinfo"
	"github.com/weir-stream/weir/runtime/ident"
)

// builder makes the vertices and edges of a program of which everything is decided.
type builder struct {
	graph *JobGraph
	// vertices are by the chain's head.
	vertices map[*node]*JobVertex
	edges    map[*edge]*JobEdge
}

func (p *program) build(name string) *JobGraph {
	b := builder{
		graph:    &JobGraph{ID: p.options.JobID, Name: name, Build: buildinfo.Revision()},
		vertices: map[*node]*JobVertex{},
		edges:    map[*edge]*JobEdge{},
	}
	nodes := map[ident.OperatorID]*node{}
	for _, n := range p.nodes {
		nodes[n.id] = n
		if !slices.ContainsFunc(n.in, func(e *edge) bool { return e.chained }) {
			b.vertices[n] = b.vertex(n)
		}
	}
	for _, head := range b.vertexOrder(p.nodes) {
		v := b.vertices[head]
		b.graph.Vertices = append(b.graph.Vertices, v)
		for _, op := range v.Operators {
			b.connect(v, op, nodes[op.ID].out)
		}
	}
	for head, v := range b.vertices {
		for _, e := range head.in {
			v.Inputs = append(v.Inputs, b.edges[e])
		}
	}
	return b.graph
}

func (b *builder) vertex(head *node) *JobVertex {
	v := &JobVertex{ID: head.id, Parallelism: head.parallelism, MaxParallelism: head.maxParallelism, MaxParallelismSet: head.maxParallelismSet, SlotSharingGroup: head.group}
	v.Name = chainName(b.link(v, head))
	return v
}

// link appends an operator to a chain, and those that it feeds by direct call behind it.
func (b *builder) link(v *JobVertex, n *node) *ChainedOperator {
	v.limit(n.StreamNode)
	op := &ChainedOperator{
		ID: n.id, Node: n.StreamNode,
		Name: n.name, UID: n.UID, Description: operatorDescription(n.StreamNode),
		Kind: n.Kind, Role: n.Role, Bounded: n.Bounded,
		InTypes: n.InTypes, OutType: n.OutType, KeyType: n.KeyType,
		Coordinated: n.NewEnumerator != nil,
		State:       n.State, Lists: n.Lists,
	}
	v.Operators = append(v.Operators, op)
	for _, e := range n.out {
		if e.chained {
			op.Chained = append(op.Chained, ChainedEdge{SideOutput: e.SideOutput, To: b.link(v, e.to), Input: e.Input})
		}
	}
	return op
}

// limit takes over how far an operator of the chain can be parallel.
func (v *JobVertex) limit(n *StreamNode) {
	most := n.ParallelismLimit
	if n.FixedParallelism {
		most = 1
	}
	if most > 0 && (v.ParallelismLimit == 0 || most < v.ParallelismLimit) {
		v.ParallelismLimit = most
	}
}

// connect makes the edges that lead from an operator to other vertices.
func (b *builder) connect(v *JobVertex, op *ChainedOperator, out []*edge) {
	for _, e := range out {
		if e.chained {
			continue
		}
		made := &JobEdge{
			Index: len(b.graph.Edges), From: v, To: b.vertices[e.to], Producer: op,
			SideOutput: e.SideOutput, Input: e.Input, Partitioning: e.partitioning, Stream: e.StreamEdge,
		}
		b.graph.Edges = append(b.graph.Edges, made)
		op.Edges = append(op.Edges, made)
		v.Outputs = append(v.Outputs, made)
		b.edges[e] = made
	}
}

// vertexOrder sorts the heads of chains as Flink lists vertices: first all sources, then each vertex as soon as the
// last of those that feed it is listed.
func (b *builder) vertexOrder(nodes []*node) []*node {
	var order []*node
	missing := map[*node]int{}
	headOf := map[*node]*node{}
	for _, n := range nodes {
		if b.vertices[n] == nil {
			headOf[n] = headOf[n.in[0].from]
			continue
		}
		headOf[n], missing[n] = n, len(n.in)
		if len(n.in) == 0 {
			order = append(order, n)
		}
	}
	leaving := map[*node][]*edge{}
	for _, n := range nodes {
		for _, e := range n.out {
			if !e.chained {
				leaving[headOf[n]] = append(leaving[headOf[n]], e)
			}
		}
	}
	var follow func(head *node)
	follow = func(head *node) {
		for _, e := range leaving[head] {
			if missing[e.to]--; missing[e.to] == 0 {
				order = append(order, e.to)
				follow(e.to)
			}
		}
	}
	for _, source := range slices.Clone(order) {
		follow(source)
	}
	return order
}
