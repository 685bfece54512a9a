package graph

import (
	"github.com/weir-stream/weir/state/keygroup"
)

// DefaultSlotSharingGroup is the group of operators that were given none and inherit none.
const DefaultSlotSharingGroup = "default"

// resolveParallelism decides how many subtasks and key groups each operator has.
func (p *program) resolveParallelism() error {
	var wrong problems
	for _, n := range p.nodes {
		n.parallelism = n.Parallelism
		switch {
		case n.FixedParallelism && n.Parallelism > 1:
			wrong.add("operator %q cannot run in parallel, but its parallelism is set to %d: leave it at 1, and put stream.Rebalance behind it to spread its records",
				n.name, n.Parallelism)
			continue
		case n.FixedParallelism:
			n.parallelism = 1
		case n.ParallelismLimit > 0 && n.Parallelism > n.ParallelismLimit:
			wrong.add("operator %q can have a parallelism of %d at most, but %d is set: lower it, and put stream.Rebalance behind it to spread its records",
				n.name, n.ParallelismLimit, n.Parallelism)
			continue
		case n.parallelism == 0:
			n.parallelism = max(p.options.DefaultParallelism, 1)
			if n.ParallelismLimit > 0 {
				n.parallelism = min(n.parallelism, n.ParallelismLimit)
			}
		}
		n.maxParallelism = n.MaxParallelism
		if n.maxParallelism == 0 {
			n.maxParallelism = p.options.DefaultMaxParallelism
		}
		n.maxParallelismSet = n.maxParallelism > 0
		if n.maxParallelism <= 0 && n.MaxParallelism == 0 {
			n.maxParallelism = keygroup.DefaultMaxParallelism(n.parallelism)
		}
		if err := keygroup.CheckMaxParallelism(n.maxParallelism, n.parallelism); err != nil {
			wrong.add("operator %q: %w", n.name, err)
		}
	}
	return wrong.err()
}

// resolvePartitioning decides the partitionings that the program left open, and checks the forward ones.
func (p *program) resolvePartitioning() error {
	var wrong problems
	for _, n := range p.nodes {
		for _, e := range n.in {
			equal := e.from.parallelism == e.to.parallelism
			e.partitioning = e.Partitioning
			switch {
			case e.Unset && equal:
				e.partitioning = Forward
			case e.Unset:
				e.partitioning = Rebalance
			case e.Partitioning == Forward && !equal:
				wrong.add("%s: forward needs the same parallelism at both ends, but it is %d and %d: set them equal, or use stream.Rebalance or stream.Rescale",
					e, e.from.parallelism, e.to.parallelism)
			}
		}
	}
	return wrong.err()
}

// resolveSlotSharing lets operators inherit the slot sharing group in which all their inputs are, as Flink does.
func (p *program) resolveSlotSharing() error {
	for _, n := range p.nodes {
		n.group = n.SlotSharingGroup
		if n.group == "" {
			n.group = inheritedGroup(n.in)
		}
	}
	return nil
}

func inheritedGroup(in []*edge) string {
	if len(in) == 0 {
		return DefaultSlotSharingGroup
	}
	group := in[0].from.group
	for _, e := range in {
		if e.from.group != group {
			return DefaultSlotSharingGroup
		}
	}
	return group
}
