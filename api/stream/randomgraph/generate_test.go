package randomgraph

import (
	"math/rand/v2"
	"slices"
)

// mostRecords bounds what one node of a plan emits, and mostSubtasks all of its nodes together.
const (
	mostRecords  = 6000
	mostSubtasks = 45
)

// generator makes one plan, node by node. What is promised of each stream and what it holds is known while the plan
// grows, so that no step is added whose result would not be determined, or too large.
type generator struct {
	*rand.Rand
	plan    *plan
	of      map[*node]promise
	streams map[*node][]record
	readers map[*node]int
	most    int
	groups  bool
}

// generate makes the plan of a seed.
func generate(seed uint64) *plan {
	g := &generator{
		Rand: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)), plan: &plan{seed: seed}, most: mostRecords,
		of: map[*node]promise{}, streams: map[*node][]record{}, readers: map[*node]int{},
	}
	manyKeys := g.chance(3)
	g.chooseSettings(manyKeys)
	g.groups = g.chance(15)
	if manyKeys {
		g.most = 40_000
		g.addSource(5000+g.IntN(25_000), 0)
	} else {
		for range 1 + g.IntN(3) {
			records := g.sourceSize()
			g.addSource(records, 1+g.IntN(max(1, records)))
		}
	}
	steps := []func(){g.addStep, g.addStep}
	if g.chance(70) {
		steps = append(steps, g.addFanOut, g.addUnion, g.addKeyed, g.addKeyed)
	}
	if !manyKeys {
		for range g.IntN(7) {
			steps = append(steps, g.addStep)
		}
	}
	g.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	for _, step := range steps {
		step()
	}
	g.addSinks()
	return g.plan
}

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) chooseSettings(manyKeys bool) {
	s := settings{
		parallelism: g.parallelism(), minBatch: pick(g, 1, 1, 2, 7, 32), batchWork: pick(g, "10us", "1ms", "1ms"),
		credits: 1 + g.IntN(4), bufferTimeout: pick(g, "0ms", "1ms", "100ms"), chaining: !g.chance(25), objectReuse: !g.chance(40),
	}
	s.maxBatch = max(s.minBatch, pick(g, 1, 2, 3, 8, 33, 100, 1024, 1024))
	if g.chance(30) {
		s.maxParallelism = 7 + g.IntN(60)
	}
	if manyKeys { // many keys in each key group, and no job of a thousand batches of one record
		s.maxParallelism, s.maxBatch = 7, max(s.maxBatch, 33)
	}
	g.plan.settings = s
}

func (g *generator) parallelism() int { return pick(g, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7) }

func (g *generator) sourceSize() int {
	switch d := g.IntN(100); {
	case d < 3:
		return 0
	case d < 18:
		return 1 + g.IntN(10)
	case d < 70:
		return 10 + g.IntN(290)
	default:
		return 300 + g.IntN(2200)
	}
}

// addSource adds a source of records with that many keys, 0 for keys that differ.
func (g *generator) addSource(records, keys int) {
	n := &node{op: opCollection, kind: kind(g.IntN(int(kinds))), parallelism: 1, timed: g.chance(35)}
	if g.chance(30) {
		n.op, n.parallelism, n.explicit = opGenerator, g.parallelism(), true
	}
	for i := range records {
		r := record{Key: int32(i), Value: int32(g.IntN(1<<12) - 1<<11), Mark: uint16(g.IntN(1 << 16)), Time: noTime}
		if keys > 0 {
			r.Key = int32(g.IntN(keys))
		}
		if n.timed {
			r.Time = sourceTime(r)
		}
		n.records = append(n.records, r)
	}
	g.try(n)
}

// sourceTime is the event time that a source gives to a record.
func sourceTime(r record) int64 { return int64(scramble(int64(r.Key), int64(r.Value)) % 1_000_000) }

// try adds a node if its result is determined and small enough.
func (g *generator) try(n *node) bool {
	promise, err := n.promised(g.of)
	if err != nil || g.subtasks()+n.parallelism > mostSubtasks || g.expected(n) > g.most {
		return false
	}
	out := interpretNode(n, g.streams)
	if len(out) > g.most {
		return false
	}
	n.id = len(g.plan.nodes) + 1
	g.plan.nodes = append(g.plan.nodes, n)
	g.of[n], g.streams[n] = promise, out
	for _, input := range n.inputs {
		for _, e := range input {
			g.readers[e.from]++
		}
	}
	return true
}

func (g *generator) subtasks() (all int) {
	for _, n := range g.plan.nodes {
		all += n.parallelism
	}
	return all
}

// expected is how many records a node would emit at most, so that too large a result is not made first.
func (g *generator) expected(n *node) (most int) {
	for _, input := range n.inputs {
		for _, e := range input {
			copies := 1
			if e.by == broadcast {
				copies = n.parallelism
			}
			most += copies * len(g.streams[e.from])
		}
	}
	switch n.op {
	case opBurst, opScatter:
		most *= n.arg
	case opJoin:
		perKey := map[int32]int{}
		for _, r := range arrivals(n, 0, g.streams) {
			perKey[r.Key]++
		}
		for _, r := range arrivals(n, 1, g.streams) {
			most += perKey[r.Key]
		}
	}
	return most
}

// stream picks a stream to go on from: mostly one that nobody reads yet.
func (g *generator) stream() *node {
	if g.chance(75) {
		if ends := g.ends(); len(ends) > 0 {
			return pick(g, ends...)
		}
	}
	return pick(g, g.plan.nodes...)
}

func (g *generator) ends() (ends []*node) {
	for _, n := range g.plan.nodes {
		if g.readers[n] == 0 {
			ends = append(ends, n)
		}
	}
	return ends
}

// addStep adds a step of any kind behind some stream.
func (g *generator) addStep() {
	from := g.stream()
	if g.chance(15) {
		g.addUnion()
		return
	}
	g.addAfter([]*node{from}, func(opSpec) bool { return true })
}

// addKeyed adds a keyed step.
func (g *generator) addKeyed() {
	g.addAfter([]*node{g.stream()}, func(s opSpec) bool { return s.keyed })
}

// addFanOut adds two steps behind one stream.
func (g *generator) addFanOut() {
	from := g.stream()
	for range 2 {
		g.addAfter([]*node{from}, func(s opSpec) bool { return s.inputs == 1 })
	}
}

// addUnion adds a step behind two or three streams, which often are given different keys first so that the order of
// each key outlives the union.
func (g *generator) addUnion() {
	n := 2 + g.IntN(2)
	kind := g.stream().kind
	tagged := g.chance(65)
	var parts []*node
	for i := range n {
		part := g.as(kind, g.stream())
		if tagged {
			t := &node{op: opTag, kind: kind, arg: n*16 + i, inputs: [][]edge{{{part, unset}}}, parallelism: part.parallelism}
			g.chooseProperties(t)
			if !g.try(t) {
				tagged = false
			} else {
				part = t
			}
		}
		parts = append(parts, part)
	}
	g.addAfter(parts, func(opSpec) bool { return true })
}

// as returns a stream of another type with the same records.
func (g *generator) as(k kind, from *node) *node {
	if from.kind == k {
		return from
	}
	n := &node{op: opConvert, kind: k, inputs: [][]edge{{{from, unset}}}, parallelism: from.parallelism}
	g.chooseProperties(n)
	if !g.try(n) {
		n.parallelism = 1
		n.explicit = true
		if !g.try(n) {
			return g.cheapConvert(k, from)
		}
	}
	return n
}

// cheapConvert converts although the plan is full.
func (g *generator) cheapConvert(k kind, from *node) *node {
	most := g.most
	defer func() { g.most = most }()
	g.most = 1 << 30
	n := &node{op: opConvert, kind: k, inputs: [][]edge{{{from, unset}}}, parallelism: 1, explicit: true}
	n.id = len(g.plan.nodes) + 1
	promise, err := n.promised(g.of)
	if err != nil {
		panic(err)
	}
	g.plan.nodes = append(g.plan.nodes, n)
	g.of[n], g.streams[n] = promise, interpretNode(n, g.streams)
	g.readers[from]++
	return n
}

// addAfter adds a step that reads the union of some streams, if one of a few that it tries fits.
func (g *generator) addAfter(parts []*node, wanted func(opSpec) bool) {
	for range 12 {
		o := g.chooseOp(wanted, parts[0].kind)
		n := &node{op: o, kind: parts[0].kind, parallelism: g.parallelismAfter(parts)}
		s := o.spec()
		n.arg = s.args[0] + g.IntN(s.args[1]-s.args[0]+1)
		n.key = pick(g, keysOf[n.kind]...)
		n.inputs = append(n.inputs, g.edges(n, parts))
		if s.inputs == 2 {
			second := g.stream()
			if s.keyed || !connects(n.kind, second.kind) {
				second = g.as(flatKind, second)
			}
			n.inputs = append(n.inputs, g.edges(n, []*node{second}))
		}
		if o == opConvert {
			n.kind = kind(g.IntN(int(kinds)))
		}
		g.chooseProperties(n)
		if g.try(n) {
			return
		}
	}
}

func (g *generator) chooseOp(wanted func(opSpec) bool, k kind) op {
	all := 0
	fits := func(s opSpec) bool { return s.weight > 0 && wanted(s) && (k.numeric() || !s.numeric) }
	for _, s := range specs {
		if fits(s) {
			all += s.weight
		}
	}
	at := g.IntN(all)
	for o, s := range specs {
		if !fits(s) {
			continue
		}
		if at -= s.weight; at < 0 {
			return op(o)
		}
	}
	panic("unreachable")
}

func (g *generator) parallelismAfter(parts []*node) int {
	if g.chance(55) {
		return parts[0].parallelism
	}
	return g.parallelism()
}

// edges chooses how streams reach a node: mostly all in the same way.
func (g *generator) edges(n *node, parts []*node) (edges []edge) {
	by := g.partitioning(n)
	for _, part := range parts {
		if g.chance(15) && !n.isKeyed() {
			by = g.partitioning(n)
		}
		e := edge{part, by}
		if by == forward && part.parallelism != n.parallelism {
			e.by = unset
		}
		if by == hash && !n.isKeyed() && !slices.Contains(keysOf[part.kind], n.key) {
			e.by = custom
		}
		edges = append(edges, e)
	}
	return edges
}

func (g *generator) partitioning(n *node) partitioning {
	switch {
	case n.isKeyed():
		return hash
	case n.op == opStamp:
		return pick(g, broadcast, global, custom, custom, unset)
	case n.op == opEven:
		return pick(g, rebalance, rescale)
	case g.chance(50):
		return unset
	}
	return partitioning(g.IntN(int(partitionings)))
}

func (g *generator) chooseProperties(n *node) {
	n.explicit = n.parallelism != g.plan.settings.parallelism || g.chance(30)
	if g.chance(12) && n.op != opSink {
		n.maxParallelism = n.parallelism + pick(g, 0, 1, 5, 120)
	}
	if g.groups && g.chance(25) {
		n.group = pick(g, "first", "second")
	}
	switch {
	case g.chance(6) && n.op != opSink:
		n.chaining = chainHead
	case g.chance(6):
		n.chaining = chainNever
	}
	n.uid = n.op != opSink && g.chance(20)
}

// addSinks ends every stream that nobody reads, and now and then another one.
func (g *generator) addSinks() {
	for _, from := range append([]*node(nil), g.plan.nodes...) {
		if g.readers[from] > 0 && !g.chance(8) {
			continue
		}
		n := &node{op: opSink, kind: from.kind, parallelism: g.parallelismAfter([]*node{from}), key: keysOf[from.kind][0]}
		n.inputs = [][]edge{g.edges(n, []*node{from})}
		g.chooseProperties(n)
		if g.try(n) {
			continue
		}
		n = &node{op: opSink, kind: from.kind, parallelism: 1, explicit: true, inputs: [][]edge{{{from, unset}}}}
		n.id = len(g.plan.nodes) + 1
		g.plan.nodes = append(g.plan.nodes, n)
	}
}
