package state

import "unsafe"

// ValueCell is one single-valued state of the current key, without its type. Values of a column with
// Descriptor.Inline > 0 are reached by address, all others as encoded bytes; calling the wrong half panics.
type ValueCell interface {
	// Inline tells where a handle finds the value without a call, or nil if calls are needed.
	Inline() *Inline
	// Load returns the address of the value, nil if absent. The address is valid until the next call of any method
	// of the backend or its cells, and is for reading only.
	Load() unsafe.Pointer
	// Store returns the address for writing, valid for as long as that of Load. An absent value is zeroed, counts as present from
	// then on, and is reported fresh.
	Store() (value unsafe.Pointer, fresh bool)
	// LoadBytes returns the encoded value; the bytes are valid until the next change of any state.
	LoadBytes() ([]byte, bool)
	// StoreBytes copies the encoded value.
	StoreBytes(encoded []byte)
	// Clear removes the value, if any.
	Clear()
}

// Cursor is where a backend points the handles: the entry of the current key.
//
// An entry is a header word, the address of which is Entry, and the fixed-size values of the columns at fixed distances
// from it. The header's lowest 16 bits say which columns are present, the next 15 are the epoch in which the entry was last
// marked as changed, the rest is the backend's own. A handle may read a present value in place, and may write one in place
// if the header's epoch is Epoch; in all other cases it calls its cell.
//
// Epochs are short so that an entry of a key and a value is three words. A backend that counts them up must see to it that
// no entry keeps an epoch until its number comes round again.
type Cursor struct {
	// Entry is nil if the current key has no entry in memory.
	Entry unsafe.Pointer
	// Epoch is the current epoch, at its place in the header; it is never 0 while there are entries.
	Epoch uint64
}

// Masks of an entry's header.
const (
	PresentMask = uint64(0xffff)
	EpochMask   = uint64(0x7fff) << 16
)

// Inline is where the values of one column are.
type Inline struct {
	Cursor *Cursor
	// Offset is the distance of the value from the header, in bytes.
	Offset uintptr
	// Present is the column's bit in the header.
	Present uint64
}

// ListCell is one list of the current key: encoded elements one after the other, in chunks.
type ListCell interface {
	// Append adds one encoded element, copying it.
	Append(element []byte)
	// Chunk returns chunk n, counted from 0, which holds whole elements; ok is false past the last one, and for an
	// absent list. The bytes are valid until the next change of any state. Reading chunks in their order is cheap, and
	// remains safe if the list is changed in between.
	Chunk(n int) (encoded []byte, ok bool)
	// Clear removes all elements.
	Clear()
}

// MapCell is one map of the current key, from encoded keys to encoded values, in no particular order.
type MapCell interface {
	// Get returns the value; the bytes are valid until the next change of any state.
	Get(key []byte) (value []byte, ok bool)
	// Put copies both.
	Put(key, value []byte)
	// Remove reports whether the key was there.
	Remove(key []byte) bool
	Len() int
	// Each calls f with each pair until f returns false; the bytes are valid until the next change of any state. f may change the
	// map: a pair removed before it was reached is not visited, one added may be.
	Each(f func(key, value []byte) bool)
	Clear()
}
