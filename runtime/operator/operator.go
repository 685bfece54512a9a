// Package operator has the contracts of operators and of the functions they call: what a link of a chain takes and
// emits, its lifecycle, the collector, and the contexts that a user's function sees. Built-in operators are in the
// packages below it.
package operator

import "github.com/weir-stream/weir/runtime/element"

// Input takes records of one type and the events among them: the next operator of the chain, or the writer of an edge.
// One goroutine calls it.
type Input[T any] interface {
	// Process takes a batch. It may neither change the batch nor keep its slices after it returns.
	Process(batch *element.Batch[T]) error
	// Watermark says that event time has reached at: no record at or before it follows, save late ones.
	Watermark(at int64) error
	// Idle says that this input no longer holds event time back, or that it does again.
	Idle(idle bool) error
}

// Operator is the lifecycle of one link of a chain in one subtask:
//
//	built --Open--> open --Finish--> finished --Close--> closed
//	                  \-------------Close--------------/
//
// A chain is opened from its tail to its head, so that whoever emits is emitting to an open operator, and finished
// from its head to its tail. Close is called once on every operator whose Open was called, also if that failed.
type Operator interface {
	Open() error
	// Finish is called after the last record of the last input; what it emits are the last records of the operator.
	Finish() error
	Close() error
}

// InputEnder is an Operator with several inputs that wants to know when one of them has ended.
type InputEnder interface {
	EndInput(input int) error
}

// Instance is an operator made for one subtask.
type Instance struct {
	Operator Operator
	// Inputs has an Input[T] for each input of the operator; none for a source.
	Inputs []any
}

// Outputs is what stands behind an operator: for its main output and for each side output the inputs that take it.
// Each is an Input[T] of the type that the operator emits there.
type Outputs struct {
	Main []any
	Side map[string][]any
	// NewCopy makes a function that copies records of the main output, a func() func(T) T; nil where none are copied.
	NewCopy any
}

// Factory makes an operator for one subtask. It captures the types of the operator's inputs and outputs, so that they
// are asserted here, once, and never while records flow.
type Factory func(ctx *Context, out Outputs) (Instance, error)

// Join returns one input that feeds all of the given ones, which must be of type Input[T]. If newCopy is not nil, each
// but the last is given copies of the records (pipeline.object-reuse=false), so that nobody has seen the record when it is copied; it is
// then a func() func(T) T.
func Join[T any](inputs []any, newCopy any) Input[T] {
	switch len(inputs) {
	case 0:
		return nowhere[T]{}
	case 1:
		return inputs[0].(Input[T])
	}
	all := make(fanOut[T], len(inputs))
	for i, in := range inputs {
		all[i] = in.(Input[T])
		if newCopy != nil && i < len(inputs)-1 {
			all[i] = &copying[T]{next: all[i], copyValue: newCopy.(func() func(T) T)()}
		}
	}
	return all
}

// nowhere is the output of an operator that nothing reads.
type nowhere[T any] struct{}

func (nowhere[T]) Process(*element.Batch[T]) error { return nil }
func (nowhere[T]) Watermark(int64) error           { return nil }
func (nowhere[T]) Idle(bool) error                 { return nil }

// fanOut hands everything to several inputs in turn.
type fanOut[T any] []Input[T]

func (f fanOut[T]) Process(batch *element.Batch[T]) error {
	for _, in := range f {
		if err := in.Process(batch); err != nil {
			return err
		}
	}
	return nil
}

func (f fanOut[T]) Watermark(at int64) error {
	for _, in := range f {
		if err := in.Watermark(at); err != nil {
			return err
		}
	}
	return nil
}

func (f fanOut[T]) Idle(idle bool) error {
	for _, in := range f {
		if err := in.Idle(idle); err != nil {
			return err
		}
	}
	return nil
}

// copying gives the next input records of its own, so that a program that changes records it has emitted or received
// is found out by the race detector or by its results.
type copying[T any] struct {
	next      Input[T]
	copyValue func(T) T
	batch     element.Batch[T]
}

func (c *copying[T]) Process(batch *element.Batch[T]) error {
	c.batch.Reset()
	c.batch.AppendRange(batch, 0, batch.Len())
	for i, v := range c.batch.Values {
		c.batch.Values[i] = c.copyValue(v)
	}
	return c.next.Process(&c.batch)
}

func (c *copying[T]) Watermark(at int64) error { return c.next.Watermark(at) }
func (c *copying[T]) Idle(idle bool) error     { return c.next.Idle(idle) }

// Base has what most operators with one output do: nothing at the ends of their life, and events pass through.
type Base[Out any] struct {
	Ctx  *Context
	Next Input[Out]
}

// NewBase emits to the main output. Events go to the side outputs too.
func NewBase[Out any](ctx *Context, out Outputs) Base[Out] {
	next := Join[Out](out.Main, out.NewCopy)
	if len(out.Side) > 0 {
		next = besideMain(next, out.Side)
	}
	return Base[Out]{Ctx: ctx, Next: next}
}

// Emit counts a batch and hands it on.
func (b *Base[Out]) Emit(batch *element.Batch[Out]) error {
	b.Ctx.RecordsOut.Add(uint64(len(batch.Values)))
	return b.Next.Process(batch)
}

// Open implements Operator.
func (b *Base[Out]) Open() error { return nil }

// Finish implements Operator.
func (b *Base[Out]) Finish() error { return nil }

// Close implements Operator.
func (b *Base[Out]) Close() error { return nil }

// Watermark implements Input.
func (b *Base[Out]) Watermark(at int64) error { return b.Next.Watermark(at) }

// Idle implements Input.
func (b *Base[Out]) Idle(idle bool) error { return b.Next.Idle(idle) }
