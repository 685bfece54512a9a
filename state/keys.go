package state

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state/keygroup"
)

// Keys is what a backend knows of its keys: their encoding and their stable hash.
type Keys[K any] struct {
	Codec codec.Key[K]
	// Hash overwrites hashes with the stable hash of each key; nil stands for Codec.Hash. Keys made of a record's key and
	// a window or another namespace have one of their own, whose upper half is that of the record's key.
	Hash func(keys []K, hashes []uint64)
}

// HashesOf fills hashes with the stable hashes of keys, which a snapshot's reader needs.
func (k Keys[K]) HashesOf(keys []K, hashes []uint64) error {
	if k.Hash != nil {
		k.Hash(keys, hashes)
		return nil
	}
	if bad := k.Codec.Hash(keys, hashes); bad >= 0 {
		return fmt.Errorf("%v cannot be a key, since it does not equal itself (NaN)", keys[bad])
	}
	return nil
}

// Windowed is a record's key with a window [Start, End) of it: the key of state that is kept per key and window.
type Windowed[K comparable] struct {
	Key        K
	Start, End int64
}

// WindowedHash is the stable hash of a key and a window, from that of the key: its upper half, which chooses the key group,
// is the key's.
func WindowedHash(key uint64, start, end int64) uint64 {
	mixed := keygroup.HashWord(key ^ uint64(start)*0x9e3779b97f4a7c15 ^ uint64(end)*0xc2b2ae3d27d4eb4f)
	return key&^0xffffffff | mixed>>32
}

// WindowedKeys derives the keys of windowed state.
func WindowedKeys[K comparable](keys Keys[K]) (Keys[Windowed[K]], error) {
	c, err := codec.ForKey[Windowed[K]]()
	if err != nil {
		return Keys[Windowed[K]]{}, err
	}
	var plain []K
	return Keys[Windowed[K]]{Codec: c, Hash: func(windowed []Windowed[K], hashes []uint64) {
		plain = plain[:0]
		for _, w := range windowed {
			plain = append(plain, w.Key)
		}
		_ = keys.HashesOf(plain, hashes) // a key with a NaN has never come as far as here
		for i, w := range windowed {
			hashes[i] = WindowedHash(hashes[i], w.Start, w.End)
		}
	}}, nil
}
