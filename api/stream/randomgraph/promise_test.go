package randomgraph

import (
	"errors"
	"fmt"
)

// promise is what holds for a stream whatever the timing of the run: how much of its order and of its place is
// determined. It rests on one fact alone: what one subtask sends to another keeps its order.
type promise struct {
	// total: all records are in one subtask, in one order. It implies one and ordered.
	total bool
	// one: all records are in the subtask 0. It implies colocated.
	one bool
	// ordered: the records of each key are in one subtask, in one order. It implies colocated.
	ordered bool
	// colocated: the records of each key are in one subtask.
	colocated bool
	// plain: mark and event time follow from the key, so that it does not matter which of a key's records comes first.
	plain bool
	// timed: there may be event times.
	timed bool
	// keys is above all keys.
	keys int
	// modulus, if not 0, divides all keys with the same remainder.
	modulus, remainder int
	// placed: it is known of each record in which subtask it is.
	placed bool
}

// across is what is left of a promise behind an edge to a reader of that parallelism.
func (p promise) across(by partitioning, from, to int) promise {
	p.placed = p.one
	switch {
	case to == 1:
		p.one, p.colocated = true, true
	case by == forward:
	case by == rescale && from >= to: // each producer has one consumer
	case by == global:
		p.one, p.colocated = true, true
	case by == hash || by == custom:
		p.total, p.one, p.colocated = false, false, true
	default:
		p.total, p.one, p.ordered, p.colocated = false, false, false, false
	}
	p.placed = p.one || by == custom || by == broadcast
	return p
}

// arrival is what holds for what a node receives at one input.
func (n *node) arrival(input int, of map[*node]promise) (promise, error) {
	edges := n.inputs[input]
	for _, e := range edges {
		if e.by == forward && e.from.parallelism != n.parallelism {
			return promise{}, fmt.Errorf("node %d: forward from parallelism %d to %d", n.id, e.from.parallelism, n.parallelism)
		}
	}
	parts := make([]promise, len(edges))
	for i, e := range edges {
		parts[i] = of[e.from].across(e.resolved(n.parallelism), e.from.parallelism, n.parallelism)
	}
	united := parts[0]
	disjoint := true
	for i, part := range parts[1:] {
		for _, other := range parts[:i+1] {
			disjoint = disjoint && part.modulus > 0 && part.modulus == other.modulus && part.remainder != other.remainder
		}
		united.plain = united.plain && part.plain && part.timed == united.timed
		united.total, united.modulus = false, 0
		united.one = united.one && part.one
		united.ordered = united.ordered && part.ordered
		united.colocated = united.colocated && part.colocated
		united.timed = united.timed || part.timed
		united.keys = max(united.keys, part.keys)
		united.placed = united.placed && part.placed
	}
	if len(edges) > 1 {
		united.ordered = united.ordered && disjoint
		united.colocated = united.one || united.ordered || n.meets(input) || united.colocated && disjoint
	}
	return united, nil
}

// meets reports whether records of one key go to one subtask on all edges of an input, whatever they come from.
func (n *node) meets(input int) bool {
	all := n.inputs[input][0].by
	for _, e := range n.inputs[input] {
		if e.by != all {
			return false
		}
	}
	return n.parallelism == 1 || all == hash || all == custom || all == global
}

var (
	errNeedsOrder = errors.New("needs the order of each key's records")
	errNeedsPlace = errors.New("needs to know where records are")
)

// promised is what holds for what a node emits, or why its result is not determined.
func (n *node) promised(of map[*node]promise) (promise, error) {
	if n.op.isSource() {
		single := n.parallelism == 1
		return promise{total: single, one: single, ordered: single, colocated: single, timed: n.timed, keys: keysBelow(n.records)}, nil
	}
	var in [2]promise
	for i := range n.inputs {
		var err error
		if in[i], err = n.arrival(i, of); err != nil {
			return promise{}, err
		}
	}
	var out promise
	var err error
	switch {
	case n.op.spec().inputs == 2:
		out, err = n.promisedOfTwo(in[0], in[1])
	case n.isKeyed():
		out, err = n.promisedOfKeyed(in[0])
	default:
		out, err = n.promisedOfOne(in[0])
	}
	if err != nil {
		return out, fmt.Errorf("node %d %s: %w", n.id, n.op, err)
	}
	if out.keys > keyLimit {
		return out, fmt.Errorf("node %d %s: too many keys", n.id, n.op)
	}
	return out, nil
}

func (n *node) promisedOfOne(p promise) (promise, error) {
	switch n.op {
	case opMapMark:
		p.plain = false
	case opTag:
		p.keys, p.modulus, p.remainder, p.plain = p.keys*(n.arg/16), n.arg/16, n.arg%16, false
	case opRefine, opScatter:
		p.keys, p.modulus, p.plain = p.keys*n.arg, 0, false
	case opCoarsen:
		p.keys, p.modulus, p.plain = min(p.keys, n.arg), 0, false
		p.ordered, p.colocated = p.total, p.one
	case opPlain:
		p.plain = !p.timed
	case opPlainAt:
		p.plain, p.timed = true, true
	case opStamp:
		if !p.placed {
			return p, errNeedsPlace
		}
	case opHold:
		p.plain = p.plain && !p.timed
	case opTally:
		if !p.one {
			return p, errNeedsPlace
		}
		return promise{total: true, one: true, ordered: true, colocated: true, keys: 1}, nil
	case opEven:
		e := n.inputs[0][0]
		by := e.resolved(n.parallelism)
		if len(n.inputs[0]) > 1 || e.from.parallelism > 1 || by != rebalance && by != rescale {
			return p, errNeedsPlace
		}
		return promise{keys: 1, one: n.parallelism == 1, colocated: n.parallelism == 1}, nil
	}
	return p, nil
}

// promisedOfTwo is for nodes of two inputs. Those without keys give the records of each a tag, so that their order stays.
func (n *node) promisedOfTwo(a, b promise) (promise, error) {
	p := promise{colocated: true, one: a.one && b.one, keys: max(a.keys, b.keys)}
	switch n.op {
	case opJoin:
		p.timed = true
	case opCoTotals:
		p.ordered = true
	default:
		p.ordered, p.colocated = a.ordered && b.ordered, a.colocated && b.colocated
		p.timed, p.keys = a.timed || b.timed, 2*p.keys
		p.total = n.op == opCoHold && a.total && b.total && p.one
	}
	return p, nil
}

func (n *node) promisedOfKeyed(p promise) (promise, error) {
	ordered, plain := p.ordered, p.plain
	atEnd := func() { p.total, p.ordered, p.timed, p.plain = false, true, false, false }
	switch n.op {
	case opCountEach: // the counts of a key are 1, 2, 3, in whatever order its records come
		if !ordered && p.timed && !plain {
			return p, errNeedsOrder
		}
		p.ordered, p.plain = true, false
	case opSumEach, opMinEach, opMaxEach, opMinByEach, opMaxByEach:
		if !ordered {
			return p, errNeedsOrder
		}
	case opSumEnd, opMinEnd, opMaxEnd:
		if !ordered && !plain {
			return p, errNeedsOrder
		}
		atEnd()
		p.plain = plain
	case opMinByEnd, opMaxByEnd:
		if !ordered && n.arg < fine {
			return p, errNeedsOrder
		}
		atEnd()
		p.plain = plain
	case opCountEnd, opReduceAnyEnd, opReducingEnd, opAggregatingEnd, opManyEnd:
		atEnd()
	case opReduceEnd:
		if !ordered {
			return p, errNeedsOrder
		}
		atEnd()
	case opListEnd:
		atEnd()
		p.ordered = ordered
	case opDistinct:
		p.timed, p.plain = true, false
	case opReduceEach, opValueEach, opTextValueEach, opListEach, opMapEach, opReducingEach, opAggregatingEach:
		if !ordered {
			return p, errNeedsOrder
		}
		p.plain = false
		if n.op == opListEach || n.op == opMapEach { // which emit at the end of input, too
			p.total = false
		}
	default:
		return p, errors.New("no promise is known")
	}
	return p, nil
}

func keysBelow(records []record) int {
	below := 1
	for _, r := range records {
		below = max(below, int(r.Key)+1)
	}
	return below
}

// promises returns what holds for each stream of a plan, or why the plan's result is not determined.
func promises(p *plan) (map[*node]promise, error) {
	of := map[*node]promise{}
	for _, n := range p.nodes {
		promise, err := n.promised(of)
		if err != nil {
			return nil, err
		}
		of[n] = promise
	}
	return of, nil
}
