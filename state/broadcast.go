package state

import (
	"fmt"
	"iter"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// Broadcast is a map from K to V that is equal in all subtasks of an operator, because all make the same changes to it:
// those for broadcast records. It is iterated in the order of first insertion. After a restore each subtask, however many there
// are, has it whole. Declare it as an exported field of a function; its zero value is ready for that. It is used by the
// goroutine that calls the function.
type Broadcast[K comparable, V any] struct {
	frozen
	keys    codec.Key[K]
	codec   codec.Codec[V]
	places  map[K]int
	entries []broadcastEntry[K, V]
}

type broadcastEntry[K comparable, V any] struct {
	key     K
	value   V
	removed bool
}

// Get returns the value of key, and false with the zero V if it has none. The value is not to be changed in place.
func (b *Broadcast[K, V]) Get(key K) (value V, ok bool) {
	if place, ok := b.places[key]; ok {
		return b.entries[place].value, true
	}
	return value, false
}

// Contains reports whether key has a value.
func (b *Broadcast[K, V]) Contains(key K) bool {
	_, ok := b.places[key]
	return ok
}

// Put sets the value of key.
func (b *Broadcast[K, V]) Put(key K, value V) {
	b.changed()
	if place, ok := b.places[key]; ok {
		b.entries[place].value = value
		return
	}
	if b.places == nil {
		panic(unbound[map[K]V]("Broadcast"))
	}
	if key != key {
		panic(fmt.Sprintf("%v cannot be a key of broadcast state, since it does not equal itself (NaN)", key))
	}
	b.places[key] = len(b.entries)
	b.entries = append(b.entries, broadcastEntry[K, V]{key: key, value: value})
}

// Remove removes key, if there.
func (b *Broadcast[K, V]) Remove(key K) {
	b.changed()
	place, ok := b.places[key]
	if !ok {
		return
	}
	delete(b.places, key)
	b.entries[place] = broadcastEntry[K, V]{removed: true}
	if len(b.entries) > 2*len(b.places)+16 {
		b.close()
	}
}

// close drops the entries that were removed. An iteration under way goes on over the former ones.
func (b *Broadcast[K, V]) close() {
	entries := make([]broadcastEntry[K, V], 0, len(b.places))
	for _, e := range b.entries {
		if !e.removed {
			b.places[e.key] = len(entries)
			entries = append(entries, e)
		}
	}
	b.entries = entries
}

// Len is the number of keys.
func (b *Broadcast[K, V]) Len() int { return len(b.places) }

// All iterates over keys and values. What the loop changes is seen or not; nothing is seen twice.
func (b *Broadcast[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, e := range b.entries {
			if !e.removed && !yield(e.key, e.value) {
				return
			}
		}
	}
}

// Keys iterates over the keys, as All does.
func (b *Broadcast[K, V]) Keys() iter.Seq[K] {
	return func(yield func(K) bool) {
		b.All()(func(key K, _ V) bool { return yield(key) })
	}
}

// Values iterates over the values, as All does.
func (b *Broadcast[K, V]) Values() iter.Seq[V] {
	return func(yield func(V) bool) {
		b.All()(func(_ K, value V) bool { return yield(value) })
	}
}

// Clear removes all keys.
func (b *Broadcast[K, V]) Clear() {
	b.changed()
	clear(b.places)
	b.entries = nil
}

func (b *Broadcast[K, V]) open() (err error) {
	b.places, b.entries = map[K]int{}, nil
	if b.keys, err = codec.ForKey[K](); err != nil {
		return err
	}
	b.codec, err = codec.For[V]()
	return err
}

func (b *Broadcast[K, V]) list() snapshot.List {
	return snapshot.List{Redistribution: snapshot.Broadcast, Key: b.keys.Schema(), Element: b.codec.Schema()}
}

func (b *Broadcast[K, V]) export() [][]byte {
	encoded := make([][]byte, 0, len(b.places))
	for i := range b.entries {
		if e := &b.entries[i]; !e.removed {
			encoded = append(encoded, b.codec.Append(b.keys.Append(nil, &e.key), &e.value))
		}
	}
	return encoded
}

func (b *Broadcast[K, V]) restore(encoded [][]byte, key, element *schema.Schema) error {
	if _, err := schema.Compatible(key, b.keys.Schema()); err != nil {
		return err
	}
	b.places, b.entries = map[K]int{}, nil
	keys := make([]K, len(encoded))
	values := make([][]byte, len(encoded))
	for i, e := range encoded {
		var err error
		if values[i], err = b.keys.Decode(e, &keys[i]); err != nil {
			return fmt.Errorf("key of element %d: %w", i, err)
		}
	}
	next := 0
	return decodeAll(values, element, func(value V) {
		b.Put(keys[next], value)
		next++
	})
}
