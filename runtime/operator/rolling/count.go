package rolling

import (
	"unsafe"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/state"
)

// Count counts the records of each key. It is a Fold with its loop written out, since the functions would cost more than
// the count.
func Count[K comparable, In, Out any](stream keyed.Stream[K, In], counts codec.Codec[int64], result func(K, int64) Out, emit Emission) operator.Factory {
	fold := Fold[K, In, int64, Out]{
		Stream: stream, Accumulators: counts, Emit: emit,
		Add:    func(acc *int64, _ bool, _ *In) { *acc++ },
		Result: func(key K, acc *int64) Out { return result(key, *acc) },
	}
	generic := fold.Factory()
	if emit == AtEnd {
		return generic
	}
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		c := &counting[K, In, Out]{
			Base: operator.NewBase[Out](ctx, out), keys: keyed.Keys[K, In]{Stream: stream},
			descriptor: descriptor(counts), result: result,
		}
		return operator.Instance{Operator: c, Inputs: []any{operator.Input[In](c)}}, nil
	}
}

type counting[K comparable, In, Out any] struct {
	operator.Base[Out]
	keys       keyed.Keys[K, In]
	descriptor state.Descriptor
	store      *keyed.Store
	backend    state.Backend[K]
	result     func(K, int64) Out
	out        element.Batch[Out]
	cells      []unsafe.Pointer
}

func (c *counting[K, In, Out]) Open() (err error) {
	c.store, c.backend, err = open(c.Ctx, c.keys.Key, c.descriptor)
	return err
}

func (c *counting[K, In, Out]) Close() error { return closeStore(c.store) }

func (c *counting[K, In, Out]) Mark(kind snapshot.MarkKind) (operator.Capture, error) {
	return c.store.Mark(kind)
}

func (c *counting[K, In, Out]) Process(batch *element.Batch[In]) (err error) {
	defer c.Ctx.Guard(&err)
	c.Ctx.RecordsIn.Add(uint64(batch.Len()))
	keys, hashes, err := c.keys.Of(batch)
	if err != nil {
		return err
	}
	cells := operator.Resize(&c.cells, len(keys))
	c.backend.Upsert(0, keys, hashes, cells, nil)
	out := operator.Resize(&c.out.Values, len(keys))
	result := c.result
	for i, key := range keys {
		count := (*int64)(cells[i])
		*count++
		out[i] = result(key, *count)
	}
	c.out.Timestamps = batch.Timestamps
	return c.Emit(&c.out)
}
