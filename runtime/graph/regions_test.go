package graph

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/weir-stream/weir/runtime/ident"
)

func regionSizes(g *JobGraph) []int {
	var sizes []int
	for _, r := range Regions(g) {
		sizes = append(sizes, len(r))
	}
	return sizes
}

func TestRegions(t *testing.T) {
	cases := []struct {
		name  string
		build func(*sketch)
		want  []int
	}{
		{"all to all joins everything", func(s *sketch) { s.sink("out", s.source("in"), partition(Hash)) }, []int{4}},
		{"forward keeps pipelines apart", func(s *sketch) { s.sink("out", s.source("in"), partition(Forward)) }, []int{2, 2}},
		{"rescale keeps groups apart", func(s *sketch) { s.sink("out", s.source("in"), parallelism(4), partition(Rescale)) }, []int{3, 3}},
		{"two programs", func(s *sketch) {
			s.sink("out", s.source("in"), partition(Hash))
			s.sink("out", s.source("other", parallelism(1)), parallelism(1), partition(Forward))
		}, []int{4, 2}},
		{"global connects with all", func(s *sketch) { s.sink("out", s.source("in"), partition(Global)) }, []int{4}},
	}
	for _, c := range cases {
		s := &sketch{}
		c.build(s)
		if got := regionSizes(compile(t, &s.StreamGraph, Options{DefaultParallelism: 2})); !slices.Equal(got, c.want) {
			t.Errorf("%s: regions of %v subtasks, want %v", c.name, got, c.want)
		}
	}
}

// The regions of random graphs are compared with a plain search along connections.
func TestRegionsAreWhatIsConnected(t *testing.T) {
	random := rand.New(rand.NewSource(4))
	for range 300 {
		s := randomProgram(random)
		g := compile(t, &s.StreamGraph, chaining)
		seen := map[SubtaskID]bool{}
		for _, region := range Regions(g) {
			want := reachable(g, region[0])
			if len(want) != len(region) {
				t.Fatalf("region of %d subtasks, %d are connected\n%s", len(region), len(want), PlanText(g))
			}
			for _, id := range region {
				if !want[id] || seen[id] {
					t.Fatalf("%s is in a region that it does not belong to\n%s", id, PlanText(g))
				}
				seen[id] = true
			}
		}
		for _, v := range g.Vertices {
			for i := range v.Parallelism {
				if !seen[SubtaskID{v.ID, ident.SubtaskIndex(i)}] {
					t.Fatalf("subtask %d of %s has no region", i, v.Name)
				}
			}
		}
	}
}

func reachable(g *JobGraph, from SubtaskID) map[SubtaskID]bool {
	reached := map[SubtaskID]bool{from: true}
	for todo := []SubtaskID{from}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		visit := func(v *JobVertex, peers []int) {
			for _, p := range peers {
				if id := (SubtaskID{v.ID, ident.SubtaskIndex(p)}); !reached[id] {
					reached[id] = true
					todo = append(todo, id)
				}
			}
		}
		v := g.Vertex(at.Vertex)
		for _, e := range v.Inputs {
			visit(e.From, Producers(e, int(at.Subtask)))
		}
		for _, e := range v.Outputs {
			visit(e.To, Connections(e, int(at.Subtask)))
		}
	}
	return reached
}

func TestSharedSlots(t *testing.T) {
	s := &sketch{}
	in := s.source("in", parallelism(1))
	wide := s.op("wide", one(in), parallelism(3))
	s.sink("out", s.op("heavy", one(wide), parallelism(2), group("heavy")), parallelism(2), group("default"))
	g := compile(t, &s.StreamGraph, Options{})
	slots := SharedSlots(g)
	var got []string
	for _, slot := range slots {
		text := slot.Group + ":"
		for _, id := range slot.Subtasks {
			text += " " + g.Vertex(id.Vertex).Name
			if int(id.Subtask) != slot.Index {
				t.Errorf("slot %d of %s holds subtask %d", slot.Index, slot.Group, id.Subtask)
			}
		}
		got = append(got, text)
	}
	want := []string{"default: Source: in wide out: Writer", "default: wide out: Writer", "default: wide", "heavy: heavy", "heavy: heavy"}
	if !slices.Equal(got, want) {
		t.Errorf("slots %q, want %q", got, want)
	}
	if SlotsNeeded(g) != len(slots) {
		t.Errorf("%d slots needed, %d listed", SlotsNeeded(g), len(slots))
	}
}
