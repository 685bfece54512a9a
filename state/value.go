package state

import (
	"fmt"
	"unsafe"

	"github.com/weir-stream/weir/api/codec"
)

// Value is one value of T per key. Declare it as an exported field of a function; its zero value is ready for that.
// All handles are used by the goroutine that calls the function, during the call.
type Value[T any] struct {
	// cursor is nil for values that are not inline, and before the handle is bound.
	cursor  *Cursor
	offset  uintptr
	present uint64
	bound   *boundValue[T]
}

type boundValue[T any] struct {
	port[T]
	cell    ValueCell
	encoded []byte
	// ttl is the cell if values have a time to live.
	ttl *ttlValue
}

// Get returns the current key's value, and false with the zero T if it has none.
func (v *Value[T]) Get() (T, bool) {
	if c := v.cursor; c != nil {
		if e := c.Entry; e != nil && *(*uint64)(e)&v.present != 0 {
			return *(*T)(unsafe.Add(e, v.offset)), true
		}
	}
	return v.load()
}

// Set sets the current key's value.
func (v *Value[T]) Set(value T) {
	if c := v.cursor; c != nil {
		if e := c.Entry; e != nil && *(*uint64)(e)&(v.present|EpochMask) == v.present|c.Epoch {
			*(*T)(unsafe.Add(e, v.offset)) = value
			return
		}
	}
	v.store(value)
}

// Update lets f change the current key's value in place, starting from the zero T if there is none. The pointer is valid
// during the call, in which f must not use state.
func (v *Value[T]) Update(f func(value *T)) {
	b := v.binding()
	if v.cursor != nil {
		p, _ := b.cell.Store()
		f((*T)(p))
		return
	}
	value, _ := v.load()
	f(&value)
	v.store(value)
}

// Clear removes the current key's value.
func (v *Value[T]) Clear() { v.binding().cell.Clear() }

func (v *Value[T]) load() (value T, ok bool) {
	b := v.binding()
	if v.cursor != nil {
		p := b.cell.Load()
		if p == nil {
			return value, false
		}
		return *(*T)(p), true
	}
	encoded, ok := b.cell.LoadBytes()
	if !ok {
		return value, false
	}
	value, _ = b.decode(encoded)
	return value, true
}

// base returns what an addition to the value goes on from.
func (v *Value[T]) base() (value T, ok bool) {
	b := v.binding()
	if b.ttl == nil {
		return v.Get()
	}
	if v.cursor != nil {
		if p := b.ttl.peek(); p != nil {
			return *(*T)(p), true
		}
		return value, false
	}
	if encoded, ok := b.ttl.peekBytes(); ok {
		value, _ = b.decode(encoded)
		return value, true
	}
	return value, false
}

func (v *Value[T]) expire() {
	if ttl := v.binding().ttl; ttl != nil {
		ttl.expire()
	}
}

func (v *Value[T]) store(value T) {
	b := v.binding()
	if v.cursor != nil {
		p, _ := b.cell.Store()
		*(*T)(p) = value
		return
	}
	b.encoded = b.encode(b.encoded[:0], value)
	b.cell.StoreBytes(b.encoded)
}

func (v *Value[T]) binding() *boundValue[T] {
	if v.bound == nil {
		panic(unbound[T]("Value"))
	}
	return v.bound
}

func (v *Value[T]) describe() (Descriptor, error) { return describe[T](KindValue) }

func (v *Value[T]) bind(store Store, c Column, d Descriptor, now func() int64) {
	cell := store.Value(c)
	var ttl *ttlValue
	if life := lifetimeOf(d, now); life != nil {
		ttl = &ttlValue{cell: cell, lifetime: life}
		cell = ttl
	}
	*v = Value[T]{bound: &boundValue[T]{port: port[T]{name: d.Name, codec: codecOf[T](d)}, cell: cell, ttl: ttl}}
	if d.Inline == 0 {
		return
	}
	if in := cell.Inline(); in != nil {
		v.cursor, v.offset, v.present = in.Cursor, in.Offset, in.Present
	} else {
		v.cursor = new(Cursor) // never has an entry: every access calls the cell
	}
}

// unbound is the panic of a handle that no backend stands behind.
func unbound[T any](kind string) string {
	return fmt.Sprintf("state.%s[%T] is used but no backend is bound to it: declare it as an exported field of the struct that the factory passed to Process "+
		"returns, and use it only in the function's methods that are called with a key", kind, *new(T))
}

func codecOf[T any](d Descriptor) codec.Codec[T] {
	t := d.Transcoder
	if timed, ok := t.(timedTranscoder); ok {
		t = timed.value
	}
	return t.(transcoder[T]).codec
}

func describe[T any](kind Kind) (Descriptor, error) {
	values, err := codec.For[T]()
	if err != nil {
		return Descriptor{}, err
	}
	return Describe("", kind, values), nil
}
