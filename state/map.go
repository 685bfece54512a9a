package state

import (
	"iter"

	"github.com/weir-stream/weir/api/codec"
)

// Map is a map from K to V per key, iterated in no particular order. Declare it as an exported field of a
// function; its zero value is ready for that. A map without entries and an absent one are the same.
type Map[K comparable, V any] struct{ bound *boundMap[K, V] }

type boundMap[K comparable, V any] struct {
	cell       MapCell
	keys       port[K]
	values     port[V]
	key, value []byte
	// ttl is the cell if values have a time to live.
	ttl *ttlMap
}

// Get returns the value of key, and false with the zero V if it has none.
func (m *Map[K, V]) Get(key K) (value V, ok bool) {
	b := m.binding()
	encoded, ok := b.cell.Get(b.encodeKey(key))
	if !ok {
		return value, false
	}
	value, _ = b.values.decode(encoded)
	return value, true
}

// Put sets the value of key.
func (m *Map[K, V]) Put(key K, value V) {
	b := m.binding()
	b.value = b.values.encode(b.value[:0], value)
	b.cell.Put(b.encodeKey(key), b.value)
}

// Remove removes key, if there.
func (m *Map[K, V]) Remove(key K) {
	b := m.binding()
	b.cell.Remove(b.encodeKey(key))
}

// Contains reports whether key has a value.
func (m *Map[K, V]) Contains(key K) bool {
	b := m.binding()
	_, ok := b.cell.Get(b.encodeKey(key))
	return ok
}

// Len is the number of keys of the map.
func (m *Map[K, V]) Len() int { return m.binding().cell.Len() }

// IsEmpty reports whether the map has no keys.
func (m *Map[K, V]) IsEmpty() bool { return m.Len() == 0 }

// All iterates over keys and values. The loop may change the map: a key removed before it was reached is not visited, one
// added may be.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	b := m.binding()
	return func(yield func(K, V) bool) {
		b.cell.Each(func(key, value []byte) bool {
			k, _ := b.keys.decode(key)
			v, _ := b.values.decode(value)
			return yield(k, v)
		})
	}
}

// Keys iterates over the keys, as All does.
func (m *Map[K, V]) Keys() iter.Seq[K] {
	b := m.binding()
	return func(yield func(K) bool) {
		b.cell.Each(func(key, _ []byte) bool {
			k, _ := b.keys.decode(key)
			return yield(k)
		})
	}
}

// Values iterates over the values, as All does.
func (m *Map[K, V]) Values() iter.Seq[V] {
	b := m.binding()
	return func(yield func(V) bool) {
		b.cell.Each(func(_, value []byte) bool {
			v, _ := b.values.decode(value)
			return yield(v)
		})
	}
}

// Clear removes all keys.
func (m *Map[K, V]) Clear() { m.binding().cell.Clear() }

func (b *boundMap[K, V]) encodeKey(key K) []byte {
	b.key = b.keys.encode(b.key[:0], key)
	return b.key
}

func (m *Map[K, V]) binding() *boundMap[K, V] {
	if m.bound == nil {
		panic(unbound[map[K]V]("Map"))
	}
	return m.bound
}

func (m *Map[K, V]) describe() (Descriptor, error) {
	keys, err := codec.ForKey[K]()
	if err != nil {
		return Descriptor{}, err
	}
	d, err := describe[V](KindMap)
	d.KeySchema = keys.Schema()
	return d, err
}

func (m *Map[K, V]) bind(store Store, c Column, d Descriptor, now func() int64) {
	keys, err := codec.ForKey[K]()
	if err != nil {
		panic(err) // describe has checked it
	}
	m.bound = &boundMap[K, V]{cell: store.Map(c)}
	if life := lifetimeOf(d, now); life != nil {
		m.bound.ttl = &ttlMap{cell: m.bound.cell, lifetime: life}
		m.bound.cell = m.bound.ttl
	}
	m.bound.keys = port[K]{name: d.Name, codec: keys}
	m.bound.values = port[V]{name: d.Name, codec: codecOf[V](d)}
}

func (m *Map[K, V]) expire() {
	if ttl := m.binding().ttl; ttl != nil {
		ttl.expire()
	}
}
