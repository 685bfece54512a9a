package window

import "cmp"

// Number is what can be summed up.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Aggregate is a state.Aggregate made of functions, with accumulators that can be merged. All functions are pure, and shared by
// the subtasks of a process.
type Aggregate[In, Acc, Out any] struct {
	create func() Acc
	add    func(acc Acc, value In) Acc
	result func(acc Acc) Out
	merge  func(a, b Acc) Acc
	// ordered is set where records that are equal to it are told apart by their order.
	ordered bool
}

// NewAggregate makes an aggregate of functions: create returns an empty accumulator, add folds a record into one, result gives the
// outcome of one, merge joins two.
func NewAggregate[In, Acc, Out any](create func() Acc, add func(acc Acc, value In) Acc, result func(acc Acc) Out, merge func(a, b Acc) Acc) Aggregate[In, Acc, Out] {
	return Aggregate[In, Acc, Out]{create: create, add: add, result: result, merge: merge}
}

// Create implements state.Aggregate.
func (a Aggregate[In, Acc, Out]) Create() Acc { return a.create() }

// Add implements state.Aggregate.
func (a Aggregate[In, Acc, Out]) Add(acc Acc, value In) Acc { return a.add(acc, value) }

// Result implements state.Aggregate.
func (a Aggregate[In, Acc, Out]) Result(acc Acc) Out { return a.result(acc) }

// Merge implements state.Merger.
func (a Aggregate[In, Acc, Out]) Merge(x, y Acc) Acc { return a.merge(x, y) }

// DependsOnOrder reports whether the result depends on the order in which records came. Windows then share no accumulators.
func (a Aggregate[In, Acc, Out]) DependsOnOrder() bool { return a.ordered }

func zero[T any]() (z T)      { return z }
func same[T any](v T) T       { return v }
func plus[N Number](a, b N) N { return a + b }

// Count counts records.
func Count[T any]() Aggregate[T, int64, int64] {
	return NewAggregate(zero[int64], func(n int64, _ T) int64 { return n + 1 }, same[int64], plus[int64])
}

// Sum adds up what of returns for each record.
func Sum[T any, N Number](of func(T) N) Aggregate[T, N, N] {
	return NewAggregate(zero[N], func(sum N, v T) N { return sum + of(v) }, same[N], plus[N])
}

// Mean is the accumulator of Avg.
type Mean struct {
	Sum   float64
	Count int64
}

// Avg is the arithmetic mean of what of returns for each record. Sums are kept as float64.
func Avg[T any, N Number](of func(T) N) Aggregate[T, Mean, float64] {
	return NewAggregate(zero[Mean],
		func(m Mean, v T) Mean { return Mean{m.Sum + float64(of(v)), m.Count + 1} },
		func(m Mean) float64 { return m.Sum / float64(m.Count) },
		func(a, b Mean) Mean { return Mean{a.Sum + b.Sum, a.Count + b.Count} })
}

// Extreme is the accumulator of Min, Max, MinBy and MaxBy: the best so far, if any.
type Extreme[T any] struct {
	Value T
	Some  bool
}

// Min is the least of what of returns for each record.
func Min[T any, N cmp.Ordered](of func(T) N) Aggregate[T, Extreme[N], N] {
	return extreme(of, func(a, b N) bool { return b < a })
}

// Max is the greatest of what of returns for each record.
func Max[T any, N cmp.Ordered](of func(T) N) Aggregate[T, Extreme[N], N] {
	return extreme(of, func(a, b N) bool { return b > a })
}

// MinBy is the record for which by returns the least, the first of several that came.
func MinBy[T any, N cmp.Ordered](by func(T) N) Aggregate[T, Extreme[T], T] {
	return inOrder(extreme(same[T], func(a, b T) bool { return by(b) < by(a) }))
}

// MaxBy is the record for which by returns the greatest, the first of several that came.
func MaxBy[T any, N cmp.Ordered](by func(T) N) Aggregate[T, Extreme[T], T] {
	return inOrder(extreme(same[T], func(a, b T) bool { return by(b) > by(a) }))
}

func inOrder[In, Acc, Out any](a Aggregate[In, Acc, Out]) Aggregate[In, Acc, Out] {
	a.ordered = true
	return a
}

// extreme keeps a value until a better one comes.
func extreme[T, V any](of func(T) V, better func(kept, other V) bool) Aggregate[T, Extreme[V], V] {
	best := func(a, b Extreme[V]) Extreme[V] {
		if b.Some && (!a.Some || better(a.Value, b.Value)) {
			return b
		}
		return a
	}
	return NewAggregate(zero[Extreme[V]],
		func(a Extreme[V], v T) Extreme[V] { return best(a, Extreme[V]{of(v), true}) },
		func(a Extreme[V]) V { return a.Value }, best)
}
