// Package rolling has the aggregates that emit a new result for each record of a keyed stream: reduce, sum, min, max,
// minBy, maxBy and count. All are one operator, a fold.
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

// Emission says when a fold emits.
type Emission uint8

// The emissions.
const (
	// EachRecord emits the new result for each record, as Flink's rolling aggregates do.
	EachRecord Emission = iota
	// AtEnd emits the final result of each key once, at the end of a bounded input.
	AtEnd
)

// Fold is what a rolling aggregate does to the accumulator of a key.
type Fold[K comparable, In, Acc, Out any] struct {
	keyed.Stream[K, In]
	// Accumulators is the codec of the accumulators.
	Accumulators codec.Codec[Acc]
	// Add folds a record into the key's accumulator, which is fresh (zero) for the first one. It leaves the record as it is.
	Add func(acc *Acc, fresh bool, in *In)
	// Result makes what is emitted for an accumulator.
	Result func(key K, acc *Acc) Out
	Emit   Emission
}

// stateName is the name of a fold's only state.
const stateName = "accumulator"

// States describes the state of a fold, for the graph.
func States[K comparable, Acc any](key codec.Key[K], accumulators codec.Codec[Acc]) []snapshot.State {
	return keyed.DescribeBackend(state.Keys[K]{Codec: key}, []state.Descriptor{descriptor(accumulators)})
}

func descriptor[Acc any](accumulators codec.Codec[Acc]) state.Descriptor {
	return state.Describe(stateName, state.KindValue, accumulators)
}

// open opens the state of an aggregate and reads what it was.
func open[K any](ctx *operator.Context, key codec.Key[K], d state.Descriptor) (*keyed.Store, state.Backend[K], error) {
	store, err := keyed.OpenStore(ctx)
	if err != nil {
		return nil, nil, err
	}
	backend, err := keyed.Backend(store, state.Keys[K]{Codec: key}, []state.Descriptor{d})
	if err == nil {
		err = store.Restore()
	}
	return store, backend, err
}

// closeStore closes a store that may not have been opened.
func closeStore(store *keyed.Store) error {
	if store == nil {
		return nil
	}
	return store.Close()
}

// Factory makes the operator.
func (f Fold[K, In, Acc, Out]) Factory() operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		base := operator.NewBase[Out](ctx, out)
		o := &folding[K, In, Acc, Out]{
			Base: base, fold: f, keys: keyed.Keys[K, In]{Stream: f.Stream},
			descriptor: descriptor(f.Accumulators), buffer: operator.NewBuffer(base.Next, ctx.RecordsOut),
		}
		return operator.Instance{Operator: o, Inputs: []any{operator.Input[In](o)}}, nil
	}
}

type folding[K comparable, In, Acc, Out any] struct {
	operator.Base[Out]
	fold       Fold[K, In, Acc, Out]
	keys       keyed.Keys[K, In]
	descriptor state.Descriptor
	store      *keyed.Store
	backend    state.Backend[K]
	buffer     *operator.Buffer[Out]

	out   element.Batch[Out]
	cells []unsafe.Pointer
	fresh []bool
	// value is the accumulator of the current key where accumulators are kept encoded.
	value *encodedValue[Acc]
}

func (o *folding[K, In, Acc, Out]) Open() (err error) {
	if o.store, o.backend, err = open(o.Ctx, o.fold.Key, o.descriptor); err != nil {
		return err
	}
	if o.descriptor.Inline == 0 {
		o.value = &encodedValue[Acc]{cell: o.backend.Value(0), codec: o.fold.Accumulators}
	}
	return nil
}

func (o *folding[K, In, Acc, Out]) Close() error { return closeStore(o.store) }

func (o *folding[K, In, Acc, Out]) Mark(kind snapshot.MarkKind) (operator.Capture, error) {
	return o.store.Mark(kind)
}

func (o *folding[K, In, Acc, Out]) Process(batch *element.Batch[In]) (err error) {
	defer o.Ctx.Guard(&err)
	o.Ctx.RecordsIn.Add(uint64(batch.Len()))
	keys, hashes, err := o.keys.Of(batch)
	if err != nil {
		return err
	}
	values := operator.Resize(&o.out.Values, batch.Len())
	if o.fold.Emit == AtEnd {
		values = nil
	}
	if o.value == nil {
		o.addInline(batch.Values, keys, hashes, values)
	} else if err := o.addEncoded(batch.Values, keys, hashes, values); err != nil {
		return err
	}
	if values == nil {
		return nil
	}
	o.out.Timestamps = batch.Timestamps
	return o.Base.Emit(&o.out)
}

// addInline folds records into accumulators that the backend keeps as they are, found for the whole batch at once.
func (o *folding[K, In, Acc, Out]) addInline(in []In, keys []K, hashes []uint64, out []Out) {
	cells := operator.Resize(&o.cells, len(in))
	fresh := operator.Resize(&o.fresh, len(in))
	o.backend.Upsert(0, keys, hashes, cells, fresh)
	add, result := o.fold.Add, o.fold.Result
	for i := range in {
		acc := (*Acc)(cells[i])
		add(acc, fresh[i], &in[i])
		if out != nil {
			out[i] = result(keys[i], acc)
		}
	}
}

// addEncoded folds records into accumulators that are decoded and encoded again.
func (o *folding[K, In, Acc, Out]) addEncoded(in []In, keys []K, hashes []uint64, out []Out) error {
	o.backend.Prepare(keys, hashes)
	for i := range in {
		o.backend.SeekAt(i)
		acc, fresh, err := o.value.load()
		if err != nil {
			return err
		}
		o.fold.Add(acc, fresh, &in[i])
		o.value.store(acc)
		if out != nil {
			out[i] = o.fold.Result(keys[i], acc)
		}
	}
	return nil
}

// Finish emits the finals.
func (o *folding[K, In, Acc, Out]) Finish() (err error) {
	if o.fold.Emit != AtEnd {
		return nil
	}
	defer o.Ctx.Guard(&err)
	cell := o.backend.Value(0)
	out := o.buffer.Collector()
	o.backend.Each(0, func(key K) bool {
		acc := new(Acc)
		if o.value == nil {
			*acc = *(*Acc)(cell.Load())
		} else if acc, _, err = o.value.load(); err != nil {
			return false
		}
		out.Collect(o.fold.Result(key, acc))
		if err = o.buffer.Err(); err == nil {
			err = o.Ctx.Go.Err()
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	return o.buffer.Flush()
}

// encodedValue reads and writes the encoded accumulator of the backend's current key.
type encodedValue[Acc any] struct {
	cell    state.ValueCell
	codec   codec.Codec[Acc]
	scratch []byte
}

func (v *encodedValue[Acc]) load() (acc *Acc, fresh bool, err error) {
	acc = new(Acc)
	encoded, ok := v.cell.LoadBytes()
	if !ok {
		return acc, true, nil
	}
	_, err = v.codec.Decode(encoded, acc)
	return acc, false, err
}

func (v *encodedValue[Acc]) store(acc *Acc) {
	v.scratch = v.codec.Append(v.scratch[:0], acc)
	v.cell.StoreBytes(v.scratch)
}
