package graph

import (
	"slices"
	"testing"

	"github.com/weir-stream/weir/runtime/ident"
)

func TestWithMaxParallelismCopiesTheWholeGraph(t *testing.T) {
	g := compile(t, &wordCount().StreamGraph, chaining)
	before := Fingerprint(g)
	last := g.Vertices[len(g.Vertices)-1]
	made := g.WithMaxParallelism(map[ident.VertexID]int{last.ID: 512})
	if Fingerprint(g) != before {
		t.Error("the original has changed")
	}
	if n := made.Vertex(last.ID).MaxParallelism; n != 512 {
		t.Errorf("max parallelism %d", n)
	}
	if same := made.WithMaxParallelism(map[ident.VertexID]int{last.ID: last.MaxParallelism}); Fingerprint(same) != before {
		t.Errorf("something else differs: %s", Diff(g, same, "the graph", "its copy"))
	}
	for _, v := range made.Vertices {
		if slices.Contains(g.Vertices, v) {
			t.Errorf("vertex %s is the original's", v.Name)
		}
		for _, op := range v.Operators {
			for _, next := range op.Chained {
				if !slices.Contains(v.Operators, next.To) {
					t.Errorf("%s is chained to an operator of another graph", op.Name)
				}
			}
			for _, e := range op.Edges {
				if e != made.Edges[e.Index] || !slices.Contains(made.Vertices, e.To) || e.From != v || e.Producer != op {
					t.Errorf("edge %s leads out of the graph", e)
				}
			}
		}
		for _, e := range slices.Concat(v.Inputs, v.Outputs) {
			if e != made.Edges[e.Index] {
				t.Errorf("edge %s is the original's", e)
			}
		}
	}
}
