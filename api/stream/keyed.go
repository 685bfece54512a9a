package stream

import (
	"cmp"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/rolling"
)

// KeyedStream is a stream whose records of equal keys go to one subtask, in their order, where they share state.
type KeyedStream[K comparable, T any] struct {
	stream   DataStream[T]
	selector func(T) K
	key      codec.Key[K]
}

// KeyBy partitions a stream by the key that selector returns. Selector is shared by the subtasks of a process and must
// return the same key for the same record always. The key's type needs a stable encoding: numbers, strings, and structs
// and arrays of these; a NaN is refused when it comes.
func KeyBy[K comparable, T any](s DataStream[T], selector func(T) K) KeyedStream[K, T] {
	key, err := codec.ForKey[K]()
	if err != nil {
		s.env.problem("KeyBy: %w", err)
		return KeyedStream[K, T]{stream: s, selector: selector}
	}
	return KeyedStream[K, T]{
		stream:   s.partitioned(graph.Hash, keyEdge[K, T]{selector: selector, key: key}),
		selector: selector, key: key,
	}
}

// Stream is the keyed stream as a plain one, partitioned by key.
func (s KeyedStream[K, T]) Stream() DataStream[T] { return s.stream }

func (s KeyedStream[K, T]) by() keyed.Stream[K, T] {
	return keyed.Stream[K, T]{Selector: s.selector, Key: s.key}
}

// stateful adds an operator on a keyed stream.
func stateful[K comparable, In, Out any](s KeyedStream[K, In], kind, name string, factory operator.Factory) (*graph.StreamNode, DataStream[Out]) {
	out := transformed[In, Out](s.stream, kind, name, factory)
	node := out.parts[0].node
	node.KeyType = typeName[K]()
	return node, out
}

// Emission says when a rolling aggregate emits.
type Emission = rolling.Emission

// The emissions.
const (
	// EachRecord emits the new result for each record; it is the default.
	EachRecord = rolling.EachRecord
	// AtEnd emits the final result of each key once, when a bounded input has ended.
	AtEnd = rolling.AtEnd
)

// fold adds a rolling aggregate.
func fold[K comparable, In, Acc, Out any](s KeyedStream[K, In], name string, emit []Emission, f rolling.Fold[K, In, Acc, Out]) DataStream[Out] {
	accumulators, ok := aggregateCodec[Acc](s.stream.env, name)
	if !ok {
		return DataStream[Out]{env: s.stream.env, parts: []part{{node: new(graph.StreamNode), unset: true}}}
	}
	f.Stream, f.Accumulators, f.Emit = s.by(), accumulators, emission(emit)
	node, out := stateful[K, In, Out](s, "fold "+name, name, f.Factory())
	node.State = rolling.States(s.key, accumulators)
	return out
}

func aggregateCodec[Acc any](env *Environment, name string) (codec.Codec[Acc], bool) {
	c, err := codec.For[Acc]()
	if err != nil {
		env.problem("%s: %w", name, err)
	}
	return c, err == nil
}

func emission(emit []Emission) Emission {
	if len(emit) == 0 {
		return EachRecord
	}
	return emit[len(emit)-1]
}

// Reduce keeps one record per key: the first, then what reduce returns for it and the next one. It emits that record
// each time, or with AtEnd once.
func Reduce[K comparable, T any](s KeyedStream[K, T], reduce func(a, b T) T, emit ...Emission) DataStream[T] {
	return fold(s, "Reduce", emit, rolling.Fold[K, T, T, T]{
		Add: func(acc *T, fresh bool, in *T) {
			if fresh {
				*acc = *in
				return
			}
			*acc = reduce(*acc, *in)
		},
		Result: func(_ K, acc *T) T { return *acc },
	})
}

// Number is what can be summed up.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Sum adds up the field that field points to; the record's other fields are those of the key's first record.
func Sum[K comparable, T any, N Number](s KeyedStream[K, T], field func(*T) *N, emit ...Emission) DataStream[T] {
	return rollField(s, "Sum", emit, field, func(acc *N, in N) { *acc += in })
}

// Min keeps the least value of the field that field points to; the record's other fields are those of the key's first
// record.
func Min[K comparable, T any, N cmp.Ordered](s KeyedStream[K, T], field func(*T) *N, emit ...Emission) DataStream[T] {
	return rollField(s, "Min", emit, field, func(acc *N, in N) { *acc = min(*acc, in) })
}

// Max keeps the greatest value of the field that field points to; the record's other fields are those of the key's
// first record.
func Max[K comparable, T any, N cmp.Ordered](s KeyedStream[K, T], field func(*T) *N, emit ...Emission) DataStream[T] {
	return rollField(s, "Max", emit, field, func(acc *N, in N) { *acc = max(*acc, in) })
}

func rollField[K comparable, T, N any](s KeyedStream[K, T], name string, emit []Emission, field func(*T) *N, roll func(acc *N, in N)) DataStream[T] {
	return fold(s, name, emit, rolling.Fold[K, T, T, T]{
		Add: func(acc *T, fresh bool, in *T) {
			if fresh {
				*acc = *in
				return
			}
			roll(field(acc), *field(in))
		},
		Result: func(_ K, acc *T) T { return *acc },
	})
}

// Tie says which record MinBy and MaxBy keep when several have the extreme value.
type Tie uint8

// The ties.
const (
	// First keeps the record that came first; it is the default.
	First Tie = iota
	// Last keeps the record that came last.
	Last
)

// MinBy keeps the whole record with the least value.
func MinBy[K comparable, T any, N cmp.Ordered](s KeyedStream[K, T], value func(T) N, tie Tie, emit ...Emission) DataStream[T] {
	return rollRecord(s, "MinBy", emit, func(kept, in T) bool {
		c := cmp.Compare(value(in), value(kept))
		return c < 0 || c == 0 && tie == Last
	})
}

// MaxBy keeps the whole record with the greatest value.
func MaxBy[K comparable, T any, N cmp.Ordered](s KeyedStream[K, T], value func(T) N, tie Tie, emit ...Emission) DataStream[T] {
	return rollRecord(s, "MaxBy", emit, func(kept, in T) bool {
		c := cmp.Compare(value(in), value(kept))
		return c > 0 || c == 0 && tie == Last
	})
}

func rollRecord[K comparable, T any](s KeyedStream[K, T], name string, emit []Emission, better func(kept, in T) bool) DataStream[T] {
	return fold(s, name, emit, rolling.Fold[K, T, T, T]{
		Add: func(acc *T, fresh bool, in *T) {
			if fresh || better(*acc, *in) {
				*acc = *in
			}
		},
		Result: func(_ K, acc *T) T { return *acc },
	})
}

// KeyCount is a key and how many records had it.
type KeyCount[K comparable] struct {
	Key   K
	Count int64
}

// Count counts the records of each key.
func Count[K comparable, T any](s KeyedStream[K, T], emit ...Emission) DataStream[KeyCount[K]] {
	counts, _ := aggregateCodec[int64](s.stream.env, "Count")
	result := func(key K, count int64) KeyCount[K] { return KeyCount[K]{key, count} }
	node, out := stateful[K, T, KeyCount[K]](s, "count", "Count", rolling.Count(s.by(), counts, result, emission(emit)))
	node.State = rolling.States(s.key, counts)
	return out
}
