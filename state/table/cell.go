package table

import (
	"encoding/binary"
	"unsafe"

	"github.com/weir-stream/weir/state"
)

// inlineCell is a value in the entry itself.
type inlineCell struct {
	core *core
	col  *column
}

func (v *inlineCell) Inline() *state.Inline {
	return &state.Inline{Cursor: &v.core.cursor, Offset: v.col.offset, Present: v.col.present}
}

func (v *inlineCell) Load() unsafe.Pointer { return unsafe.Pointer(v.core.peek(v.col)) }

func (v *inlineCell) Store() (unsafe.Pointer, bool) {
	p, fresh := v.core.cell(v.col)
	return unsafe.Pointer(p), fresh
}

func (v *inlineCell) Clear() {
	if v.core.peek(v.col) != nil {
		v.core.touch()
		v.core.absent(v.col)
	}
}

func (v *inlineCell) LoadBytes() ([]byte, bool) { panic(wrongHalf(v.col, "kept inline")) }
func (v *inlineCell) StoreBytes([]byte)         { panic(wrongHalf(v.col, "kept inline")) }

func wrongHalf(col *column, how string) string {
	return "state " + col.name + ": values of this column are " + how + ", see Descriptor.Inline"
}

// bytesCell is an encoded value in a block of the arena: its length in 4 bytes, then the value.
type bytesCell struct {
	core *core
	col  *column
}

const lengthBytes = 4

func (v *bytesCell) Inline() *state.Inline         { panic(wrongHalf(v.col, "encoded")) }
func (v *bytesCell) Load() unsafe.Pointer          { panic(wrongHalf(v.col, "encoded")) }
func (v *bytesCell) Store() (unsafe.Pointer, bool) { panic(wrongHalf(v.col, "encoded")) }

func (v *bytesCell) LoadBytes() ([]byte, bool) {
	p := v.core.peek(v.col)
	if p == nil {
		return nil, false
	}
	block := v.core.arena.block(ref(*p))
	end := lengthBytes + int(binary.LittleEndian.Uint32(block))
	return block[lengthBytes:end:end], true
}

func (v *bytesCell) StoreBytes(encoded []byte) {
	p, _ := v.core.cell(v.col)
	need := lengthBytes + len(encoded)
	a := &v.core.arena
	*p = uint64(a.refit(ref(*p), need))
	block := a.block(ref(*p))
	binary.LittleEndian.PutUint32(block, uint32(len(encoded)))
	copy(block[lengthBytes:], encoded)
}

func (v *bytesCell) Clear() {
	if p := v.core.peek(v.col); p != nil {
		v.core.touch()
		v.core.arena.free(ref(*p))
		v.core.absent(v.col)
	}
}

// refit returns a block for n bytes in place of r, which may be 0: r itself if it is large enough and at most half of it
// would be wasted. What it holds is unspecified.
func (a *arena) refit(r ref, n int) ref {
	if r != 0 {
		if size := len(a.block(r)); n <= size && (2*n > size || size <= 16) {
			return r
		}
		a.free(r)
	}
	return a.alloc(n)
}
