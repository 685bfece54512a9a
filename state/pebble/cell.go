package pebble

import (
	"unsafe"

	"github.com/weir-stream/weir/state"
)

// inlineCell is a value that the table keeps as it is.
type inlineCell[K any] struct {
	b *Backend[K]
	c *column
}

func (v *inlineCell[K]) Inline() *state.Inline { return v.c.value.Inline() }

func (v *inlineCell[K]) Load() unsafe.Pointer {
	if p := v.c.value.Load(); p != nil || !v.b.cold {
		return p
	}
	v.b.know(v.c)
	return v.c.value.Load()
}

func (v *inlineCell[K]) Store() (unsafe.Pointer, bool) {
	v.b.know(v.c)
	return v.c.value.Store()
}

func (v *inlineCell[K]) Clear()                    { v.b.clearValue(v.c) }
func (v *inlineCell[K]) LoadBytes() ([]byte, bool) { return v.c.value.LoadBytes() }
func (v *inlineCell[K]) StoreBytes(encoded []byte) { v.c.value.StoreBytes(encoded) }

// clearValue removes the current key's value without reading it.
func (b *Backend[K]) clearValue(c *column) {
	if !b.cold {
		c.value.Clear()
		return
	}
	if !b.settle() {
		return
	}
	b.hot.Change()
	c.value.Clear()
	b.hot.Keep()
	b.change(c)
}

// change notes that the current entry has all there is in a column, and that Pebble has yet to be told.
func (b *Backend[K]) change(c *column) {
	if b.noted {
		note := b.hot.Note()
		*note = *note&^unknown(c.at) | changed(c.at)
	}
}

// bytesCell is an encoded value.
type bytesCell[K any] struct {
	b *Backend[K]
	c *column
}

func (v *bytesCell[K]) Inline() *state.Inline         { return v.c.value.Inline() }
func (v *bytesCell[K]) Load() unsafe.Pointer          { return v.c.value.Load() }
func (v *bytesCell[K]) Store() (unsafe.Pointer, bool) { return v.c.value.Store() }
func (v *bytesCell[K]) Clear()                        { v.b.clearValue(v.c) }

func (v *bytesCell[K]) LoadBytes() ([]byte, bool) {
	v.b.know(v.c)
	return v.c.value.LoadBytes()
}

func (v *bytesCell[K]) StoreBytes(encoded []byte) {
	v.b.settle()
	v.c.value.StoreBytes(encoded)
	v.b.change(v.c)
	v.b.grow(len(encoded))
}

// listCell is a list. As long as nobody reads it, the table has only what was added to what is in Pebble.
type listCell[K any] struct {
	b *Backend[K]
	c *column
}

func (l *listCell[K]) Append(element []byte) {
	b := l.b
	b.settle()
	l.c.list.Append(element)
	*b.hot.Note() |= changed(l.c.at)
	b.grow(len(element))
}

// BeginVisit implements state.Visited.
func (l *listCell[K]) BeginVisit() { l.b.member.visited++ }

// EndVisit implements state.Visited.
func (l *listCell[K]) EndVisit() { l.b.member.visited-- }

// Chunk reads the list as a whole, unless it is so long that it is better left where it is: then what Pebble has is the
// first chunk, read anew by each call.
func (l *listCell[K]) Chunk(n int) ([]byte, bool) {
	b := l.b
	if !b.cold || !b.settle() {
		return l.c.list.Chunk(n)
	}
	if *b.hot.Note()&unknown(l.c.at) == 0 {
		return l.c.list.Chunk(n)
	}
	long := false
	if n == 0 {
		b.row = b.appendRow(b.row[:0], l.c)
		found := b.db.get(b.row, b.written.seldom(), func(value []byte) {
			if long = int64(len(value)) > b.db.budget.limit/8; long {
				l.c.scratch = append(l.c.scratch[:0], value...)
			} else {
				l.join(value)
			}
		})
		if long {
			return l.c.scratch, true
		}
		b.known(l.c, found)
		return l.c.list.Chunk(0)
	}
	return l.c.list.Chunk(n - 1)
}

// join puts what Pebble has in front of what was added since.
func (l *listCell[K]) join(stored []byte) {
	l.b.hot.Fill(func() {
		tail := l.c.scratch[:0]
		if l.b.hot.Has(l.c.at) {
			tail = appendChunks(tail, l.c.list)
			l.c.list.Clear()
			l.b.hot.Keep()
			l.c.list.Append(stored)
			l.c.list.Append(tail)
		} else {
			l.c.list.Append(stored)
		}
		l.c.scratch = tail
	})
}

func (l *listCell[K]) Clear() {
	b := l.b
	if !b.cold {
		l.c.list.Clear()
		return
	}
	if !b.settle() {
		return
	}
	b.hot.Change()
	l.c.list.Clear()
	b.hot.Keep()
	b.change(l.c)
}
