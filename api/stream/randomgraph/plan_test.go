package randomgraph

import (
	"fmt"
	"strings"
)

// plan is a program in the form that generation, interpretation and shrinking work on.
type plan struct {
	seed     uint64
	settings settings
	nodes    []*node // each behind those it reads
}

// settings are the job's: those of the batches, and what operators get that choose nothing.
type settings struct {
	parallelism, maxParallelism int // maxParallelism 0: the default
	minBatch, maxBatch, credits int
	bufferTimeout, batchWork    string
	chaining, objectReuse       bool
}

// properties returns the settings as key=value.
func (s settings) properties() []string {
	properties := []string{
		fmt.Sprintf("weir.batch.min-records=%d", s.minBatch),
		fmt.Sprintf("weir.batch.max-records=%d", s.maxBatch),
		fmt.Sprintf("weir.batch.target-duration=%s", s.batchWork),
		fmt.Sprintf("taskmanager.network.memory.buffers-per-channel=%d", s.credits),
		fmt.Sprintf("execution.buffer-timeout.interval=%s", s.bufferTimeout),
		fmt.Sprintf("pipeline.operator-chaining.enabled=%t", s.chaining),
		fmt.Sprintf("pipeline.object-reuse=%t", s.objectReuse),
	}
	if s.maxParallelism > 0 {
		properties = append(properties, fmt.Sprintf("pipeline.max-parallelism=%d", s.maxParallelism))
	}
	return properties
}

// node is one step of a plan.
type node struct {
	id   int
	op   op
	kind kind    // of what it emits
	key  keyKind // of a keyed step, and of hash edges to others
	arg  int     // what the step's function depends on
	// inputs has for each input the streams that are united in it.
	inputs [][]edge

	parallelism    int
	maxParallelism int // 0: the job's
	explicit       bool
	group          string
	chaining       chaining
	uid            bool

	records []record // of a source
	timed   bool     // a source gives its records event times
}

// edge is a stream and how it reaches its reader.
type edge struct {
	from *node
	by   partitioning
}

type chaining int

const (
	chainAlways chaining = iota
	chainHead
	chainNever
)

type partitioning int

const (
	unset partitioning = iota
	forward
	hash
	rebalance
	rescale
	shuffle
	broadcast
	global
	custom
	partitionings
)

func (p partitioning) String() string {
	return [partitionings]string{"unset", "forward", "hash", "rebalance", "rescale", "shuffle", "broadcast", "global", "custom"}[p]
}

// resolved returns what an edge to a reader of the given parallelism does where the program leaves it open.
func (e edge) resolved(parallelism int) partitioning {
	switch {
	case e.by != unset:
		return e.by
	case e.from.parallelism == parallelism:
		return forward
	default:
		return rebalance
	}
}

// customTarget is the partitioner of custom edges.
func customTarget(key int32, subtasks int) int { return int(key) % subtasks }

func (p *plan) sinks() (sinks []*node) {
	for _, n := range p.nodes {
		if n.op == opSink {
			sinks = append(sinks, n)
		}
	}
	return sinks
}

// readers counts the edges that leave each node.
func (p *plan) readers() map[*node]int {
	readers := map[*node]int{}
	for _, n := range p.nodes {
		for _, input := range n.inputs {
			for _, e := range input {
				readers[e.from]++
			}
		}
	}
	return readers
}

// String writes the plan a line a node.
func (p *plan) String() string {
	var b strings.Builder
	s := p.settings
	fmt.Fprintf(&b, "seed %d: parallelism %d, max %d, batches %d..%d of %s, credits %d, buffer timeout %s, chaining %t, object reuse %t\n",
		p.seed, s.parallelism, s.maxParallelism, s.minBatch, s.maxBatch, s.batchWork, s.credits, s.bufferTimeout, s.chaining, s.objectReuse)
	for _, n := range p.nodes {
		fmt.Fprintf(&b, "  %s\n", n)
	}
	return b.String()
}

func (n *node) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%2d %s(%d)", n.id, n.op, n.arg)
	if n.op.spec().keyed {
		fmt.Fprintf(&b, " by %s", n.key)
	}
	fmt.Fprintf(&b, " of %s, parallelism %d", n.kind, n.parallelism)
	if n.maxParallelism > 0 {
		fmt.Fprintf(&b, " of at most %d", n.maxParallelism)
	}
	if n.chaining != chainAlways {
		b.WriteString([]string{"", ", head of a chain", ", never chained"}[n.chaining])
	}
	if n.group != "" {
		fmt.Fprintf(&b, ", slots %s", n.group)
	}
	if n.op.spec().inputs == 0 {
		fmt.Fprintf(&b, ", %d records, event times %t", len(n.records), n.timed)
	}
	for i, input := range n.inputs {
		b.WriteString([]string{" <- ", " and "}[i])
		for j, e := range input {
			if j > 0 {
				b.WriteString(" + ")
			}
			fmt.Fprintf(&b, "%d %s", e.from.id, e.by)
			if e.by == hash && !n.op.spec().keyed {
				fmt.Fprintf(&b, " by %s", n.key)
			}
		}
	}
	return b.String()
}
