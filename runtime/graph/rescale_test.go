package graph

import (
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/ident"
)

// pair is a source and a sink that an edge joins.
func pair(partitioning Partitioning) *JobGraph {
	g := &JobGraph{ID: ident.Derive("job"), Name: "pair"}
	for _, name := range []string{"from", "to"} {
		op := &ChainedOperator{ID: ident.Derive(name), Name: name}
		g.Vertices = append(g.Vertices, &JobVertex{ID: op.ID, Name: name, Parallelism: 2, MaxParallelism: 8, SlotSharingGroup: "default", Operators: []*ChainedOperator{op}})
	}
	from, to := g.Vertices[0], g.Vertices[1]
	e := &JobEdge{From: from, To: to, Producer: from.Head(), Partitioning: partitioning}
	g.Edges, from.Outputs, from.Head().Edges, to.Inputs = []*JobEdge{e}, []*JobEdge{e}, []*JobEdge{e}, []*JobEdge{e}
	return g
}

func TestWithParallelism(t *testing.T) {
	g := pair(Hash)
	from, to := g.Vertices[0].ID, g.Vertices[1].ID
	made, err := g.WithParallelism(map[ident.VertexID]int{to: 5})
	if err != nil || made.Vertex(to).Parallelism != 5 || made.Vertex(from).Parallelism != 2 || g.Vertex(to).Parallelism != 2 || made.Edges[0].To != made.Vertex(to) {
		t.Errorf("%v, %v", made, err)
	}
	if same, err := g.WithParallelism(map[ident.VertexID]int{to: 2}); same != g || err != nil {
		t.Errorf("the same parallelism: %v", err)
	}
	g.Vertices[0].ParallelismLimit = 3
	forward := pair(Forward)
	for _, c := range []struct {
		of     *JobGraph
		vertex ident.VertexID
		n      int
		why    string
	}{{g, to, 9, `vertex "to": parallelism 9, want 1 to 8`}, {g, to, 0, "want 1 to 8"}, {g, from, 4, "want 1 to 3"}, {g, ident.Derive("other"), 1, "no vertex"}, {forward, to, 3, "forward needs the same"}} {
		if _, err := c.of.WithParallelism(map[ident.VertexID]int{c.vertex: c.n}); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%d: %v, want %s", c.n, err, c.why)
		}
	}
}

// TestRescaleNumbersAttemptsOnce takes a subtask away and has it come back: its attempts are numbered on, since what an old one left must not pass for a
// new one's.
func TestRescaleNumbersAttemptsOnce(t *testing.T) {
	g := pair(Hash)
	x := NewExecutionGraph(g, 4, 1)
	last := SubtaskID{Vertex: g.Vertices[1].ID, Subtask: 1}
	end := func(state TaskState) {
		for _, v := range x.Vertices() {
			for _, s := range v.Subtasks {
				for _, to := range []TaskState{TaskScheduled, TaskDeploying, TaskCanceling, state} {
					if _, err := x.Update(s.Current().ID, to, 2, nil); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	if _, err := x.Update(x.Subtask(last).Current().ID, TaskScheduled, 2, nil); err != nil {
		t.Fatal(err)
	}
	if err := x.Rescale(g, 2); err == nil {
		t.Error("rescaled with a subtask on its way")
	}
	end(TaskCanceled)
	lower, _ := g.WithParallelism(map[ident.VertexID]int{last.Vertex: 1})
	if err := x.Rescale(lower, 3); err != nil {
		t.Fatal(err)
	}
	if x.Subtask(last) != nil || x.Job() != lower {
		t.Error("the subtask is still there")
	}
	if a := x.Vertices()[1].Subtasks[0].Current().ID.Attempt; a != 1 {
		t.Errorf("attempt %d of what goes on", a)
	}
	end(TaskCanceled)
	higher, _ := g.WithParallelism(map[ident.VertexID]int{last.Vertex: 3})
	if err := x.Rescale(higher, 4); err != nil {
		t.Fatal(err)
	}
	var attempts []int32
	for _, s := range x.Vertices()[1].Subtasks {
		attempts = append(attempts, s.Current().ID.Attempt)
	}
	if attempts[0] != 2 || attempts[1] != 1 || attempts[2] != 0 {
		t.Errorf("attempts %v", attempts)
	}
	if n := len(x.Subtask(last).Earlier()); n != 1 {
		t.Errorf("%d earlier attempts of the one that came back", n)
	}
}
