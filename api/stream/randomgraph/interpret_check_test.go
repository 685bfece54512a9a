package randomgraph

import (
	"slices"
	"testing"
)

// TestInterpretation checks the interpretation by results that were worked out by hand.
func TestInterpretation(t *testing.T) {
	in := []record{{1, 5, 0, noTime}, {2, 7, 0, noTime}, {1, 3, 9, noTime}, {1, 3, 8, noTime}}
	for _, c := range []struct {
		op   op
		arg  int
		want []record
	}{
		{opCountEach, 0, []record{{1, 1, 0, noTime}, {2, 1, 0, noTime}, {1, 2, 0, noTime}, {1, 3, 0, noTime}}},
		{opSumEach, 0, []record{{1, 5, 0, noTime}, {2, 7, 0, noTime}, {1, 8, 0, noTime}, {1, 11, 0, noTime}}},
		{opSumEnd, 0, []record{{1, 11, 0, noTime}, {2, 7, 0, noTime}}},
		{opMinByEnd, fine, []record{{1, 3, 8, noTime}, {2, 7, 0, noTime}}},
		{opReduceEnd, 0, []record{{1, (5*3+3)*3 + 3, 0 ^ 9*5 ^ 8*5, noTime}, {2, 7, 0, noTime}}},
		{opListEach, 2, []record{{1, 5*31 + 3, 2, noTime}, {1, 3, 1, noTime}, {2, 7, 1, noTime}}},
		{opListEnd, 0, []record{{1, 5, 0, noTime}, {1, 3, 0, noTime}, {1, 3, 0, noTime}, {2, 7, 0, noTime}}},
		{opDistinct, 2, []record{{1, 1, 0, 1}, {2, 1, 0, 1}}},
		{opAggregatingEnd, 0, []record{{1, 11*7 + 3, 0, noTime}, {2, 7*7 + 1, 0, noTime}}},
		{opTally, 0, []record{{0, 18, 4, noTime}}},
		{opCoarsen, 1, []record{{0, 5, 0, noTime}, {0, 7, 0, noTime}, {0, 3, 9, noTime}, {0, 3, 8, noTime}}},
	} {
		source := &node{op: opCollection, parallelism: 1, records: in}
		step := &node{op: c.op, arg: c.arg, parallelism: 1, inputs: [][]edge{{{source, hash}}}}
		got := interpret(&plan{nodes: []*node{source, step}})[step]
		if !slices.Equal(got, c.want) {
			t.Errorf("%s(%d): have %v, want %v", c.op, c.arg, got, c.want)
		}
	}
}

// TestPromises checks which orders outlive which ways through a program.
func TestPromises(t *testing.T) {
	source := func() *node {
		return &node{op: opCollection, parallelism: 1, records: []record{{1, 1, 1, noTime}, {2, 2, 2, noTime}}}
	}
	step := func(o op, arg, parallelism int, from ...edge) *node {
		return &node{op: o, arg: arg, parallelism: parallelism, inputs: [][]edge{from}}
	}
	for name, c := range map[string]struct {
		last                      *node
		total, ordered, colocated bool
	}{
		"one chain":             {step(opMap, 1, 1, edge{source(), unset}), true, true, true},
		"dealt":                 {step(opMap, 1, 3, edge{source(), unset}), false, false, false},
		"keyed":                 {step(opCountEach, 0, 3, edge{source(), hash}), false, true, true},
		"keyed, then joined":    {step(opMap, 1, 1, edge{step(opCountEach, 0, 3, edge{source(), hash}), unset}), false, true, true},
		"dealt, then joined":    {step(opMap, 1, 1, edge{step(opMap, 1, 3, edge{source(), unset}), unset}), false, false, true},
		"keyed, then dealt":     {step(opMap, 1, 2, edge{step(opCountEach, 0, 3, edge{source(), hash}), unset}), false, false, false},
		"dealt, then keyed":     {step(opListEnd, 0, 3, edge{step(opMap, 1, 3, edge{source(), unset}), hash}), false, false, true},
		"global":                {step(opMap, 1, 3, edge{source(), global}), true, true, true},
		"broadcast":             {step(opMap, 1, 3, edge{source(), broadcast}), false, false, false},
		"keys joined":           {step(opCoarsen, 1, 3, edge{step(opCountEach, 0, 3, edge{source(), hash}), forward}), false, false, false},
		"keys split":            {step(opScatter, 2, 3, edge{step(opCountEach, 0, 3, edge{source(), hash}), forward}), false, true, true},
		"union":                 {step(opMap, 1, 1, edge{source(), unset}, edge{source(), unset}), false, false, true},
		"union of other keys":   {step(opMap, 1, 1, edge{step(opTag, 32, 1, edge{source(), unset}), unset}, edge{step(opTag, 33, 1, edge{source(), unset}), unset}), false, true, true},
		"final of each key":     {step(opCountEnd, 0, 1, edge{source(), hash}), false, true, true},
		"some records held":     {step(opHold, 2, 1, edge{source(), unset}), true, true, true},
		"rescaled, many to few": {step(opMap, 1, 2, edge{step(opCountEach, 0, 4, edge{source(), hash}), rescale}), false, true, true},
		"rescaled, few to many": {step(opMap, 1, 4, edge{step(opCountEach, 0, 2, edge{source(), hash}), rescale}), false, false, false},
	} {
		of, err := promises(&plan{nodes: upstream(c.last)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p := of[c.last]; p.total != c.total || p.ordered != c.ordered || p.colocated != c.colocated {
			t.Errorf("%s: total %t, ordered %t, colocated %t", name, p.total, p.ordered, p.colocated)
		}
	}
}

// upstream lists a node behind all that it reads.
func upstream(n *node) (all []*node) {
	for _, input := range n.inputs {
		for _, e := range input {
			all = append(all, upstream(e.from)...)
		}
	}
	return append(all, n)
}
