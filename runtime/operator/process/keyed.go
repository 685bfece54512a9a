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
			with: keyedFunction[K]{function: function, key: stream.Key}, buffer: operator.NewBuffer(base.Next, ctx.RecordsOut),
		}
		return operator.Instance{Operator: p, Inputs: []any{operator.Input[In](p)}}, nil
	}
}

type keyedProcessing[K comparable, In, Out any] struct {
	operator.Base[Out]
	keys     keyed.Keys[K, In]
	function operator.KeyedProcessFunction[K, In, Out]
	with     keyedFunction[K]
	buffer   *operator.Buffer[Out]
}

func (p *keyedProcessing[K, In, Out]) Open() error  { return p.with.open(p.Ctx) }
func (p *keyedProcessing[K, In, Out]) Close() error { return p.with.close() }

func (p *keyedProcessing[K, In, Out]) Process(batch *element.Batch[In]) (err error) {
	defer p.Ctx.Guard(&err)
	p.Ctx.RecordsIn.Add(uint64(batch.Len()))
	return eachKeyed(batch, &p.keys, &p.with, p.buffer, p.function.Process)
}

func (p *keyedProcessing[K, In, Out]) Finish() error { return finishKeyed(&p.with, p.buffer) }

// eachKeyed calls a function for each record of a batch, with the record's key current.
func eachKeyed[K comparable, In, Out any](batch *element.Batch[In], keys *keyed.Keys[K, In], with *keyedFunction[K], buffer *operator.Buffer[Out],
	function func(*operator.KeyedContext[K], In, operator.Collector[Out]) error) error {
	all, hashes, err := keys.Of(batch)
	if err != nil {
		return err
	}
	with.backend.Prepare(all, hashes)
	out := buffer.Collector()
	for i, v := range batch.Values {
		timestamp := batch.TimestampAt(i)
		with.backend.SeekAt(i)
		with.context.AtKey(all[i], timestamp)
		buffer.At(timestamp)
		if err := function(with.context, v, out); err != nil {
			return err
		}
		if err := buffer.Err(); err != nil {
			return err
		}
	}
	with.context.LeaveKey()
	return buffer.Flush()
}

func finishKeyed[K comparable, Out any](with *keyedFunction[K], buffer *operator.Buffer[Out]) error {
	f, ok := with.function.(operator.KeyedFinisher[K, Out])
	if !ok {
		return nil
	}
	with.context.LeaveKey()
	buffer.At(element.NoTimestamp)
	if err := f.Finish(with.context, buffer.Collector()); err != nil {
		return err
	}
	return buffer.Flush()
}

// KeyedCo calls a function on two streams that are keyed alike.
func KeyedCo[K comparable, In1, In2, Out any](first keyed.Stream[K, In1], second keyed.Stream[K, In2],
	newFunction func() operator.KeyedCoProcessFunction[K, In1, In2, Out]) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		function := newFunction()
		p := &keyedCoProcessing[K, In1, In2, Out]{
			Two: operator.NewTwo[Out](ctx, out), with: keyedFunction[K]{function: function, key: first.Key},
		}
		p.buffer = operator.NewBuffer(p.Next, ctx.RecordsOut)
		keys1, keys2 := keyed.Keys[K, In1]{Stream: first}, keyed.Keys[K, In2]{Stream: second}
		return operator.Instance{Operator: p, Inputs: []any{
			operator.InputOf(&p.Two, 0, func(batch *element.Batch[In1]) error {
				return eachKeyed(batch, &keys1, &p.with, p.buffer, function.Process1)
			}),
			operator.InputOf(&p.Two, 1, func(batch *element.Batch[In2]) error {
				return eachKeyed(batch, &keys2, &p.with, p.buffer, function.Process2)
			}),
		}}, nil
	}
}

type keyedCoProcessing[K comparable, In1, In2, Out any] struct {
	operator.Two[Out]
	with   keyedFunction[K]
	buffer *operator.Buffer[Out]
}

func (p *keyedCoProcessing[K, In1, In2, Out]) Open() error   { return p.with.open(p.Ctx) }
func (p *keyedCoProcessing[K, In1, In2, Out]) Finish() error { return finishKeyed(&p.with, p.buffer) }
func (p *keyedCoProcessing[K, In1, In2, Out]) Close() error  { return p.with.close() }
