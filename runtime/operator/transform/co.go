package transform

import (
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// CoFlatMap calls one function for the records of its first input and another for those of its second. Both are made
// together by one call of newFunctions, so that they may share variables.
func CoFlatMap[In1, In2, Out any](newFunctions func() (func(In1, operator.Collector[Out]) error, func(In2, operator.Collector[Out]) error)) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		c := &coFlatMapper[In1, In2, Out]{Two: operator.NewTwo[Out](ctx, out)}
		c.first, c.second = newFunctions()
		c.buffer = operator.NewBuffer(c.Next, ctx.RecordsOut)
		return operator.Instance{Operator: c, Inputs: []any{
			operator.InputOf(&c.Two, 0, func(batch *element.Batch[In1]) error { return eachInto(ctx, c.buffer, batch, c.first) }),
			operator.InputOf(&c.Two, 1, func(batch *element.Batch[In2]) error { return eachInto(ctx, c.buffer, batch, c.second) }),
		}}, nil
	}
}

type coFlatMapper[In1, In2, Out any] struct {
	operator.Two[Out]
	first  func(In1, operator.Collector[Out]) error
	second func(In2, operator.Collector[Out]) error
	buffer *operator.Buffer[Out]
}
