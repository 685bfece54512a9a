package randomgraph

import "slices"

// shrink returns a smaller plan that fails, too. Fails may be asked at most budget times.
func shrink(p *plan, budget int, fails func(*plan) bool) *plan {
	for smaller := true; smaller; {
		smaller = false
		for _, change := range changes(p) {
			candidate := p.clone()
			if !change(candidate) || !candidate.valid() {
				continue
			}
			if budget--; budget < 0 {
				return p
			}
			if fails(candidate) {
				p, smaller = candidate, true
				break
			}
		}
	}
	return p
}

// changes are the ways to make a plan smaller, the most rewarding first. Each reports whether it has changed anything.
func changes(p *plan) (all []func(*plan) bool) {
	for i, n := range p.nodes {
		if n.op == opSink && len(p.sinks()) > 1 {
			all = append(all, func(p *plan) bool { return p.remove(i) })
		}
	}
	for i, n := range slices.Backward(p.nodes) {
		if n.op.between() {
			all = append(all, func(p *plan) bool { return p.bypass(i) })
		}
		for input := range n.inputs {
			if len(n.inputs[input]) > 1 {
				all = append(all, func(p *plan) bool {
					p.nodes[i].inputs[input] = p.nodes[i].inputs[input][:1]
					return p.prune()
				}, func(p *plan) bool {
					p.nodes[i].inputs[input] = p.nodes[i].inputs[input][1:]
					return p.prune()
				})
			}
		}
	}
	for i, n := range p.nodes {
		if half := len(n.records) / 2; half > 0 {
			all = append(all,
				func(p *plan) bool { p.nodes[i].records = p.nodes[i].records[:half]; return true },
				func(p *plan) bool { p.nodes[i].records = p.nodes[i].records[half:]; return true })
		}
		if n.parallelism > 1 {
			all = append(all, func(p *plan) bool { p.nodes[i].parallelism, p.nodes[i].explicit = 1, true; return true })
		}
		if n.group != "" || n.maxParallelism > 0 || n.chaining != chainAlways {
			all = append(all, func(p *plan) bool {
				p.nodes[i].group, p.nodes[i].maxParallelism, p.nodes[i].chaining = "", 0, chainAlways
				return true
			})
		}
	}
	return all
}

// clone copies a plan so far that its nodes and edges can be changed.
func (p *plan) clone() *plan {
	copied := &plan{seed: p.seed, settings: p.settings}
	twins := map[*node]*node{}
	for _, n := range p.nodes {
		twin := *n
		twin.inputs = make([][]edge, len(n.inputs))
		for i, input := range n.inputs {
			for _, e := range input {
				twin.inputs[i] = append(twin.inputs[i], edge{twins[e.from], e.by})
			}
		}
		twins[n] = &twin
		copied.nodes = append(copied.nodes, &twin)
	}
	return copied
}

func (p *plan) remove(i int) bool {
	p.nodes = slices.Delete(p.nodes, i, i+1)
	return p.prune()
}

// bypass has the readers of a node read what it reads.
func (p *plan) bypass(i int) bool {
	gone := p.nodes[i]
	if len(gone.inputs[0]) > 1 || gone.inputs[0][0].from.kind != gone.kind {
		return false
	}
	for _, n := range p.nodes {
		for _, input := range n.inputs {
			for j := range input {
				if input[j].from == gone {
					input[j].from = gone.inputs[0][0].from
				}
			}
		}
	}
	return p.remove(i)
}

// prune removes the nodes that nobody reads, sinks aside.
func (p *plan) prune() bool {
	for {
		readers := p.readers()
		before := len(p.nodes)
		p.nodes = slices.DeleteFunc(p.nodes, func(n *node) bool { return n.op != opSink && readers[n] == 0 })
		if len(p.nodes) == before {
			return true
		}
	}
}

// valid reports whether the result of a plan is determined.
func (p *plan) valid() bool {
	_, err := promises(p)
	return err == nil && len(p.sinks()) > 0
}
