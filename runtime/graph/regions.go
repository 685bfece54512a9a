package graph

import "github.com/weir-stream/weir/runtime/ident"

// Regions splits the subtasks of a job into its pipelined regions: those that exchange records directly or through
// others, and so fail and start again together. Every edge is pipelined. Regions are in the order of their first
// subtasks, and the subtasks of each in the order of vertices and indexes.
func Regions(g *JobGraph) [][]SubtaskID {
	first := make(map[*JobVertex]int, len(g.Vertices))
	total := 0
	for _, v := range g.Vertices {
		first[v] = total
		total += v.Parallelism
	}
	sets := newDisjointSets(total)
	for _, e := range g.Edges {
		joinEnds(sets, e, first[e.From], first[e.To])
	}
	var regions [][]SubtaskID
	regionOf := map[int]int{}
	for _, v := range g.Vertices {
		for i := range v.Parallelism {
			root := sets.root(first[v] + i)
			at, known := regionOf[root]
			if !known {
				at = len(regions)
				regionOf[root] = at
				regions = append(regions, nil)
			}
			regions[at] = append(regions[at], SubtaskID{Vertex: v.ID, Subtask: ident.SubtaskIndex(i)})
		}
	}
	return regions
}

// joinEnds joins the subtasks that an edge connects. Where all are connected with all, joining everybody with one
// says as much.
func joinEnds(sets disjointSets, e *JobEdge, from, to int) {
	if !e.Partitioning.Pointwise() {
		for i := range e.To.Parallelism {
			sets.join(from, to+i)
		}
		for i := range e.From.Parallelism {
			sets.join(from+i, to)
		}
		return
	}
	for i := range e.From.Parallelism {
		first, end := consumerRange(e, i)
		for c := first; c < end; c++ {
			sets.join(from+i, to+c)
		}
	}
}

// disjointSets is the union-find structure: the parent of each member, a root being its own. Paths are halved on the
// way up (Tarjan and van Leeuwen, 1984).
type disjointSets []int

func newDisjointSets(n int) disjointSets {
	sets := make(disjointSets, n)
	for i := range sets {
		sets[i] = i
	}
	return sets
}

func (s disjointSets) root(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

// join makes the smaller root the root of both.
func (s disjointSets) join(a, b int) {
	a, b = s.root(a), s.root(b)
	s[max(a, b)] = min(a, b)
}
