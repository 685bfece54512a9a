package graph

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/weir-stream/weir/runtime/ident"
)

// UIDOperatorID is the id of an operator that the program gave this uid.
func UIDOperatorID(uid string) ident.OperatorID { return ident.Derive("uid", uid) }

// identify gives every operator its id: from its uid or, where it has none, from a hash of what it is and what it
// reads.
//
// The hash covers the operator's kind and role, and for each of its inputs the id of the producer, the input's number
// and the side output; the parts of a union count in any order. Operators for which all that is equal (two sources of
// one kind, two maps behind one source) are told apart by their order in the program, counted among themselves.
//
// So an id stays as it is when names, parallelism, chaining, partitioning, types or anything further down change, and
// when branches that it does not read come or go, unless these hold a twin of it. Flink's StreamGraphHasherV2, which
// this follows in hashing inputs' ids, counts all operators of the program instead, and the chained outputs; there an
// id depends on branches it has nothing to do with and on what is chained, and a changed parallelism can lose state.
// Those who change the operators upstream give uids in either system.
func (p *program) identify() error {
	var wrong problems
	twins := map[ident.ID]int{}
	owner := map[ident.OperatorID]*node{}
	for _, n := range p.nodes {
		if n.UID != "" {
			n.id = UIDOperatorID(n.UID)
		} else {
			structure := structuralHash(n)
			n.id = ident.Derive("operator", structure.String(), strconv.Itoa(twins[structure]))
			twins[structure]++
		}
		if other := owner[n.id]; other != nil {
			wrong.add("operators %q and %q have the same id %s: give one of them another uid", other.name, n.name, n.id)
		}
		owner[n.id] = n
	}
	return wrong.err()
}

func structuralHash(n *node) ident.ID {
	type input struct{ number, producer, side string }
	inputs := make([]input, len(n.in))
	for i, e := range n.in {
		inputs[i] = input{strconv.Itoa(e.Input), e.from.id.String(), e.SideOutput}
	}
	slices.SortStableFunc(inputs, func(a, b input) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.producer, b.producer), cmp.Compare(a.side, b.side))
	})
	parts := []string{"structure", n.Kind, n.Role.String()}
	for _, in := range inputs {
		parts = append(parts, in.number, in.producer, in.side)
	}
	return ident.Derive(parts...)
}
