package process

import (
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/operatorstate"
)

// Broadcast calls a function on a stream without keys and one that is broadcast. Broadcast state can be changed for records of
// the second only.
func Broadcast[In, B, Out any](newFunction func() operator.BroadcastProcessFunction[In, B, Out]) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		function := newFunction()
		p := &broadcasting[Out]{Two: operator.NewTwo[Out](ctx, out)}
		p.plainFunction = newPlainFunction(ctx, out, p.Next, function)
		p.OnWatermark = p.advance
		context := operator.NewBroadcastContext(p.context)
		return operator.Instance{Operator: p, Inputs: []any{
			operator.InputOf(&p.Two, 0, func(batch *element.Batch[In]) error {
				return eachPlain(&p.plainFunction, batch, p.context, function.Process)
			}),
			operator.InputOf(&p.Two, 1, func(batch *element.Batch[B]) error {
				operatorstate.ReadOnly(p.without, false)
				defer operatorstate.ReadOnly(p.without, true)
				return eachPlain(&p.plainFunction, batch, context, function.ProcessBroadcast)
			}),
		}}, nil
	}
}

type broadcasting[Out any] struct {
	operator.Two[Out]
	plainFunction[Out]
}

func (p *broadcasting[Out]) Open() error {
	if err := p.open(); err != nil {
		return err
	}
	operatorstate.ReadOnly(p.without, true)
	return nil
}

func (p *broadcasting[Out]) Finish() error { return p.finish() }
func (p *broadcasting[Out]) Close() error  { return p.close() }

// KeyedBroadcast calls a function on a keyed stream and one that is broadcast. Broadcast state can be changed for records of the
// second only.
func KeyedBroadcast[K comparable, In, B, Out any](stream keyed.Stream[K, In],
	newFunction func() operator.KeyedBroadcastProcessFunction[K, In, B, Out]) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		function := newFunction()
		p := &keyedBroadcasting[K, Out]{Two: operator.NewTwo[Out](ctx, out)}
		p.keyedFunction = newKeyedFunction(ctx, out, p.Next, stream.Key, function)
		p.OnWatermark = p.advance
		keys := keyed.Keys[K, In]{Stream: stream}
		return operator.Instance{Operator: p, Inputs: []any{
			operator.InputOf(&p.Two, 0, func(batch *element.Batch[In]) error {
				return each(&p.keyedFunction, &keys, batch, operator.KeyedProcessFunction[K, In, Out](function))
			}),
			operator.InputOf(&p.Two, 1, func(batch *element.Batch[B]) error {
				operatorstate.ReadOnly(p.without, false)
				defer operatorstate.ReadOnly(p.without, true)
				return eachBroadcast(&p.keyedFunction, batch, p.broadcast, function.ProcessBroadcast)
			}),
		}}, nil
	}
}

type keyedBroadcasting[K comparable, Out any] struct {
	operator.Two[Out]
	keyedFunction[K, Out]
	broadcast *operator.KeyedBroadcastContext[K]
}

func (p *keyedBroadcasting[K, Out]) Open() error {
	if err := p.open(); err != nil {
		return err
	}
	p.broadcast = operator.NewKeyedBroadcastContext(p.context)
	operatorstate.ReadOnly(p.without, true)
	return nil
}

func (p *keyedBroadcasting[K, Out]) Finish() error { return p.finish() }
func (p *keyedBroadcasting[K, Out]) Close() error  { return p.close() }

// eachBroadcast calls the function for every record of a broadcast batch, with no key current.
func eachBroadcast[K comparable, B, Out any](f *keyedFunction[K, Out], batch *element.Batch[B], context *operator.KeyedBroadcastContext[K],
	call func(ctx *operator.KeyedBroadcastContext[K], in B, out operator.Collector[Out]) error) error {
	f.look()
	f.leaveKey()
	buffer, out, timestamps := f.buffer, f.buffer.Collector(), batch.Timestamps
	context.AtBatch(timestamps)
	urgent := f.ctx.Urgent()
	for i, v := range batch.Values {
		if operator.Waits(urgent) {
			if err := f.ctx.GiveWay(); err != nil {
				return err
			}
		}
		context.AtRecord(i)
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
	f.clean()
	return f.flush()
}
