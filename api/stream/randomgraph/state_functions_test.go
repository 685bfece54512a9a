package randomgraph

import (
	"strconv"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/state"
)

// stateful is what the process functions with state have in common.
type stateful[K comparable, T any] struct {
	dress[T]
	keying[K]
	arg int
}

// give emits a record of the current key.
func (f *stateful[K, T]) give(ctx *stream.KeyedContext[K], out stream.Collector[T], value int32, mark uint16) error {
	out.Collect(f.wear(record{Key: f.back(ctx.Key()), Value: value, Mark: mark}))
	return nil
}

type valueFunction[K comparable, T any] struct {
	stateful[K, T]
	Sum state.Value[int64]
}

func (f *valueFunction[K, T]) Process(ctx *stream.KeyedContext[K], in T, out stream.Collector[T]) error {
	r := f.bare(in)
	sum, _ := f.Sum.Get()
	sum = folded(sum, r.Value)
	switch {
	case sum%int64(f.arg) == 0:
		f.Sum.Clear()
	case r.Mark%2 == 0:
		f.Sum.Set(sum)
	default:
		f.Sum.Update(func(value *int64) { *value = sum })
	}
	return f.give(ctx, out, wrap(sum), r.Mark)
}

type textFunction[K comparable, T any] struct {
	stateful[K, T]
	Before state.Value[string] `state:"before"`
}

func (f *textFunction[K, T]) Process(ctx *stream.KeyedContext[K], in T, out stream.Collector[T]) error {
	before, _ := f.Before.Get()
	f.Before.Set(strconv.Itoa(int(f.bare(in).Value)))
	return f.give(ctx, out, int32(len(before)), uint16(hashText(before)))
}

type listFunction[K comparable, T any] struct {
	stateful[K, T]
	Values state.List[int32]
}

func (f *listFunction[K, T]) Process(ctx *stream.KeyedContext[K], in T, out stream.Collector[T]) error {
	f.Values.Add(f.bare(in).Value)
	number, length := f.read()
	if length < f.arg {
		return nil
	}
	f.Values.Clear()
	return f.give(ctx, out, number, uint16(length))
}

func (f *listFunction[K, T]) read() (number int32, length int) {
	var all int64
	for value := range f.Values.Get() {
		all = folded(all, value)
		length++
	}
	return wrap(all), length
}

func (f *listFunction[K, T]) Finish(ctx *stream.KeyedContext[K], out stream.Collector[T]) error {
	ctx.ForEachKey(func(K) bool {
		number, length := f.read()
		return f.give(ctx, out, number, uint16(length)) == nil
	})
	return nil
}

type listEndFunction[K comparable, T any] struct {
	stateful[K, T]
	Values state.List[int32]
}

func (f *listEndFunction[K, T]) Process(_ *stream.KeyedContext[K], in T, _ stream.Collector[T]) error {
	f.Values.Add(f.bare(in).Value)
	return nil
}

func (f *listEndFunction[K, T]) Finish(ctx *stream.KeyedContext[K], out stream.Collector[T]) error {
	ctx.ForEachKey(func(K) bool {
		for _, value := range f.Values.Slice() {
			f.give(ctx, out, value, 0)
		}
		return true
	})
	return nil
}

type mapFunction[K comparable, T any] struct {
	stateful[K, T]
	Counts state.Map[string, int64]
}

func (f *mapFunction[K, T]) Process(ctx *stream.KeyedContext[K], in T, out stream.Collector[T]) error {
	rest := strconv.Itoa(modulo(f.bare(in).Value, f.arg))
	count, _ := f.Counts.Get(rest)
	count++
	if count == 3 {
		f.Counts.Remove(rest)
	} else {
		f.Counts.Put(rest, count)
	}
	return f.give(ctx, out, int32(count), 0)
}

func (f *mapFunction[K, T]) Finish(ctx *stream.KeyedContext[K], out stream.Collector[T]) error {
	ctx.ForEachKey(func(K) bool {
		var all int64
		for rest, count := range f.Counts.All() {
			n, err := strconv.Atoi(rest)
			if err != nil {
				panic(err)
			}
			all = all*7 + int64(n)*10 + count
		}
		return f.give(ctx, out, wrap(all), uint16(f.Counts.Len())) == nil
	})
	return nil
}

func modulo(value int32, by int) int { return (int(value)%by + by) % by }

type distinctFunction[K comparable, T any] struct {
	stateful[K, T]
	Seen state.Map[int32, bool]
}

func (f *distinctFunction[K, T]) Process(ctx *stream.KeyedContext[K], in T, out stream.Collector[T]) error {
	rest := int32(modulo(f.bare(in).Value, f.arg))
	if f.Seen.Contains(rest) {
		return nil
	}
	f.Seen.Put(rest, true)
	out.CollectAt(f.wear(record{Key: f.back(ctx.Key()), Value: rest}), int64(rest))
	return nil
}

type reducingFunction[K comparable, T any] struct {
	stateful[K, T]
	State state.Reducing[int32]
}

func newReducing[K comparable, T any](base stateful[K, T]) *reducingFunction[K, T] {
	return &reducingFunction[K, T]{base, state.NewReducing(func(a, b int32) int32 { return wrap(int64(a)*3 + int64(b)) })}
}

func (f *reducingFunction[K, T]) Process(ctx *stream.KeyedContext[K], in T, out stream.Collector[T]) error {
	r := f.bare(in)
	f.State.Add(r.Value)
	value, _ := f.State.Get()
	if int(value&0xff)%f.arg == 0 {
		f.State.Clear()
	}
	return f.give(ctx, out, value, r.Mark)
}

// reducingEndFunction reduces whole records, so that its state may be of a type that is kept encoded.
type reducingEndFunction[K comparable, T any] struct {
	stateful[K, T]
	State state.Reducing[T]
}

func newReducingEnd[K comparable, T any](base stateful[K, T]) *reducingEndFunction[K, T] {
	highest := func(a, b T) T {
		if base.bare(b).Value > base.bare(a).Value {
			return b
		}
		return a
	}
	return &reducingEndFunction[K, T]{base, state.NewReducing(highest)}
}

func (f *reducingEndFunction[K, T]) Process(_ *stream.KeyedContext[K], in T, _ stream.Collector[T]) error {
	f.State.Add(in)
	return nil
}

func (f *reducingEndFunction[K, T]) Finish(ctx *stream.KeyedContext[K], out stream.Collector[T]) error {
	ctx.ForEachKey(func(K) bool {
		highest, _ := f.State.Get()
		return f.give(ctx, out, f.bare(highest).Value, 0) == nil
	})
	return nil
}

// sums is an aggregate of a sum and a count.
type sums struct{}

type sumAndCount struct{ Sum, Count int64 }

func (sums) Create() sumAndCount { return sumAndCount{} }
func (sums) Add(acc sumAndCount, value int32) sumAndCount {
	return sumAndCount{acc.Sum + int64(value), acc.Count + 1}
}
func (sums) Result(acc sumAndCount) int32 { return wrap(acc.Sum*7 + acc.Count) }

type aggregatingFunction[K comparable, T any] struct {
	stateful[K, T]
	State state.Aggregating[int32, sumAndCount, int32]
}

func newAggregating[K comparable, T any](base stateful[K, T]) *aggregatingFunction[K, T] {
	return &aggregatingFunction[K, T]{base, state.NewAggregating[int32, sumAndCount, int32](sums{})}
}

func (f *aggregatingFunction[K, T]) Process(ctx *stream.KeyedContext[K], in T, out stream.Collector[T]) error {
	r := f.bare(in)
	f.State.Add(r.Value)
	result, _ := f.State.Get()
	return f.give(ctx, out, result, r.Mark)
}

type aggregatingEndFunction[K comparable, T any] struct{ aggregatingFunction[K, T] }

func (f *aggregatingEndFunction[K, T]) Process(_ *stream.KeyedContext[K], in T, _ stream.Collector[T]) error {
	f.State.Add(f.bare(in).Value)
	return nil
}

func (f *aggregatingEndFunction[K, T]) Finish(ctx *stream.KeyedContext[K], out stream.Collector[T]) error {
	ctx.ForEachKey(func(K) bool {
		result, _ := f.State.Get()
		return f.give(ctx, out, result, 0) == nil
	})
	return nil
}

// manyFunction has states of all kinds, side by side.
type manyFunction[K comparable, T any] struct {
	stateful[K, T]
	Sum     state.Value[int64]
	All     state.List[string]
	Rests   state.Map[uint8, string]
	Highest state.Reducing[int32]
}

func newMany[K comparable, T any](base stateful[K, T]) *manyFunction[K, T] {
	return &manyFunction[K, T]{stateful: base, Highest: state.NewReducing(func(a, b int32) int32 { return max(a, b) })}
}

func (f *manyFunction[K, T]) Process(_ *stream.KeyedContext[K], in T, _ stream.Collector[T]) error {
	value := f.bare(in).Value
	f.Sum.Update(func(sum *int64) { *sum += int64(value) })
	f.All.Add(keyText(value & 0xff))
	f.Rests.Put(uint8(value&3), keyText(value&3))
	f.Highest.Add(value)
	return nil
}

func (f *manyFunction[K, T]) Finish(ctx *stream.KeyedContext[K], out stream.Collector[T]) error {
	ctx.ForEachKey(func(K) bool {
		sum, _ := f.Sum.Get()
		highest, _ := f.Highest.Get()
		count := 0
		for word := range f.All.Get() {
			keyOfText(word)
			count++
		}
		for rest, word := range f.Rests.All() {
			if keyOfText(word) != int32(rest) {
				panic("the map state has lost a value")
			}
		}
		summary := manySummary(sum, count, f.Rests.Len(), highest)
		return f.give(ctx, out, summary.Value, summary.Mark) == nil
	})
	return nil
}
