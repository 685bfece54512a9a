// Package keyed has what operators on keyed streams share: the keys of a batch and the backend of their state.
package keyed

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Stream is how the records of a keyed stream get their keys.
type Stream[K comparable, T any] struct {
	Selector func(T) K
	Key      codec.Key[K]
}

// Keys computes the keys of batches, reusing its memory.
type Keys[K comparable, T any] struct {
	Stream[K, T]
	keys   []K
	hashes []uint64
}

// Of returns the key and the stable hash of each record, valid until the next call. The hashes are those that came with
// the batch, where it was partitioned by key.
func (k *Keys[K, T]) Of(batch *element.Batch[T]) ([]K, []uint64, error) {
	keys := operator.Resize(&k.keys, batch.Len())
	selector := k.Selector
	for i, v := range batch.Values {
		keys[i] = selector(v)
	}
	if len(batch.Hashes) == len(keys) {
		return keys, batch.Hashes, nil
	}
	hashes := operator.Resize(&k.hashes, len(keys))
	if bad := k.Key.Hash(keys, hashes); bad >= 0 {
		return nil, nil, fmt.Errorf("%v cannot be a key, since it does not equal itself (NaN); replace it in the key selector", keys[bad])
	}
	return keys, hashes, nil
}
