package transform

import (
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Filter keeps the records for which a function says so.
func Filter[T any](newFunction func() func(T) bool) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		f := &filter[T]{Base: operator.NewBase[T](ctx, out), keep: newFunction()}
		return operator.Instance{Operator: f, Inputs: []any{operator.Input[T](f)}}, nil
	}
}

type filter[T any] struct {
	operator.Base[T]
	keep func(T) bool
	out  element.Batch[T]
}

func (f *filter[T]) Process(batch *element.Batch[T]) (err error) {
	defer f.Ctx.Guard(&err)
	f.Ctx.RecordsIn.Add(uint64(batch.Len()))
	kept := operator.Resize(&f.out.Values, batch.Len())[:0]
	keep, urgent := f.keep, f.Ctx.Urgent()
	f.out.Timestamps = f.out.Timestamps[:0]
	for start := 0; start < batch.Len(); start += operator.Stride {
		if operator.Waits(urgent) {
			if err := f.Ctx.GiveWay(); err != nil {
				return err
			}
		}
		end := min(start+operator.Stride, batch.Len())
		in := batch.Values[start:end]
		if len(batch.Timestamps) == 0 {
			for _, v := range in {
				if keep(v) {
					kept = append(kept, v)
				}
			}
			continue
		}
		at := batch.Timestamps[start:end]
		for i, v := range in {
			if keep(v) {
				kept = append(kept, v)
				f.out.Timestamps = append(f.out.Timestamps, at[i])
			}
		}
	}
	f.out.Values = kept
	if len(kept) == 0 {
		return nil
	}
	return f.Emit(&f.out)
}
