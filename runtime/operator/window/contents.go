package window

import (
	"iter"

	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// Contents makes what keeps the contents of windows: Elements or Folded.
type Contents[K comparable, In, Out any] struct {
	make func(evictor operator.Evictor) contents[K, In, Out]
}

// contents keeps what the window at hand has, which is state of the current key of a backend, and hands it to the function.
type contents[K comparable, In, Out any] interface {
	// handles is a struct with the states, for state.Fields.
	handles() any
	function() any
	// open is called once the handles are bound; column 0 of store has the contents.
	open(store state.Store)
	// add puts a record into the window and reports whether it is the first.
	add(value In, timestamp int64) (fresh bool)
	// fire calls the function with the window, unless it is empty.
	fire(ctx *operator.WindowContext[K], out operator.Collector[Out]) error
	clear()
	// canMerge reports whether lift and drop work.
	canMerge() bool
	// lift takes all out of the window at hand; drop adds it to another.
	lift()
	drop()
}

// Elements keeps all records of a window, and with an evictor their timestamps.
func Elements[K comparable, In, Out any](newFunction func() operator.ProcessWindowFunction[K, In, Out]) Contents[K, In, Out] {
	return Contents[K, In, Out]{func(evictor operator.Evictor) contents[K, In, Out] {
		f := newFunction()
		if evictor != nil {
			return &evictable[K, In, Out]{user: f, process: f.Process, evictor: evictor}
		}
		return &elements[K, In, Out]{user: f}
	}}
}

type elements[K comparable, In, Out any] struct {
	user  operator.ProcessWindowFunction[K, In, Out]
	state struct {
		Contents state.List[In] `state:"window/contents"`
	}
	cell   state.ListCell
	lifted []In
}

func (e *elements[K, In, Out]) handles() any  { return &e.state }
func (e *elements[K, In, Out]) function() any { return e.user }

func (e *elements[K, In, Out]) open(store state.Store) { e.cell = store.List(0) }

func (e *elements[K, In, Out]) add(value In, _ int64) bool {
	fresh := e.isEmpty()
	e.state.Contents.Add(value)
	return fresh
}

func (e *elements[K, In, Out]) isEmpty() bool {
	_, some := e.cell.Chunk(0)
	return !some
}

func (e *elements[K, In, Out]) fire(ctx *operator.WindowContext[K], out operator.Collector[Out]) error {
	if e.isEmpty() {
		return nil
	}
	return e.user.Process(ctx, e.state.Contents.Get(), out)
}

func (e *elements[K, In, Out]) clear()         { e.state.Contents.Clear() }
func (e *elements[K, In, Out]) canMerge() bool { return true }

func (e *elements[K, In, Out]) lift() {
	e.lifted = e.state.Contents.Slice()
	e.state.Contents.Clear()
}

func (e *elements[K, In, Out]) drop() {
	e.state.Contents.AddAll(e.lifted)
	e.lifted = nil
}

// Fold keeps one accumulator for a window.
type Fold[In, Acc, Res any] struct {
	// Add folds a record into the accumulator, which is fresh (zero) for the first one.
	Add func(acc *Acc, fresh bool, in In)
	// Merge folds another accumulator into acc; it is nil where accumulators cannot be merged. It neither changes nor keeps
	// other.
	Merge func(acc, other *Acc)
	// Result gives the outcome so far; acc stays valid.
	Result func(acc *Acc) Res
	// Empty makes the accumulator of nothing; where it is nil, a window that an evictor has left empty has no result.
	Empty func() Acc
}

// Folded keeps an accumulator, of which the function is given the result as the only element. With an evictor the
// records are kept, and folded when the window fires.
func Folded[K comparable, In, Acc, Res, Out any](fold Fold[In, Acc, Res], newFunction func() operator.ProcessWindowFunction[K, Res, Out]) Contents[K, In, Out] {
	return Contents[K, In, Out]{func(evictor operator.Evictor) contents[K, In, Out] {
		f := newFunction()
		if evictor != nil {
			return &evictable[K, In, Out]{user: f, process: foldFirst(fold, f), evictor: evictor}
		}
		return &folded[K, In, Acc, Res, Out]{fold: fold, user: f}
	}}
}

// foldFirst is the window function that folds the elements and hands on the result.
func foldFirst[K comparable, In, Acc, Res, Out any](fold Fold[In, Acc, Res], f operator.ProcessWindowFunction[K, Res, Out]) func(*operator.WindowContext[K], iter.Seq[In], operator.Collector[Out]) error {
	return func(ctx *operator.WindowContext[K], elements iter.Seq[In], out operator.Collector[Out]) error {
		var acc Acc
		fresh := true
		for in := range elements {
			fold.Add(&acc, fresh, in)
			fresh = false
		}
		switch {
		case fresh && fold.Empty == nil:
			return nil
		case fresh:
			acc = fold.Empty()
		}
		return f.Process(ctx, only(fold.Result(&acc)), out)
	}
}

// only iterates over one value.
func only[T any](value T) iter.Seq[T] {
	return func(yield func(T) bool) { yield(value) }
}

type folded[K comparable, In, Acc, Res, Out any] struct {
	fold  Fold[In, Acc, Res]
	user  operator.ProcessWindowFunction[K, Res, Out]
	state struct {
		Contents state.Value[Acc] `state:"window/contents"`
	}
	// acc is on the heap once, and not anew for each record, since the fold is given a pointer to it.
	acc, lifted Acc
	isLifted    bool
}

func (f *folded[K, In, Acc, Res, Out]) handles() any  { return &f.state }
func (f *folded[K, In, Acc, Res, Out]) function() any { return f.user }

func (f *folded[K, In, Acc, Res, Out]) open(state.Store) {}

func (f *folded[K, In, Acc, Res, Out]) add(value In, _ int64) bool {
	var had bool
	f.acc, had = f.state.Contents.Get()
	f.fold.Add(&f.acc, !had, value)
	f.state.Contents.Set(f.acc)
	return !had
}

func (f *folded[K, In, Acc, Res, Out]) fire(ctx *operator.WindowContext[K], out operator.Collector[Out]) error {
	var has bool
	if f.acc, has = f.state.Contents.Get(); !has {
		return nil
	}
	return f.user.Process(ctx, only(f.fold.Result(&f.acc)), out)
}

func (f *folded[K, In, Acc, Res, Out]) clear()         { f.state.Contents.Clear() }
func (f *folded[K, In, Acc, Res, Out]) canMerge() bool { return f.fold.Merge != nil }

func (f *folded[K, In, Acc, Res, Out]) lift() {
	f.lifted, f.isLifted = f.state.Contents.Get()
	f.state.Contents.Clear()
}

func (f *folded[K, In, Acc, Res, Out]) drop() {
	if !f.isLifted {
		return
	}
	var had bool
	if f.acc, had = f.state.Contents.Get(); had {
		f.fold.Merge(&f.acc, &f.lifted)
	} else {
		f.acc = f.lifted
	}
	f.state.Contents.Set(f.acc)
}

// Passing is the window function that emits what it is given.
type Passing[K comparable, T any] struct{}

// Process implements operator.ProcessWindowFunction.
func (Passing[K, T]) Process(_ *operator.WindowContext[K], elements iter.Seq[T], out operator.Collector[T]) error {
	for e := range elements {
		out.Collect(e)
	}
	return nil
}
