package stream

import (
	"fmt"
	"reflect"

	"github.com/weir-stream/weir/runtime/graph"
)

// DataStream is a stream of records of type T in a program under construction.
//
// The methods that return the DataStream set properties of the operator that produces it.
type DataStream[T any] struct {
	env *Environment
	// parts are where the records come from: one, or several in a union.
	parts []part
}

// part is one origin of a stream and how its records reach whoever reads the stream.
type part struct {
	node         *graph.StreamNode
	side         string
	partitioning graph.Partitioning
	// unset says that the program has chosen no partitioning.
	unset    bool
	edgeType graph.EdgeType
}

// streamOf is the main output of a node.
func streamOf[T any](env *Environment, node *graph.StreamNode) DataStream[T] {
	return DataStream[T]{env: env, parts: []part{{node: node, unset: true, edgeType: edge[T]{}}}}
}

// connect makes the edges from a stream to an input of a node.
func (s DataStream[T]) connect(to *graph.StreamNode, input int) {
	for _, p := range s.parts {
		to.Inputs = append(to.Inputs, &graph.StreamEdge{
			From: p.node, To: to, Input: input, SideOutput: p.side, Partitioning: p.partitioning, Unset: p.unset, Type: p.edgeType,
		})
	}
}

// origin is the operator that properties are set on.
func (s DataStream[T]) origin(property string) *graph.StreamNode {
	if len(s.parts) == 1 && s.parts[0].unset && s.parts[0].side == "" {
		return s.parts[0].node
	}
	s.env.problem("%s: set it on the operator itself, right behind the call that makes it, not on a union, a partitioned stream or a side output", property)
	return new(graph.StreamNode)
}

// UID names the operator for good: its state is found by it in later versions of the program. Names are unique in a
// program.
func (s DataStream[T]) UID(uid string) DataStream[T] {
	s.origin("UID " + uid).UID = uid
	return s
}

// Name is what plans, logs and metrics show.
func (s DataStream[T]) Name(name string) DataStream[T] {
	s.origin("Name " + name).Name = name
	return s
}

// Parallelism is the number of subtasks of the operator.
func (s DataStream[T]) Parallelism(parallelism int) DataStream[T] {
	setParallelism(s.env, s.origin("Parallelism"), parallelism)
	return s
}

func setParallelism(env *Environment, node *graph.StreamNode, parallelism int) {
	switch {
	case parallelism < 1:
		env.problem("operator %q: parallelism %d: want at least 1", node.Name, parallelism)
	case node.FixedParallelism && parallelism != node.Parallelism:
		env.problem("operator %q: its parallelism is %d and cannot be set to %d", node.Name, node.Parallelism, parallelism)
	default:
		node.Parallelism = parallelism
	}
}

// MaxParallelism is the number of key groups of the operator's state, an upper bound of its parallelism for ever.
func (s DataStream[T]) MaxParallelism(maxParallelism int) DataStream[T] {
	s.origin("MaxParallelism").MaxParallelism = maxParallelism
	return s
}

// SlotSharingGroup puts the operator, and those behind it that name no group, into slots of that group.
func (s DataStream[T]) SlotSharingGroup(group string) DataStream[T] {
	s.origin("SlotSharingGroup").SlotSharingGroup = group
	return s
}

// StartNewChain keeps the operator from sharing a task with the one before it.
func (s DataStream[T]) StartNewChain() DataStream[T] {
	s.origin("StartNewChain").Chaining = graph.ChainHead
	return s
}

// DisableChaining keeps the operator from sharing a task with any other.
func (s DataStream[T]) DisableChaining() DataStream[T] {
	s.origin("DisableChaining").Chaining = graph.ChainNever
	return s
}

// Union merges streams of one type. Records of each keep their order; between them there is none.
func Union[T any](first DataStream[T], others ...DataStream[T]) DataStream[T] {
	union := DataStream[T]{env: first.env, parts: append([]part(nil), first.parts...)}
	for _, other := range others {
		if other.env != first.env {
			first.env.problem("Union: the streams belong to different programs")
			continue
		}
		union.parts = append(union.parts, other.parts...)
	}
	return union
}

// partitioned returns the stream with another way to the operator behind it.
func (s DataStream[T]) partitioned(by graph.Partitioning, edgeType graph.EdgeType) DataStream[T] {
	out := DataStream[T]{env: s.env, parts: append([]part(nil), s.parts...)}
	for i := range out.parts {
		out.parts[i].partitioning, out.parts[i].unset, out.parts[i].edgeType = by, false, edgeType
	}
	return out
}

// Rebalance deals records to the subtasks of the next operator in turn, evenly.
func (s DataStream[T]) Rebalance() DataStream[T] { return s.partitioned(graph.Rebalance, edge[T]{}) }

// Rescale deals records in turn to those subtasks of the next operator that are nearest, fewer connections than
// Rebalance needs.
func (s DataStream[T]) Rescale() DataStream[T] { return s.partitioned(graph.Rescale, edge[T]{}) }

// Shuffle sends each record to a subtask chosen at random.
func (s DataStream[T]) Shuffle() DataStream[T] { return s.partitioned(graph.Shuffle, edge[T]{}) }

// Broadcast sends each record to every subtask.
func (s DataStream[T]) Broadcast() DataStream[T] { return s.partitioned(graph.Broadcast, edge[T]{}) }

// Global sends all records to the first subtask.
func (s DataStream[T]) Global() DataStream[T] { return s.partitioned(graph.Global, edge[T]{}) }

// Forward sends the records of a subtask to the subtask of the same index, which must exist.
func (s DataStream[T]) Forward() DataStream[T] { return s.partitioned(graph.Forward, edge[T]{}) }

// PartitionCustom sends each record to the subtask that choose returns, from 0 to below subtasks, for its key.
func PartitionCustom[K, T any](s DataStream[T], choose func(key K, subtasks int) int, selector func(T) K) DataStream[T] {
	return s.partitioned(graph.Custom, customEdge[K, T]{choose: choose, selector: selector})
}

// typeName names a type for the fingerprint of the graph.
func typeName[T any]() string {
	t := reflect.TypeFor[T]()
	if t.Name() == "" || t.PkgPath() == "" {
		return t.String()
	}
	return fmt.Sprintf("%s.%s", t.PkgPath(), t.Name())
}
