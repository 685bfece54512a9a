package randomgraph

// interpret returns what each node of a plan emits, in an order that agrees with the node's promise: streams are slices, state is Go
// maps, and nothing is parallel. It uses nothing of the engine.
func interpret(p *plan) map[*node][]record {
	streams := map[*node][]record{}
	for _, n := range p.nodes {
		streams[n] = interpretNode(n, streams)
	}
	return streams
}

// arrived is a record with the subtask that it came to, where that is known.
type arrived struct {
	record
	subtask int
}

func arrivals(n *node, input int, streams map[*node][]record) (all []arrived) {
	for _, e := range n.inputs[input] {
		by := e.resolved(n.parallelism)
		copies := 1
		if by == broadcast {
			copies = n.parallelism
		}
		for i := range copies {
			for _, r := range streams[e.from] {
				a := arrived{record: r}
				switch by {
				case broadcast:
					a.subtask = i
				case custom:
					a.subtask = customTarget(r.Key, n.parallelism)
				}
				all = append(all, a)
			}
		}
	}
	return all
}

func interpretNode(n *node, streams map[*node][]record) []record {
	if n.op.isSource() {
		return n.records
	}
	first := arrivals(n, 0, streams)
	switch {
	case n.op.spec().inputs == 2:
		return interpretTwo(n, first, arrivals(n, 1, streams))
	case n.isKeyed():
		return interpretKeyed(n, first)
	}
	return interpretOne(n, first)
}

func interpretOne(n *node, in []arrived) (out []record) {
	switch n.op {
	case opHold:
		return interpretHold(n, in)
	case opTally:
		return interpretTally(in)
	case opEven:
		return interpretEven(n, len(in))
	}
	for _, r := range in {
		out = append(out, interpretRecord(n, r)...)
	}
	return out
}

func interpretRecord(n *node, in arrived) []record {
	r := in.record
	switch n.op {
	case opConvert, opSink:
	case opMap, opMapErr, opMapWith:
		r = mapValue(r, n.arg)
	case opMapMark:
		r = mapMark(r, n.arg)
	case opTag:
		r = tag(r, n.arg)
	case opRefine:
		r = refine(r, n.arg)
	case opCoarsen:
		r = coarsen(r, n.arg)
	case opFilter, opFilterBy:
		if !keep(r, n.arg) {
			return nil
		}
	case opExpand:
		return expand(r, n.arg)
	case opBurst:
		return burst(r, n.arg)
	case opScatter:
		return scatter(r, n.arg)
	case opPlain:
		r = plain(r)
	case opPlainAt:
		r = plain(r)
		r.Time = plainTime(r.Key)
	case opReadTime:
		r = readTime(r, r.Time, r.Time != noTime)
	case opStamp:
		r = stamp(r, in.subtask)
	default:
		panic("no interpretation of " + n.op.String())
	}
	return []record{r}
}

// interpretHold emits what is held back behind the rest and without event times.
func interpretHold(n *node, in []arrived) (out []record) {
	var back []record
	for _, a := range in {
		if held(a.record, n.arg) {
			a.Time = noTime
			back = append(back, a.record)
		} else {
			out = append(out, a.record)
		}
	}
	return append(out, back...)
}

func interpretTally(in []arrived) []record {
	if len(in) == 0 {
		return nil
	}
	var sum int64
	for _, a := range in {
		sum += int64(a.Value)
	}
	return []record{{Value: wrap(sum), Mark: uint16(len(in)), Time: noTime}}
}

// interpretEven deals records: subtasks differ by one at most.
func interpretEven(n *node, records int) (out []record) {
	for i := range n.parallelism {
		share := records / n.parallelism
		if i < records%n.parallelism {
			share++
		}
		out = append(out, record{Value: int32(share), Time: noTime})
	}
	return out
}

func interpretTwo(n *node, a, b []arrived) (out []record) {
	switch n.op {
	case opCoMap:
		for _, r := range a {
			out = append(out, either(r.record, false))
		}
		for _, r := range b {
			out = append(out, either(r.record, true))
		}
	case opCoFlatMap:
		for _, r := range a {
			out = append(out, expand(either(r.record, false), n.arg)...)
		}
		for _, r := range b {
			out = append(out, expand(either(r.record, true), n.arg)...)
		}
	case opCoHold:
		for _, r := range a {
			out = append(out, either(r.record, false))
		}
		for _, r := range b {
			r.Time = noTime
			out = append(out, either(r.record, true))
		}
	case opJoin:
		matches := map[int32][]int32{}
		for _, r := range b {
			matches[r.Key] = append(matches[r.Key], r.Value)
		}
		for _, r := range a {
			for _, other := range matches[r.Key] {
				out = append(out, paired(r.Key, r.Value, other))
			}
		}
	case opCoTotals:
		sums := map[int32]int64{}
		for _, r := range a {
			sums[r.Key] += 5 * int64(r.Value)
		}
		for _, r := range b {
			sums[r.Key] += 1 + int64(r.Value)<<1
		}
		for key, sum := range sums {
			out = append(out, record{Key: key, Value: wrap(sum), Time: noTime})
		}
	}
	return out
}
