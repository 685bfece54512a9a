// Package transform has the operators without state: map, filter, flatMap and their forms for two inputs.
package transform

import (
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Map calls a function for each record.
func Map[In, Out any](newFunction func() func(In) Out) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		m := &mapper[In, Out]{Base: operator.NewBase[Out](ctx, out), function: newFunction()}
		return operator.Instance{Operator: m, Inputs: []any{operator.Input[In](m)}}, nil
	}
}

type mapper[In, Out any] struct {
	operator.Base[Out]
	function func(In) Out
	out      element.Batch[Out]
}

func (m *mapper[In, Out]) Process(batch *element.Batch[In]) (err error) {
	defer m.Ctx.Guard(&err)
	m.Ctx.RecordsIn.Add(uint64(batch.Len()))
	values := operator.Resize(&m.out.Values, batch.Len())
	function, urgent := m.function, m.Ctx.Urgent()
	for start := 0; start < batch.Len(); start += operator.Stride {
		if operator.Waits(urgent) {
			if err := m.Ctx.GiveWay(); err != nil {
				return err
			}
		}
		in := batch.Values[start:min(start+operator.Stride, batch.Len())]
		mapped := values[start:][:len(in)]
		for i, v := range in {
			mapped[i] = function(v)
		}
	}
	m.out.Timestamps = batch.Timestamps
	return m.Emit(&m.out)
}

// MapErr is Map for a function that may fail.
func MapErr[In, Out any](newFunction func() func(In) (Out, error)) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		m := &failingMapper[In, Out]{Base: operator.NewBase[Out](ctx, out), function: newFunction()}
		return operator.Instance{Operator: m, Inputs: []any{operator.Input[In](m)}}, nil
	}
}

type failingMapper[In, Out any] struct {
	operator.Base[Out]
	function func(In) (Out, error)
	out      element.Batch[Out]
}

func (m *failingMapper[In, Out]) Process(batch *element.Batch[In]) (err error) {
	defer m.Ctx.Guard(&err)
	m.Ctx.RecordsIn.Add(uint64(batch.Len()))
	values := operator.Resize(&m.out.Values, batch.Len())
	function, urgent := m.function, m.Ctx.Urgent()
	for i, v := range batch.Values {
		if operator.Waits(urgent) {
			if err := m.Ctx.GiveWay(); err != nil {
				return err
			}
		}
		if values[i], err = function(v); err != nil {
			return err
		}
	}
	m.out.Timestamps = batch.Timestamps
	return m.Emit(&m.out)
}
