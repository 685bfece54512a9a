package sliced

import (
	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state"
)

// accumulators reads and writes the accumulators of backends, which keep them as they are or encoded.
type accumulators[Acc any] struct {
	codec   codec.Codec[Acc]
	inline  bool
	scratch []byte
}

// load overwrites acc with the current key's, a copy that shares no memory, or makes it zero if there is none.
func (a *accumulators[Acc]) load(cell state.ValueCell, acc *Acc) bool {
	var none Acc
	*acc = none
	if a.inline {
		p := cell.Load()
		if p != nil {
			*acc = *(*Acc)(p)
		}
		return p != nil
	}
	encoded, ok := cell.LoadBytes()
	if ok {
		decode(a.codec, encoded, acc)
	}
	return ok
}

func (a *accumulators[Acc]) store(cell state.ValueCell, acc *Acc) {
	if a.inline {
		p, _ := cell.Store()
		*(*Acc)(p) = *acc
		return
	}
	a.scratch = a.codec.Append(a.scratch[:0], acc)
	cell.StoreBytes(a.scratch)
}

func decode[Acc any](c codec.Codec[Acc], encoded []byte, acc *Acc) {
	if _, err := c.Decode(encoded, acc); err != nil {
		panic(&state.Failure{State: stateName, Action: "decode an accumulator of", Cause: err})
	}
}
