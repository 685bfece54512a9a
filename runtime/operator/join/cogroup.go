package join

import (
	"iter"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
)

// Tagged is a record of one of two streams.
type Tagged[L, R any] struct {
	IsRight bool
	Left    L
	Right   R
}

// Selector gets the key of a tagged record.
func Selector[K comparable, L, R any](left func(L) K, right func(R) K) func(Tagged[L, R]) K {
	return func(t Tagged[L, R]) K {
		if t.IsRight {
			return right(t.Right)
		}
		return left(t.Left)
	}
}

// TwoStreams turns the factory of an operator on tagged records, such as a window, into that of one on two streams. If any late
// records are wanted, the operator emits them with the tag of late.
func TwoStreams[L, R any](factory operator.Factory, late Late[L, R]) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		inner := *ctx
		inner.RecordsIn = new(metrics.Counter) // records are counted once, when they come in
		if late.IsWanted() {
			out = late.apart(ctx, out)
		}
		instance, err := factory(&inner, out)
		if err != nil {
			return operator.Instance{}, err
		}
		o := &tagging[L, R]{
			Two:      operator.NewTwo[Tagged[L, R]](ctx, operator.Outputs{Main: instance.Inputs}),
			operated: operated{instance.Operator},
		}
		return operator.Instance{Operator: o, Inputs: []any{
			operator.InputOf(&o.Two, 0, func(batch *element.Batch[L]) error {
				values := operator.Resize(&o.batch.Values, batch.Len())
				for i, v := range batch.Values {
					values[i] = Tagged[L, R]{Left: v}
				}
				return o.pass(batch.Timestamps, batch.Hashes)
			}),
			operator.InputOf(&o.Two, 1, func(batch *element.Batch[R]) error {
				values := operator.Resize(&o.batch.Values, batch.Len())
				for i, v := range batch.Values {
					values[i] = Tagged[L, R]{IsRight: true, Right: v}
				}
				return o.pass(batch.Timestamps, batch.Hashes)
			}),
		}}, nil
	}
}

// tagging hands the records of two streams to one operator; its Two combines their watermarks.
type tagging[L, R any] struct {
	operator.Two[Tagged[L, R]]
	operated
	batch element.Batch[Tagged[L, R]]
}

func (o *tagging[L, R]) pass(timestamps []int64, hashes []uint64) error {
	o.batch.Timestamps, o.batch.Hashes = timestamps, hashes
	return o.Next.Process(&o.batch)
}

func (o *tagging[L, R]) Open() error   { return o.operated.Open() }
func (o *tagging[L, R]) Finish() error { return o.operated.Finish() }
func (o *tagging[L, R]) Close() error  { return o.operated.Close() }

// operated is the operator behind a tagging.
type operated struct{ operator.Operator }

// OnProcessingTime implements operator.Timed.
func (o operated) OnProcessingTime(now int64) error {
	return o.Operator.(operator.Timed).OnProcessingTime(now)
}

// Mark implements operator.Stateful.
func (o operated) Mark(kind snapshot.MarkKind) (operator.Capture, error) {
	return o.Operator.(operator.Stateful).Mark(kind)
}

// WindowFunction is a window function on tagged records that hands the two sides to a co-group function.
type WindowFunction[K, L, R, Out any] struct {
	Function operator.CoGroupFunction[K, L, R, Out]
	left     []L
	right    []R
}

// Process implements operator.ProcessWindowFunction.
func (f *WindowFunction[K, L, R, Out]) Process(ctx *operator.WindowContext[K], elements iter.Seq[Tagged[L, R]], out operator.Collector[Out]) error {
	f.left, f.right = f.left[:0], f.right[:0]
	for e := range elements {
		if e.IsRight {
			f.right = append(f.right, e.Right)
		} else {
			f.left = append(f.left, e.Left)
		}
	}
	defer func() {
		clear(f.left)
		clear(f.right)
	}()
	return f.Function.CoGroup(ctx, f.left, f.right, out)
}

// Inner is the function that may declare state.
func (f *WindowFunction[K, L, R, Out]) Inner() any { return f.Function }

// Open implements operator.Opener.
func (f *WindowFunction[K, L, R, Out]) Open(ctx operator.RuntimeContext) error {
	if o, ok := f.Function.(operator.Opener); ok {
		return o.Open(ctx)
	}
	return nil
}

// Close implements operator.Closer.
func (f *WindowFunction[K, L, R, Out]) Close() error {
	if c, ok := f.Function.(operator.Closer); ok {
		return c.Close()
	}
	return nil
}

// Clear implements operator.WindowClearer.
func (f *WindowFunction[K, L, R, Out]) Clear(ctx *operator.WindowContext[K]) error {
	if c, ok := f.Function.(operator.WindowClearer[K]); ok {
		return c.Clear(ctx)
	}
	return nil
}

// Pairs is a co-group function that calls another for each left record with each right one.
type Pairs[K, L, R, Out any] struct {
	Join func(left L, right R, out operator.Collector[Out]) error
}

// CoGroup implements operator.CoGroupFunction.
func (p Pairs[K, L, R, Out]) CoGroup(_ *operator.WindowContext[K], left []L, right []R, out operator.Collector[Out]) error {
	for _, l := range left {
		for _, r := range right {
			if err := p.Join(l, r, out); err != nil {
				return err
			}
		}
	}
	return nil
}
