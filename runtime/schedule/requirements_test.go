package schedule_test

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/schedule"
)

// flow is a chain of vertices, each in its slot sharing group, joined by edges.
func flow(groups string, edges ...graph.Partitioning) *graph.JobGraph {
	g := &graph.JobGraph{ID: ident.Derive("job")}
	for i, group := range strings.Split(groups, "") {
		name := string(rune('A' + i))
		op := &graph.ChainedOperator{ID: ident.Derive(name), Name: name}
		v := &graph.JobVertex{ID: op.ID, Name: name, Parallelism: 4, MaxParallelism: 8, SlotSharingGroup: group, Operators: []*graph.ChainedOperator{op}}
		g.Vertices = append(g.Vertices, v)
		if i > 0 {
			from := g.Vertices[i-1]
			g.Edges = append(g.Edges, &graph.JobEdge{Index: i - 1, From: from, To: v, Producer: from.Head(), Partitioning: edges[i-1]})
		}
	}
	return g
}

func bounds(g *graph.JobGraph, all ...schedule.Bounds) schedule.Requirements {
	r := schedule.Requirements{}
	for i, v := range g.Vertices {
		r[v.ID] = all[i]
	}
	return r
}

func TestFit(t *testing.T) {
	one := flow("xxx", graph.Hash, graph.Hash)
	two := flow("xy", graph.Hash)
	forward := flow("xxx", graph.Forward, graph.Hash)
	across := flow("xy", graph.Forward)
	type b = schedule.Bounds
	for _, c := range []struct {
		name  string
		job   *graph.JobGraph
		r     schedule.Requirements
		slots int
		want  []int
	}{
		{"as much as is there", one, bounds(one, b{1, 4}, b{1, 2}, b{1, 4}), 3, []int{3, 2, 3}},
		{"no more than wished", one, bounds(one, b{1, 4}, b{1, 2}, b{1, 4}), 9, []int{4, 2, 4}},
		{"too few", one, bounds(one, b{1, 4}, b{3, 4}, b{1, 4}), 2, nil},
		{"none", one, bounds(one, b{1, 4}, b{1, 4}, b{1, 4}), 0, nil},
		{"groups in turn", two, bounds(two, b{1, 4}, b{1, 4}), 5, []int{3, 2}},
		{"what a group cannot use", two, bounds(two, b{1, 1}, b{1, 4}), 5, []int{1, 4}},
		{"what a group needs", two, bounds(two, b{1, 4}, b{3, 4}), 4, []int{1, 3}},
		{"ends of a forward edge", forward, bounds(forward, b{1, 1}, b{1, 4}, b{1, 4}), 4, []int{1, 1, 4}},
		{"ends of a forward edge in two groups", across, bounds(across, b{1, 4}, b{1, 4}), 5, []int{2, 2}},
	} {
		got, enough := c.r.Fit(c.job, c.slots)
		if enough != (c.want != nil) {
			t.Errorf("%s: enough: %v", c.name, enough)
		}
		for i, want := range c.want {
			if n := got[c.job.Vertices[i].ID]; n != want {
				t.Errorf("%s: vertex %d has %d, want %d", c.name, i, n, want)
			}
		}
	}
}

// TestFitKeepsToItsBounds asks for random ones: what fits can be deployed, in no more slots than there are, and more slots never mean less.
func TestFitKeepsToItsBounds(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	kinds := []graph.Partitioning{graph.Hash, graph.Forward, graph.Rebalance}
	for range 3000 {
		groups, edges := "", []graph.Partitioning(nil)
		for range 1 + random.Intn(4) {
			groups += string(rune('x' + random.Intn(2)))
			edges = append(edges, kinds[random.Intn(len(kinds))])
		}
		g := flow(groups, edges...)
		r := schedule.Requirements{}
		for _, v := range g.Vertices {
			lower := 1 + random.Intn(4)
			r[v.ID] = schedule.Bounds{Lower: lower, Upper: lower + random.Intn(9-lower)}
		}
		if r.Check(g) != nil {
			continue
		}
		least, desired := r.Need(g)
		before := 0
		for slots := range desired + 2 {
			fit, enough := r.Fit(g, slots)
			if enough != (slots >= least) {
				t.Fatalf("%d of %d slots are enough: %v", slots, least, enough)
			}
			if !enough {
				continue
			}
			made, err := g.WithParallelism(fit)
			if err != nil {
				t.Fatal(err)
			}
			if n := graph.SlotsNeeded(made); n > slots {
				t.Fatalf("%d slots are needed, there are %d", n, slots)
			}
			sum := 0
			for id, n := range fit {
				if b := r[id]; n > b.Upper || n < b.Lower {
					t.Fatalf("parallelism %d is not within %v", n, b)
				}
				sum += n
			}
			if sum < before {
				t.Fatalf("%d slots give %d subtasks, one less gave %d", slots, sum, before)
			}
			before = sum
		}
	}
}

func TestRequirementsAreChecked(t *testing.T) {
	g := flow("xx", graph.Forward)
	g.Vertices[0].ParallelismLimit = 3
	type b = schedule.Bounds
	for why, r := range map[string]schedule.Requirements{
		"no vertex":           {ident.Derive("other"): {1, 1}},
		"has no bounds":       {g.Vertices[0].ID: {1, 1}},
		"the bounds 2 and 1":  bounds(g, b{2, 1}, b{1, 1}),
		"max parallelism 8":   bounds(g, b{1, 4}, b{1, 9}),
		"no number is within": bounds(g, b{1, 1}, b{2, 4}),
	} {
		if err := r.Check(g); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want: %s", err, why)
		}
	}
	if fit, _ := bounds(g, b{4, 4}, b{1, 4}).Fit(g, 4); fit[g.Vertices[0].ID] != 3 || fit[g.Vertices[1].ID] != 3 {
		t.Errorf("beyond what an operator can: %v", fit)
	}
	if err := schedule.RequirementsOf(g, true).Check(g); err != nil {
		t.Errorf("reactive: %v", err)
	}
	if least, desired := schedule.RequirementsOf(g, true).Need(g); least != 1 || desired != 3 {
		t.Errorf("reactive: %d to %d slots", least, desired)
	}
}
