package process

import (
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
)

// Keyed calls a process function on a keyed stream.
func Keyed[K comparable, In, Out any](stream keyed.Stream[K, In], newFunction func() operator.KeyedProcessFunction[K, In, Out]) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		base := operator.NewBase[Out](ctx, out)
		function := newFunction()
		p := &keyedProcessing[K, In, Out]{
			Base: base, keys: keyed.Keys[K, In]{Stream: stream}, function: function,
			keyedFunction: newKeyedFunction(ctx, out, base.Next, stream.Key, function),
		}
		return operator.Instance{Operator: p, Inputs: []any{operator.Input[In](p)}}, nil
	}
}

type keyedProcessing[K comparable, In, Out any] struct {
	operator.Base[Out]
	keyedFunction[K, Out]
	keys     keyed.Keys[K, In]
	function operator.KeyedProcessFunction[K, In, Out]
}

func (p *keyedProcessing[K, In, Out]) Open() error   { return p.open() }
func (p *keyedProcessing[K, In, Out]) Finish() error { return p.finish() }
func (p *keyedProcessing[K, In, Out]) Close() error  { return p.close() }

func (p *keyedProcessing[K, In, Out]) Process(batch *element.Batch[In]) (err error) {
	defer p.Ctx.Guard(&err)
	p.Ctx.RecordsIn.Add(uint64(batch.Len()))
	return each(&p.keyedFunction, &p.keys, batch, p.function)
}

func (p *keyedProcessing[K, In, Out]) Watermark(at int64) error {
	if err := p.advance(at); err != nil {
		return err
	}
	return p.Base.Watermark(at)
}

// KeyedCo calls a function on two streams that are keyed alike.
func KeyedCo[K comparable, In1, In2, Out any](stream1 keyed.Stream[K, In1], stream2 keyed.Stream[K, In2],
	newFunction func() operator.KeyedCoProcessFunction[K, In1, In2, Out]) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		function := newFunction()
		p := &keyedCoProcessing[K, Out]{Two: operator.NewTwo[Out](ctx, out)}
		p.keyedFunction = newKeyedFunction(ctx, out, p.Next, stream1.Key, function)
		p.OnWatermark = p.advance
		first, second := coFirst[K, In1, In2, Out]{function}, coSecond[K, In1, In2, Out]{function}
		keys1, keys2 := keyed.Keys[K, In1]{Stream: stream1}, keyed.Keys[K, In2]{Stream: stream2}
		return operator.Instance{Operator: p, Inputs: []any{
			operator.InputOf(&p.Two, 0, func(batch *element.Batch[In1]) error {
				return each(&p.keyedFunction, &keys1, batch, first)
			}),
			operator.InputOf(&p.Two, 1, func(batch *element.Batch[In2]) error {
				return each(&p.keyedFunction, &keys2, batch, second)
			}),
		}}, nil
	}
}

// coFirst and coSecond are the two halves of a function on two streams.
type (
	coFirst[K, In1, In2, Out any] struct {
		operator.KeyedCoProcessFunction[K, In1, In2, Out]
	}
	coSecond[K, In1, In2, Out any] struct {
		operator.KeyedCoProcessFunction[K, In1, In2, Out]
	}
)

func (f coFirst[K, In1, In2, Out]) Process(ctx *operator.KeyedContext[K], in In1, out operator.Collector[Out]) error {
	return f.Process1(ctx, in, out)
}

func (f coSecond[K, In1, In2, Out]) Process(ctx *operator.KeyedContext[K], in In2, out operator.Collector[Out]) error {
	return f.Process2(ctx, in, out)
}

type keyedCoProcessing[K comparable, Out any] struct {
	operator.Two[Out]
	keyedFunction[K, Out]
}

func (p *keyedCoProcessing[K, Out]) Open() error   { return p.open() }
func (p *keyedCoProcessing[K, Out]) Finish() error { return p.finish() }
func (p *keyedCoProcessing[K, Out]) Close() error  { return p.close() }
