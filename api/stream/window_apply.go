package stream

import (
	"github.com/weir-stream/weir/runtime/operator"
	general "github.com/weir-stream/weir/runtime/operator/window"
	"github.com/weir-stream/weir/state"
)

// ReduceWindow keeps one record for each window: the first, then what reduce returns for it and the next one. It emits that
// record when the window fires. Reduce is associative, and shared by the subtasks of a process.
func ReduceWindow[K comparable, T any](w WindowedStream[K, T], reduce func(a, b T) T) DataStream[T] {
	return foldWindow(w, "Window Reduce", reducing(reduce), passing[K, T])
}

// ReduceWindowWith is ReduceWindow with a function that is given the record that is left, as the only element. NewFunction makes
// one for each subtask, and one while the graph is built, from which the names and types of its state are learned.
func ReduceWindowWith[K comparable, T, Out any, F ProcessWindowFunction[K, T, Out]](w WindowedStream[K, T], reduce func(a, b T) T, newFunction func() F) DataStream[Out] {
	return foldWindow(w, "Window Reduce", reducing(reduce), asProcessWindow[K, T, Out](newFunction))
}

// Aggregate keeps one accumulator for each window and emits its result when the window fires. Windows that merge need an
// aggregate with the method Merge(a, b Acc) Acc, see state.Merger; with it, and the default trigger, sliding windows share
// accumulators, so Merge must not depend on the order of records. The aggregate is shared by the subtasks of a process.
// Package window has the usual ones.
func Aggregate[K comparable, In, Acc, Res any](w WindowedStream[K, In], aggregate state.Aggregate[In, Acc, Res]) DataStream[Res] {
	return foldWindow(w, "Window Aggregate", aggregating(aggregate), passing[K, Res])
}

// AggregateWith is Aggregate with a function that is given the result, as the only element. NewFunction makes one for each
// subtask, and one while the graph is built, from which the names and types of its state are learned.
func AggregateWith[K comparable, In, Acc, Res, Out any, F ProcessWindowFunction[K, Res, Out]](w WindowedStream[K, In], aggregate state.Aggregate[In, Acc, Res], newFunction func() F) DataStream[Out] {
	return foldWindow(w, "Window Aggregate", aggregating(aggregate), asProcessWindow[K, Res, Out](newFunction))
}

// ProcessWindow calls a function with all records of a window when it fires. Windows hold their records until they go: where an
// aggregate will do, AggregateWith needs far less. NewFunction makes a function for each subtask, and one while the graph is
// built, from which the names and types of its state are learned.
func ProcessWindow[K comparable, In, Out any, F ProcessWindowFunction[K, In, Out]](w WindowedStream[K, In], newFunction func() F) DataStream[Out] {
	return windowed(w, "Window Process", general.Elements(asProcessWindow[K, In, Out](newFunction)))
}

// asProcessWindow hides the type of a window function.
func asProcessWindow[K, In, Out any, F ProcessWindowFunction[K, In, Out]](newFunction func() F) func() operator.ProcessWindowFunction[K, In, Out] {
	return func() operator.ProcessWindowFunction[K, In, Out] { return newFunction() }
}

// passing makes the function that emits what it is given.
func passing[K comparable, T any]() operator.ProcessWindowFunction[K, T, T] {
	return general.Passing[K, T]{}
}

// windowFold is the accumulator of a window.
type windowFold[In, Acc, Res any] struct {
	general.Fold[In, Acc, Res]
	// ordered says that the result depends on the order of the records, so that windows cannot share accumulators.
	ordered bool
}

func reducing[T any](reduce func(a, b T) T) windowFold[T, T, T] {
	return windowFold[T, T, T]{ordered: true, Fold: general.Fold[T, T, T]{
		Add: func(acc *T, fresh bool, in T) {
			if fresh {
				*acc = in
				return
			}
			*acc = reduce(*acc, in)
		},
		Merge:  func(acc, other *T) { *acc = reduce(*acc, *other) },
		Result: func(acc *T) T { return *acc },
	}}
}

func aggregating[In, Acc, Res any](aggregate state.Aggregate[In, Acc, Res]) windowFold[In, Acc, Res] {
	f := windowFold[In, Acc, Res]{Fold: general.Fold[In, Acc, Res]{
		Add: func(acc *Acc, fresh bool, in In) {
			if fresh {
				*acc = aggregate.Create()
			}
			*acc = aggregate.Add(*acc, in)
		},
		Result: func(acc *Acc) Res { return aggregate.Result(*acc) },
		Empty:  aggregate.Create,
	}}
	if merger, ok := aggregate.(state.Merger[Acc]); ok {
		f.Merge = func(acc, other *Acc) { *acc = merger.Merge(*acc, *other) }
	}
	if o, ok := aggregate.(interface{ DependsOnOrder() bool }); ok {
		f.ordered = o.DependsOnOrder()
	}
	return f
}

// foldWindow adds the operator of a window that keeps one accumulator: one of those that are faster than the general one, where
// it can do what is asked for.
func foldWindow[K comparable, In, Acc, Res, Out any](w WindowedStream[K, In], name string, fold windowFold[In, Acc, Res], newFunction func() operator.ProcessWindowFunction[K, Res, Out]) DataStream[Out] {
	if w.slicing {
		if c, ok := slicedConfig(w, fold, newFunction); ok {
			return slicedWindow(w, name, c)
		}
		if c, ok := sessionConfig(w, fold, newFunction); ok {
			return sessionWindow(w, name, c)
		}
	}
	return windowed(w, name, general.Folded(fold.Fold, newFunction))
}
