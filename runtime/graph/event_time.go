package graph

// checkEventTime refuses operators that wait for watermarks that nobody makes, and those that never get done with the last one.
func (p *program) checkEventTime() error {
	var wrong problems
	for _, n := range p.nodes {
		if n.NeedsWatermarks && !n.anyBefore(func(b *node) bool { return b.EmitsWatermarks }) {
			wrong.add("operator %q works in event time, but none of its sources emits watermarks, so it would never emit anything: give a source, or a stream before it, a watermark strategy, or use processing time",
				n.name)
		}
		if n.NeverEnds != "" && !n.anyBefore(func(b *node) bool { return b.Role == Source && !b.Bounded }) {
			wrong.add("operator %q: %s, and all of its sources are bounded: the end of its input would never be done with", n.name, n.NeverEnds)
		}
	}
	return wrong.err()
}

// anyBefore reports whether found is true of an operator from which records reach n.
func (n *node) anyBefore(found func(*node) bool) bool {
	seen := map[*node]bool{n: true}
	for next := []*node{n}; len(next) > 0; {
		at := next[len(next)-1]
		next = next[:len(next)-1]
		for _, e := range at.in {
			if seen[e.from] {
				continue
			}
			if found(e.from) {
				return true
			}
			seen[e.from] = true
			next = append(next, e.from)
		}
	}
	return false
}
