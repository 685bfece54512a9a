package schedule

import (
	"fmt"
	"slices"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// Bounds are the least and the greatest parallelism of a vertex.
type Bounds struct{ Lower, Upper int }

// Requirements say between which bounds the parallelism of each vertex of a job is chosen (Flink's JobResourceRequirements).
type Requirements map[ident.VertexID]Bounds

// RequirementsOf returns those that a job begins with: at most the parallelism of its program, or in reactive mode the highest that each vertex
// can have.
func RequirementsOf(job *graph.JobGraph, reactive bool) Requirements {
	r := Requirements{}
	for _, v := range job.Vertices {
		bounds := Bounds{1, v.Parallelism}
		if reactive {
			bounds.Upper = v.Most()
		}
		r[v.ID] = bounds
	}
	return r
}

// Check reports why a job cannot run within the bounds: they must be those of all of its vertices, and go no higher than its key groups. Vertices
// that forward edges join run with one parallelism, which must be within the bounds of all of them. Where operators cannot be as parallel as the
// bounds say, such as a source that has one subtask, the highest that they can be counts instead, since whoever asks does not know them.
func (r Requirements) Check(job *graph.JobGraph) error {
	for id := range r {
		if job.Vertex(id) == nil {
			return fmt.Errorf("the job has no vertex %s", id)
		}
	}
	for _, v := range job.Vertices {
		bounds, named := r[v.ID]
		switch {
		case !named:
			return fmt.Errorf("vertex %s (%q) has no bounds: name those of all vertices", v.ID, v.Name)
		case bounds.Lower < 1 || bounds.Upper < bounds.Lower:
			return fmt.Errorf("vertex %s (%q): the bounds %d and %d: want a lower one of at least 1, and an upper one of at least that", v.ID, v.Name, bounds.Lower, bounds.Upper)
		case bounds.Upper > v.MaxParallelism:
			return fmt.Errorf("vertex %s (%q): the upper bound is %d, and its max parallelism %d", v.ID, v.Name, bounds.Upper, v.MaxParallelism)
		}
	}
	for _, g := range r.groups(job) {
		for _, s := range g.sets {
			if s.Lower > s.Upper {
				return fmt.Errorf("vertex %q and those that forward edges join to it have the same parallelism, and no number is within the bounds of all: the highest lower one is %d, the lowest upper one %d",
					s.vertices[0].Name, s.Lower, s.Upper)
			}
		}
	}
	return nil
}

// group is a slot sharing group.
type group struct {
	name string
	sets []*set
	// slots are what Fit gives it.
	slots int
}

// set is the vertices that forward edges join, with the bounds that hold for all of them.
type set struct {
	Bounds
	vertices []*graph.JobVertex
}

func (g *group) least() int {
	n := 0
	for _, s := range g.sets {
		n = max(n, s.Lower)
	}
	return n
}

func (g *group) desired() int {
	n := 0
	for _, s := range g.sets {
		n = max(n, s.Upper)
	}
	return n
}

// groups are the job's slot sharing groups, in the order of their first vertices. A set that spans groups counts in each.
func (r Requirements) groups(job *graph.JobGraph) []*group {
	setOf := map[*graph.JobVertex]*set{}
	for _, v := range job.Vertices {
		bounds, most := r[v.ID], v.Most()
		setOf[v] = &set{Bounds{min(bounds.Lower, most), min(bounds.Upper, most)}, []*graph.JobVertex{v}}
	}
	for _, e := range job.Edges {
		a, b := setOf[e.From], setOf[e.To]
		if e.Partitioning != graph.Forward || a == b {
			continue
		}
		a.Lower, a.Upper = max(a.Lower, b.Lower), min(a.Upper, b.Upper)
		a.vertices = append(a.vertices, b.vertices...)
		for _, v := range b.vertices {
			setOf[v] = a
		}
	}
	var all []*group
	byName := map[string]*group{}
	for _, v := range job.Vertices {
		g := byName[v.SlotSharingGroup]
		if g == nil {
			g = &group{name: v.SlotSharingGroup}
			byName[v.SlotSharingGroup] = g
			all = append(all, g)
		}
		if s := setOf[v]; !slices.Contains(g.sets, s) {
			g.sets = append(g.sets, s)
		}
	}
	return all
}

// GroupSlots says how many slots a slot sharing group needs.
type GroupSlots struct {
	Name string
	// Least are those without which the job cannot run, Desired those that it makes use of.
	Least, Desired int
}

// Slots says how many slots each of the job's slot sharing groups needs.
func (r Requirements) Slots(job *graph.JobGraph) []GroupSlots {
	var all []GroupSlots
	for _, g := range r.groups(job) {
		all = append(all, GroupSlots{g.name, g.least(), g.desired()})
	}
	return all
}

// Need is how many slots the job cannot run without, and how many it makes use of.
func (r Requirements) Need(job *graph.JobGraph) (least, desired int) {
	for _, g := range r.Slots(job) {
		least += g.Least
		desired += g.Desired
	}
	return least, desired
}

// Fit chooses the parallelism of each vertex for so many slots, and reports whether they are enough. Each slot sharing group gets what it cannot do
// without; the others go to the groups in turn, until none can use more. Within a group every vertex has the highest parallelism that its bounds
// and the group's slots allow. The requirements must be such as Check accepts.
func (r Requirements) Fit(job *graph.JobGraph, slots int) (map[ident.VertexID]int, bool) {
	groups := r.groups(job)
	for _, g := range groups {
		g.slots = g.least()
		slots -= g.slots
	}
	if slots < 0 {
		return nil, false
	}
	for gave := true; gave && slots > 0; {
		gave = false
		for _, g := range groups {
			if slots > 0 && g.slots < g.desired() {
				g.slots++
				slots--
				gave = true
			}
		}
	}
	parallelism := map[ident.VertexID]int{}
	for _, g := range groups {
		for _, s := range g.sets {
			for _, v := range s.vertices {
				n, known := parallelism[v.ID]
				if most := min(s.Upper, g.slots); !known || most < n {
					parallelism[v.ID] = most
				}
			}
		}
	}
	return parallelism, true
}
