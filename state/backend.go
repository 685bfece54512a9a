// Package state has keyed state as functions see it (Value, List, Map, Reducing, Aggregating) and the contract of the
// backends that keep it.
//
// A function declares its state as fields of its struct; [Fields] finds them, the runtime opens a backend with their
// descriptors and binds them. From then on each handle shows the state of the backend's current key.
package state

import "unsafe"

// Column numbers the states of one backend: the position of a state's descriptor in Open.
type Column int

// AnyColumn stands for all columns in [Backend.Each].
const AnyColumn Column = -1

// MaxColumns is how many states one operator may have.
const MaxColumns = 16

// Store is the part of a backend that does not depend on the type of its keys. One goroutine owns it, as it does every
// cell and handle that comes from it.
//
// A backend whose storage fails panics with a [*Failure], from any method; the task recovers it.
type Store interface {
	Durable
	// Open declares all states, once and before anything else. It refuses what this backend cannot keep, with an
	// error that names the state.
	Open(descriptors []Descriptor) error
	// Value, List and Map give access to the state of a column for the current key. Columns of KindReducing and
	// KindAggregating are values. They panic if the column is of another kind.
	Value(c Column) ValueCell
	List(c Column) ListCell
	Map(c Column) MapCell
	// Scan calls f for some of the keys that have any state, about limit, with that key current, going on where the last
	// Scan stopped, and reports when it has come to the end; the next call begins anew. f may read and clear state of the current
	// key, and state may change between calls: keys that are there all the time are visited. No key is current afterwards.
	Scan(limit int, f func()) (end bool)
	// Len is the number of keys that have any state.
	Len() int64
	// Bytes is the memory held, in bytes.
	Bytes() int64
	// Close gives everything back. The backend, its cells and all addresses from it are dead afterwards.
	Close()
}

// Backend is the keyed state of one operator subtask: one index of its keys, a column per state.
//
// Every key comes with its stable hash. The upper 32 bits of a hash choose the key group, the lower 32 the place
// within: a caller that keeps several entries for one key (one per window) may give each its own lower half.
type Backend[K any] interface {
	Store

	// Prepare announces a batch whose keys are about to be visited with SeekAt, so that the backend can bring all of
	// them near at once. Both slices stay unchanged until the next Prepare. It leaves no key current.
	Prepare(keys []K, hashes []uint64)
	// SeekAt makes key i of the prepared batch the current one. Changes of state in between, of these keys and
	// others, are allowed.
	SeekAt(i int)
	// Seek makes any key the current one. Neither way inserts the key.
	Seek(key K, hash uint64)
	// CurrentKey returns the current key. It panics if there is none.
	CurrentKey() K

	// Upsert finds or creates the entry of each key and stores the address of the column's fixed-size value in
	// cells; fresh, unless nil, tells where the value was absent: it is then zeroed and counts as present. The same key twice in
	// a batch gives the same address, fresh the first time. Addresses are valid until the next call of any method
	// of the backend, its cells or handles. It leaves no key current, and panics if values of the column are not kept inline
	// (Descriptor.Inline is 0).
	Upsert(c Column, keys []K, hashes []uint64, cells []unsafe.Pointer, fresh []bool)

	// Each calls f for each key that has state in the column, with that key current, until f returns false. The
	// order is unspecified. f may read, set and clear state of the current key, and must not seek another. No key is
	// current afterwards.
	Each(c Column, f func(key K) bool)
}
