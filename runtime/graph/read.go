package graph

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// errNoSink is Flink's "No operators defined in streaming topology", said of what is missing.
var errNoSink = errors.New("no sink: nothing would run, add stream.To, stream.Print or another sink behind the last operator")

// readProgram checks the shape of a program and puts its nodes in order.
func readProgram(g *StreamGraph, o Options) (*program, error) {
	p := &program{options: o}
	if len(g.Nodes) == 0 {
		return p, errors.New("the program has no operators: add a source and a sink")
	}
	nodes, err := readNodes(g.Nodes)
	if err != nil {
		return p, err
	}
	if !slices.ContainsFunc(nodes, func(n *node) bool { return n.Role == Sink }) {
		return p, errNoSink
	}
	if err := checkUIDs(nodes); err != nil {
		return p, err
	}
	p.nodes, err = topological(nodes)
	if err != nil {
		return p, err
	}
	// Flink compiles only what a transformation or a sink reads, and so does not know such a source at all.
	p.nodes = slices.DeleteFunc(p.nodes, func(n *node) bool { return n.Role == Source && len(n.out) == 0 })
	return p, nil
}

// readNodes wraps the nodes, by id, and connects them.
func readNodes(streamNodes []*StreamNode) ([]*node, error) {
	var wrong problems
	of := make(map[*StreamNode]*node, len(streamNodes))
	ids := make(map[int]bool, len(streamNodes))
	nodes := make([]*node, 0, len(streamNodes))
	for _, s := range streamNodes {
		n := &node{StreamNode: s, name: operatorName(s)}
		if ids[s.ID] {
			wrong.add("operator %q: node %d occurs twice in the graph", n.name, s.ID)
		}
		ids[s.ID], of[s] = true, n
		nodes = append(nodes, n)
	}
	slices.SortStableFunc(nodes, func(a, b *node) int { return cmp.Compare(a.ID, b.ID) })
	for _, n := range nodes {
		if (n.Role == Source) != (len(n.Inputs) == 0) {
			wrong.add("operator %q: a source has no input and anything else has one, but this %s has %d", n.name, n.Role, len(n.Inputs))
		}
		for _, s := range n.Inputs {
			from := of[s.From]
			if from == nil || s.To != n.StreamNode || s.Input < 0 || s.Partitioning >= partitionings {
				wrong.add("operator %q: the edge to its input %d does not connect it with an operator of this program", n.name, s.Input)
				continue
			}
			e := &edge{StreamEdge: s, from: from, to: n}
			n.in = append(n.in, e)
			from.out = append(from.out, e)
		}
		slices.SortStableFunc(n.in, func(a, b *edge) int { return cmp.Compare(a.Input, b.Input) })
	}
	return nodes, wrong.err()
}

func checkUIDs(nodes []*node) error {
	var wrong problems
	taken := map[string]*node{}
	for _, n := range nodes {
		switch other := taken[n.UID]; {
		case n.UID == "":
		case other != nil:
			wrong.add("uid %q is that of %q and of %q: state is found by it, so every operator needs its own", n.UID, other.name, n.name)
		default:
			taken[n.UID] = n
		}
	}
	return wrong.err()
}

// topological sorts nodes, given by id, so that each comes after those that feed it, and as early as its id says.
func topological(nodes []*node) ([]*node, error) {
	missing := make(map[*node]int, len(nodes))
	for _, n := range nodes {
		missing[n] = len(n.in)
	}
	byID := func(a, b *node) int { return cmp.Compare(a.ID, b.ID) }
	var ready, sorted []*node
	for _, n := range nodes {
		if missing[n] == 0 {
			ready = append(ready, n)
		}
	}
	for len(ready) > 0 {
		n := ready[0]
		ready = ready[1:]
		sorted = append(sorted, n)
		delete(missing, n)
		for _, e := range n.out {
			if missing[e.to]--; missing[e.to] == 0 {
				at, _ := slices.BinarySearchFunc(ready, e.to, byID)
				ready = slices.Insert(ready, at, e.to)
			}
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the operators %s feed each other in a circle: iterations are not supported", cycle(nodes, missing))
	}
	return sorted, nil
}

// cycle names the operators of one cycle among the nodes that could not be sorted: walking against the edges, which
// each of them has among the others, must come back to where it was.
func cycle(nodes []*node, unsorted map[*node]int) string {
	at := nodes[slices.IndexFunc(nodes, func(n *node) bool { _, left := unsorted[n]; return left })]
	step := map[*node]int{}
	var walk []*node
	for {
		if first, met := step[at]; met {
			walk = append(walk[first:], at)
			break
		}
		step[at] = len(walk)
		walk = append(walk, at)
		from := slices.IndexFunc(at.in, func(e *edge) bool { _, left := unsorted[e.from]; return left })
		at = at.in[from].from
	}
	slices.Reverse(walk)
	names := make([]string, len(walk))
	for i, n := range walk {
		names[i] = fmt.Sprintf("%q", n.name)
	}
	return strings.Join(names, " -> ")
}
