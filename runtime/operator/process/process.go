package process

import (
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatorstate"
	"github.com/weir-stream/weir/state"
)

// plainFunction is a user's function without keys with its outputs.
type plainFunction[Out any] struct {
	ctx      *operator.Context
	function any
	buffer   *operator.Buffer[Out]
	sides    *operator.SideOutputs
	context  *operator.ProcessContext
	// without are the function's states, which have no keys.
	without []state.OperatorField
	opened  bool
}

func newPlainFunction[Out any](ctx *operator.Context, out operator.Outputs, next operator.Input[Out], function any) plainFunction[Out] {
	sides := operator.NewSideOutputs(ctx, out)
	return plainFunction[Out]{
		ctx: ctx, function: function, buffer: operator.NewBuffer(next, ctx.RecordsOut), sides: sides,
		context: operator.NewProcessContext(ctx, sides),
	}
}

func (f *plainFunction[Out]) open() (err error) {
	if f.without, err = operatorstate.Open(f.ctx, f.function); err != nil {
		return err
	}
	f.opened = true
	return open(f.ctx, f.function)
}

// UserFunction implements operator.FunctionCaller.
func (f *plainFunction[Out]) UserFunction() any { return f.function }

// Mark implements operator.Stateful.
func (f *plainFunction[Out]) Mark(snapshot.MarkKind) (operator.Capture, error) {
	return operator.Taken{State: &snapshot.Operator{Groups: f.ctx.KeyGroups, Lists: operatorstate.Snapshot(f.without)}}, nil
}

func (f *plainFunction[Out]) close() error {
	if !f.opened {
		return nil
	}
	return closeFunction(f.function)
}

func (f *plainFunction[Out]) finish() error {
	last, ok := f.function.(operator.Finisher[Out])
	if !ok {
		return nil
	}
	if err := last.Finish(f.context, f.buffer.Collector()); err != nil {
		return err
	}
	return f.flush()
}

func (f *plainFunction[Out]) advance(at int64) error {
	f.context.SetWatermark(at)
	return nil
}

// flush hands on what was emitted.
func (f *plainFunction[Out]) flush() error {
	f.context.AtBatch(nil)
	f.buffer.At(element.NoTimestamp)
	if err := f.buffer.Flush(); err != nil {
		return err
	}
	return f.sides.Flush()
}

// eachPlain calls a function for each record of a batch and flushes what it emitted.
func eachPlain[Ctx, In, Out any](f *plainFunction[Out], batch *element.Batch[In], context Ctx, call func(Ctx, In, operator.Collector[Out]) error) error {
	buffer, out, timestamps := f.buffer, f.buffer.Collector(), batch.Timestamps
	f.context.AtBatch(timestamps)
	urgent := f.ctx.Urgent()
	for i, v := range batch.Values {
		if operator.Waits(urgent) {
			if err := f.ctx.GiveWay(); err != nil {
				return err
			}
		}
		f.context.AtRecord(i)
		if len(timestamps) > 0 {
			buffer.At(timestamps[i])
		}
		if err := call(context, v, out); err != nil {
			return err
		}
		if err := buffer.Err(); err != nil {
			return err
		}
	}
	return f.flush()
}

// Process calls a process function on a stream without keys.
func Process[In, Out any](newFunction func() operator.ProcessFunction[In, Out]) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		base, function := operator.NewBase[Out](ctx, out), newFunction()
		p := &processing[In, Out]{Base: base, plainFunction: newPlainFunction(ctx, out, base.Next, function), function: function}
		return operator.Instance{Operator: p, Inputs: []any{operator.Input[In](p)}}, nil
	}
}

type processing[In, Out any] struct {
	operator.Base[Out]
	plainFunction[Out]
	function operator.ProcessFunction[In, Out]
}

func (p *processing[In, Out]) Open() error   { return p.open() }
func (p *processing[In, Out]) Finish() error { return p.finish() }
func (p *processing[In, Out]) Close() error  { return p.close() }

func (p *processing[In, Out]) Process(batch *element.Batch[In]) (err error) {
	defer p.Ctx.Guard(&err)
	p.Ctx.RecordsIn.Add(uint64(batch.Len()))
	return eachPlain(&p.plainFunction, batch, p.context, p.function.Process)
}

func (p *processing[In, Out]) Watermark(at int64) error {
	p.context.SetWatermark(at)
	return p.Base.Watermark(at)
}

// CoProcess calls a function on two streams without keys.
func CoProcess[In1, In2, Out any](newFunction func() operator.CoProcessFunction[In1, In2, Out]) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		function := newFunction()
		p := &coProcessing[Out]{Two: operator.NewTwo[Out](ctx, out)}
		p.plainFunction = newPlainFunction(ctx, out, p.Next, function)
		p.OnWatermark = p.advance
		return operator.Instance{Operator: p, Inputs: []any{
			operator.InputOf(&p.Two, 0, func(batch *element.Batch[In1]) error {
				return eachPlain(&p.plainFunction, batch, p.context, function.Process1)
			}),
			operator.InputOf(&p.Two, 1, func(batch *element.Batch[In2]) error {
				return eachPlain(&p.plainFunction, batch, p.context, function.Process2)
			}),
		}}, nil
	}
}

type coProcessing[Out any] struct {
	operator.Two[Out]
	plainFunction[Out]
}

func (p *coProcessing[Out]) Open() error   { return p.open() }
func (p *coProcessing[Out]) Finish() error { return p.finish() }
func (p *coProcessing[Out]) Close() error  { return p.close() }
