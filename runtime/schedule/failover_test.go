package schedule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// twoPipelines is a job of two forward pipelines (a -> b, parallelism 2) beside a shuffle (c -> d, parallelism 2).
func twoPipelines() *graph.JobGraph {
	vertex := func(name string) *graph.JobVertex {
		return &graph.JobVertex{ID: ident.Derive(name), Name: name, Parallelism: 2}
	}
	a, b, c, d := vertex("a"), vertex("b"), vertex("c"), vertex("d")
	return &graph.JobGraph{
		Vertices: []*graph.JobVertex{a, b, c, d},
		Edges: []*graph.JobEdge{
			{Index: 0, From: a, To: b, Partitioning: graph.Forward},
			{Index: 1, From: c, To: d, Partitioning: graph.Hash},
		},
	}
}

func TestFailover(t *testing.T) {
	g := twoPipelines()
	id := func(vertex string, subtask int) graph.SubtaskID {
		return graph.SubtaskID{Vertex: ident.Derive(vertex), Subtask: ident.SubtaskIndex(subtask)}
	}
	const everything = "a0 b0 a1 b1 c0 c1 d0 d1"
	cases := []struct {
		name     string
		strategy FailoverStrategy
		failed   []graph.SubtaskID
		want     string
	}{
		{"head of a pipeline", FailoverRegion, []graph.SubtaskID{id("a", 1)}, "a1 b1"},
		{"tail of a pipeline", FailoverRegion, []graph.SubtaskID{id("b", 0)}, "a0 b0"},
		{"shuffle", FailoverRegion, []graph.SubtaskID{id("d", 0)}, "c0 c1 d0 d1"},
		{"a worker with several", FailoverRegion, []graph.SubtaskID{id("d", 0), id("a", 0), id("b", 0)}, "a0 b0 c0 c1 d0 d1"},
		{"full", FailoverFull, []graph.SubtaskID{id("a", 1)}, everything},
		{"unknown", FailoverFull, []graph.SubtaskID{id("a", 2)}, ""},
		{"nothing", FailoverFull, nil, ""},
	}
	for _, c := range cases {
		f := NewFailover(g, c.strategy)
		if got := show(g, f.ToRestart(c.failed...)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if got := show(g, f.All()); got != everything {
			t.Errorf("all: %s", got)
		}
	}
}

func show(g *graph.JobGraph, subtasks []graph.SubtaskID) string {
	var all []string
	for _, s := range subtasks {
		all = append(all, fmt.Sprint(g.Vertex(s.Vertex).Name, s.Subtask))
	}
	return strings.Join(all, " ")
}
