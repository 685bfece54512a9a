package transform

import (
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// FlatMap calls a function for each record, which emits any number of others.
func FlatMap[In, Out any](newFunction func() func(In, operator.Collector[Out]) error) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		base := operator.NewBase[Out](ctx, out)
		f := &flatMapper[In, Out]{Base: base, function: newFunction(), buffer: operator.NewBuffer(base.Next, ctx.RecordsOut)}
		return operator.Instance{Operator: f, Inputs: []any{operator.Input[In](f)}}, nil
	}
}

type flatMapper[In, Out any] struct {
	operator.Base[Out]
	function func(In, operator.Collector[Out]) error
	buffer   *operator.Buffer[Out]
}

func (f *flatMapper[In, Out]) Process(batch *element.Batch[In]) (err error) {
	defer f.Ctx.Guard(&err)
	f.Ctx.RecordsIn.Add(uint64(batch.Len()))
	return eachInto(f.Ctx, f.buffer, batch, f.function)
}

// eachInto calls function for each record and flushes what it emitted.
func eachInto[In, Out any](ctx *operator.Context, buffer *operator.Buffer[Out], batch *element.Batch[In], function func(In, operator.Collector[Out]) error) error {
	out, urgent := buffer.Collector(), ctx.Urgent()
	for i, v := range batch.Values {
		if operator.Waits(urgent) {
			if err := ctx.GiveWay(); err != nil {
				return err
			}
		}
		buffer.At(batch.TimestampAt(i))
		if err := function(v, out); err != nil {
			return err
		}
		if err := buffer.Err(); err != nil {
			return err
		}
	}
	return buffer.Flush()
}
