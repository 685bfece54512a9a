package randomgraph

import (
	"fmt"

	"github.com/weir-stream/weir/api/stream"
)

// keyedType builds steps on streams of one record type, keyed by one key type.
type keyedType interface {
	// hashed partitions a stream by key and leaves it a plain one.
	hashed(s any) any
	step(s any, n *node) any
	// two builds a step on a second stream, too, which is of flat records.
	two(first, second any, n *node) any
}

var keyedTypes = [kinds][keyKinds]keyedType{
	flatKind: {
		intKey:   withField(keyed(flatDress(), intKeying()), flatValue),
		floatKey: withField(keyed(flatDress(), floatKeying()), flatValue),
	},
	textKind: {
		textKey: withField(keyed(textDress(), textKeying()), textValue),
		pairKey: withField(keyed(textDress(), pairKeying()), textValue),
	},
	lineKind:   {textKey: keyed(lineDress(), textKeying()), bytesKey: keyed(lineDress(), bytesKeying())},
	packedKind: {intKey: keyed(packedDress(), intKeying()), bytesKey: keyed(packedDress(), bytesKeying())},
	nestedKind: {pairKey: keyed(nestedDress(), pairKeying())},
}

func flatValue(f *flat) *int32 { return &f.Value }
func textValue(t *text) *int64 { return &t.Value }

type keyedSteps[K comparable, T any] struct {
	dress[T]
	keying[K]
	// onField builds sums, minima and maxima, where the type has a field for them.
	onField func(s stream.KeyedStream[K, T], o op) stream.DataStream[T]
}

func keyed[K comparable, T any](d dress[T], k keying[K]) keyedSteps[K, T] {
	return keyedSteps[K, T]{dress: d, keying: k}
}

func withField[K comparable, T any, N int32 | int64](k keyedSteps[K, T], field func(*T) *N) keyedSteps[K, T] {
	k.onField = func(s stream.KeyedStream[K, T], o op) stream.DataStream[T] {
		switch o {
		case opSumEach:
			return stream.Sum(s, field)
		case opSumEnd:
			return stream.Sum(s, field, stream.AtEnd)
		case opMinEach:
			return stream.Min(s, field)
		case opMinEnd:
			return stream.Min(s, field, stream.AtEnd)
		case opMaxEach:
			return stream.Max(s, field)
		default:
			return stream.Max(s, field, stream.AtEnd)
		}
	}
	return k
}

func (k keyedSteps[K, T]) selector(value T) K { return k.of(k.bare(value)) }

func (k keyedSteps[K, T]) by(s any) stream.KeyedStream[K, T] {
	return stream.KeyBy(s.(stream.DataStream[T]), k.selector)
}

func (k keyedSteps[K, T]) hashed(s any) any { return k.by(s).Stream() }

func (k keyedSteps[K, T]) step(s any, n *node) any {
	keyed := k.by(s)
	switch n.op {
	case opCountEach:
		return k.counted(stream.Count(keyed), n)
	case opCountEnd:
		return k.counted(stream.Count(keyed, stream.AtEnd), n)
	case opSumEach, opSumEnd, opMinEach, opMinEnd, opMaxEach, opMaxEnd:
		return properties(k.onField(keyed, n.op), n)
	case opMinByEach, opMinByEnd, opMaxByEach, opMaxByEnd:
		return properties(k.extreme(keyed, n), n)
	case opReduceEach:
		return properties(stream.Reduce(keyed, k.both(reduced)), n)
	case opReduceEnd:
		return properties(stream.Reduce(keyed, k.both(reduced), stream.AtEnd), n)
	case opReduceAnyEnd:
		return properties(stream.Reduce(keyed, k.both(merged), stream.AtEnd), n)
	}
	return properties(k.process(keyed, n), n)
}

// counted turns counts back into records, in a map of the same parallelism.
func (k keyedSteps[K, T]) counted(counts stream.DataStream[stream.KeyCount[K]], n *node) any {
	rename := stream.Map(properties(counts, n), func(c stream.KeyCount[K]) T {
		return k.wear(record{Key: k.back(c.Key), Value: wrap(c.Count)})
	})
	return rename.Parallelism(n.parallelism).Name(fmt.Sprintf("counted %d", n.id))
}

func (k keyedSteps[K, T]) extreme(s stream.KeyedStream[K, T], n *node) stream.DataStream[T] {
	value := func(v T) int64 { return extreme(k.bare(v), n.arg) }
	tie := stream.First
	if n.arg == 1 {
		tie = stream.Last
	}
	switch n.op {
	case opMinByEach:
		return stream.MinBy(s, value, tie)
	case opMinByEnd:
		return stream.MinBy(s, value, tie, stream.AtEnd)
	case opMaxByEach:
		return stream.MaxBy(s, value, tie)
	default:
		return stream.MaxBy(s, value, tie, stream.AtEnd)
	}
}

// both lifts a function of two records.
func (d dress[T]) both(function func(a, b record) record) func(a, b T) T {
	return func(a, b T) T { return d.wear(function(d.bare(a), d.bare(b))) }
}

func (k keyedSteps[K, T]) process(s stream.KeyedStream[K, T], n *node) stream.DataStream[T] {
	base := stateful[K, T]{dress: k.dress, keying: k.keying, arg: n.arg}
	switch n.op {
	case opValueEach:
		return stream.Process[K, T, T](s, func() *valueFunction[K, T] { return &valueFunction[K, T]{stateful: base} })
	case opTextValueEach:
		return stream.Process[K, T, T](s, func() *textFunction[K, T] { return &textFunction[K, T]{stateful: base} })
	case opListEach:
		return stream.Process[K, T, T](s, func() *listFunction[K, T] { return &listFunction[K, T]{stateful: base} })
	case opListEnd:
		return stream.Process[K, T, T](s, func() *listEndFunction[K, T] { return &listEndFunction[K, T]{stateful: base} })
	case opMapEach:
		return stream.Process[K, T, T](s, func() *mapFunction[K, T] { return &mapFunction[K, T]{stateful: base} })
	case opDistinct:
		return stream.Process[K, T, T](s, func() *distinctFunction[K, T] { return &distinctFunction[K, T]{stateful: base} })
	case opReducingEach:
		return stream.Process[K, T, T](s, func() *reducingFunction[K, T] { return newReducing(base) })
	case opReducingEnd:
		return stream.Process[K, T, T](s, func() *reducingEndFunction[K, T] { return newReducingEnd(base) })
	case opAggregatingEach:
		return stream.Process[K, T, T](s, func() *aggregatingFunction[K, T] { return newAggregating(base) })
	case opAggregatingEnd:
		return stream.Process[K, T, T](s, func() *aggregatingEndFunction[K, T] {
			return &aggregatingEndFunction[K, T]{*newAggregating(base)}
		})
	case opManyEnd:
		return stream.Process[K, T, T](s, func() *manyFunction[K, T] { return newMany(base) })
	}
	panic("no program for " + n.op.String())
}

func (k keyedSteps[K, T]) two(first, second any, n *node) any {
	flats := keyedSteps[K, flat]{dress: flatDress(), keying: k.keying}
	c := stream.ConnectKeyed(k.by(first), flats.by(second))
	base := stateful[K, T]{dress: k.dress, keying: k.keying, arg: n.arg}
	if n.op == opJoin {
		return properties(stream.KeyedCoProcess[K, T, flat, T](c, func() *joinFunction[K, T] { return &joinFunction[K, T]{stateful: base} }), n)
	}
	return properties(stream.KeyedCoProcess[K, T, flat, T](c, func() *totalsFunction[K, T] { return &totalsFunction[K, T]{stateful: base} }), n)
}
