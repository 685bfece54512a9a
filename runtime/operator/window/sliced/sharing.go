package sliced

import (
	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// sharing is what is derived of slices so that overlapping windows need not merge all of theirs anew. Slices are known
// by their index.
type sharing[K comparable, Acc any] interface {
	// advance makes the window that ends with a slice the current one.
	advance(last int64, panes state.Panes[K])
	// each calls f with what the current window has for each key; acc is f's own.
	each(f func(key K, hash uint64, acc *Acc) error) error
	// holds reports whether a slice has been taken into account for the current window or later ones, so that late
	// records of it must be told.
	holds(index int64) bool
	// late adds an accumulator of late records to a slice.
	late(index int64, key K, hash uint64, acc *Acc)
}

// form is how accumulators are kept here: as they are, or encoded in bytes that are never changed, so that no two of them
// share memory.
type form[Acc, S any] interface {
	load(cell state.ValueCell) S
	from(acc *Acc) S
	to(s *S, acc *Acc)
	// merge puts a later accumulator into into.
	merge(into, later *S)
}

type plain[Acc any] struct{ add func(acc, later *Acc) }

func (plain[Acc]) load(cell state.ValueCell) Acc { return *(*Acc)(cell.Load()) }
func (plain[Acc]) from(acc *Acc) Acc             { return *acc }
func (plain[Acc]) to(s *Acc, acc *Acc)           { *acc = *s }
func (p plain[Acc]) merge(into, later *Acc)      { p.add(into, later) }

type encoded[Acc any] struct {
	codec codec.Codec[Acc]
	add   func(acc, later *Acc)
}

func (encoded[Acc]) load(cell state.ValueCell) []byte {
	bytes, _ := cell.LoadBytes()
	return append([]byte(nil), bytes...)
}
func (e encoded[Acc]) from(acc *Acc) []byte { return e.codec.Append(nil, acc) }
func (e encoded[Acc]) to(s *[]byte, acc *Acc) {
	var none Acc
	*acc = none
	decode(e.codec, *s, acc)
}
func (e encoded[Acc]) merge(into, later *[]byte) {
	var a, b Acc
	decode(e.codec, *into, &a)
	decode(e.codec, *later, &b)
	e.add(&a, &b)
	*into = e.codec.Append(make([]byte, 0, max(len(*into), len(*later))), &a)
}

func newSharing[K comparable, Acc any](ctx *operator.Context, cut slicing, keys state.Keys[K], accs codec.Codec[Acc], inline bool, merge func(acc, later *Acc)) (sharing[K, Acc], error) {
	if inline {
		return newBlocks(ctx, cut, keys, form[Acc, Acc](plain[Acc]{merge}))
	}
	return newBlocks(ctx, cut, keys, form[Acc, []byte](encoded[Acc]{accs, merge}))
}
