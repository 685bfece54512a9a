package randomgraph

import (
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/state"
)

// joinFunction emits each pair of records of the two streams once, in an order that depends on which comes first.
type joinFunction[K comparable, T any] struct {
	stateful[K, T]
	First  state.List[int32]
	Second state.List[int32]
}

func (f *joinFunction[K, T]) Process1(ctx *stream.KeyedContext[K], in T, out stream.Collector[T]) error {
	value := f.bare(in).Value
	f.First.Add(value)
	for other := range f.Second.Get() {
		f.pair(ctx, value, other, out)
	}
	return nil
}

func (f *joinFunction[K, T]) Process2(ctx *stream.KeyedContext[K], in flat, out stream.Collector[T]) error {
	f.Second.Add(in.Value)
	for other := range f.First.Get() {
		f.pair(ctx, other, in.Value, out)
	}
	return nil
}

func (f *joinFunction[K, T]) pair(ctx *stream.KeyedContext[K], a, b int32, out stream.Collector[T]) {
	r := paired(f.back(ctx.Key()), a, b)
	out.CollectAt(f.wear(r), r.Time)
}

// totalsFunction adds up both streams in one state.
type totalsFunction[K comparable, T any] struct {
	stateful[K, T]
	Sum state.Value[int64]
}

func (f *totalsFunction[K, T]) Process1(_ *stream.KeyedContext[K], in T, _ stream.Collector[T]) error {
	f.Sum.Update(func(sum *int64) { *sum += 5 * int64(f.bare(in).Value) })
	return nil
}

func (f *totalsFunction[K, T]) Process2(_ *stream.KeyedContext[K], in flat, _ stream.Collector[T]) error {
	f.Sum.Update(func(sum *int64) { *sum += 1 + 2*int64(in.Value) })
	return nil
}

func (f *totalsFunction[K, T]) Finish(ctx *stream.KeyedContext[K], out stream.Collector[T]) error {
	ctx.ForEachKey(func(K) bool {
		sum, _ := f.Sum.Get()
		return f.give(ctx, out, wrap(sum), 0) == nil
	})
	return nil
}
