package process

import (
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Process calls a process function on a stream without keys.
func Process[In, Out any](newFunction func() operator.ProcessFunction[In, Out]) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		base := operator.NewBase[Out](ctx, out)
		p := &processing[In, Out]{
			Base: base, function: newFunction(), buffer: operator.NewBuffer(base.Next, ctx.RecordsOut),
			context: operator.NewProcessContext(ctx),
		}
		return operator.Instance{Operator: p, Inputs: []any{operator.Input[In](p)}}, nil
	}
}

type processing[In, Out any] struct {
	operator.Base[Out]
	function operator.ProcessFunction[In, Out]
	buffer   *operator.Buffer[Out]
	context  *operator.ProcessContext
}

func (p *processing[In, Out]) Open() error  { return open(p.Ctx, p.function) }
func (p *processing[In, Out]) Close() error { return closeFunction(p.function) }

func (p *processing[In, Out]) Process(batch *element.Batch[In]) (err error) {
	defer p.Ctx.Guard(&err)
	p.Ctx.RecordsIn.Add(uint64(batch.Len()))
	return eachRecord(batch, p.buffer, p.context, p.function.Process)
}

func (p *processing[In, Out]) Finish() error { return finish(p.function, p.context, p.buffer) }

// eachRecord calls a function for each record of a batch and flushes what it emitted.
func eachRecord[In, Out any](batch *element.Batch[In], buffer *operator.Buffer[Out], ctx *operator.ProcessContext,
	function func(*operator.ProcessContext, In, operator.Collector[Out]) error) error {
	out := buffer.Collector()
	for i, v := range batch.Values {
		timestamp := batch.TimestampAt(i)
		ctx.At(timestamp)
		buffer.At(timestamp)
		if err := function(ctx, v, out); err != nil {
			return err
		}
		if err := buffer.Err(); err != nil {
			return err
		}
	}
	return buffer.Flush()
}

func finish[Out any](function any, ctx *operator.ProcessContext, buffer *operator.Buffer[Out]) error {
	f, ok := function.(operator.Finisher[Out])
	if !ok {
		return nil
	}
	ctx.At(element.NoTimestamp)
	buffer.At(element.NoTimestamp)
	if err := f.Finish(ctx, buffer.Collector()); err != nil {
		return err
	}
	return buffer.Flush()
}

// CoProcess calls a function on two streams without keys.
func CoProcess[In1, In2, Out any](newFunction func() operator.CoProcessFunction[In1, In2, Out]) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		p := &coProcessing[In1, In2, Out]{
			Two: operator.NewTwo[Out](ctx, out), function: newFunction(), context: operator.NewProcessContext(ctx),
		}
		p.buffer = operator.NewBuffer(p.Next, ctx.RecordsOut)
		return operator.Instance{Operator: p, Inputs: []any{
			operator.InputOf(&p.Two, 0, func(batch *element.Batch[In1]) error {
				return eachRecord(batch, p.buffer, p.context, p.function.Process1)
			}),
			operator.InputOf(&p.Two, 1, func(batch *element.Batch[In2]) error {
				return eachRecord(batch, p.buffer, p.context, p.function.Process2)
			}),
		}}, nil
	}
}

type coProcessing[In1, In2, Out any] struct {
	operator.Two[Out]
	function operator.CoProcessFunction[In1, In2, Out]
	buffer   *operator.Buffer[Out]
	context  *operator.ProcessContext
}

func (p *coProcessing[In1, In2, Out]) Open() error   { return open(p.Ctx, p.function) }
func (p *coProcessing[In1, In2, Out]) Finish() error { return finish(p.function, p.context, p.buffer) }
func (p *coProcessing[In1, In2, Out]) Close() error  { return closeFunction(p.function) }
