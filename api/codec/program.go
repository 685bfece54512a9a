package codec

import (
	"encoding/binary"
	"reflect"
	"unsafe"

	"github.com/weir-stream/weir/api/codec/schema"
)

// A program is how values of one Go type are encoded and decoded: a list of instructions over offsets in the value's
// memory, in the order of the encoding. Nested structs and short arrays are part of the list, so that a plain struct is
// one loop. Programs are made once per type and then only read.
type program struct {
	typ    reflect.Type
	schema *schema.Type // a node of a graph, see schema.New
	ops    []op
	size   uintptr // of the memory
	// width is the number of bytes every encoding takes, or -1 if they differ; then they are at least one.
	width int
	// least is the fewest bytes an encoding takes, or fewer where that is not known.
	least int
	// packed: the encoding is the memory, byte by byte.
	packed bool
	// flat: the memory holds no pointers.
	flat bool
	// complete: all ops are there. While it is false the program can be called but not looked into.
	complete bool
	// shares: decoded strings may lie in one allocation for a whole batch.
	shares bool
	// texts is the number of the leading ops that end with the last of several strings which have only a few bytes between
	// them, so that the strings of one value may lie in one allocation; 0 if there are none.
	texts int
}

type opcode uint8

const (
	opMem     opcode = iota // size bytes that are encoded as they are
	opWord1                 // a number of that many bytes, little-endian
	opWord2                 //
	opWord4                 //
	opWord8                 //
	opInt                   // int where it has 32 bits, as 8 bytes
	opUint                  // uint where it has 32 bits, as 8 bytes
	opBool                  // one byte, 0 or 1
	opString                // length, bytes
	opBytes                 // 0 for nil, or length + 1, bytes
	opTime                  // 16 bytes
	opArray                 // size elements
	opSlice                 // 0 for nil, or length + 1, elements
	opPointer               // 0 for nil, or 1, what it points to
	opMap                   // 0 for nil, or length + 1, pairs in ascending order of the encoded keys
	opUnion                 // 0 for nil, or the number of the case from 1, its value
	opFramed                // length, bytes of a codec of its own
	opProto                 // 0 for nil, or length + 1, a protobuf message
	opZero                  // decoding only: size bytes of memory that are not encoded
	opSkip                  // decoding only: an encoded value that the type has no place for
)

// op is one instruction.
type op struct {
	code   opcode
	offset uintptr
	size   uintptr
	elem   *program // of an array, slice, map or pointer
	more   *detail
	path   string // from the program's type to this place, for errors
}

// detail is what only the rarer instructions need.
type detail struct {
	typ    reflect.Type    // slice: its type; map: its type; pointer, protobuf: what it points to; zero: the field's
	key    *program        // of a map
	union  *union          //
	framed *framed         //
	skip   *schema.Skipper //
}

// littleEndian machines keep numbers in memory the way they are encoded.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// inMemoryOrder reports whether the op copies bytes without changing their order on a machine of this kind.
func (o *op) inMemoryOrder(littleEndian bool) bool {
	return o.code == opMem || o.code == opWord1 || littleEndian && o.code >= opWord2 && o.code <= opWord8
}

// emit appends an op, or lengthens the last one where both copy adjacent memory.
func (g *program) emit(o op, littleEndian bool) {
	if n := len(g.ops); n > 0 && o.inMemoryOrder(littleEndian) {
		last := &g.ops[n-1]
		if last.inMemoryOrder(littleEndian) && last.offset+last.size == o.offset {
			last.code, last.size = opMem, last.size+o.size
			return
		}
	}
	g.ops = append(g.ops, o)
}

// inline emits what encodes a part of the value.
func (g *program) inline(part *program, offset uintptr, place string, littleEndian bool) {
	if !part.complete { // the part contains g, by way of a pointer, slice or map
		g.emit(op{code: opArray, size: 1, offset: offset, elem: part, path: place}, littleEndian)
		return
	}
	for _, o := range part.ops {
		o.offset += offset
		o.path = place + o.path
		g.emit(o, littleEndian)
	}
}

// emitZero makes a field zero that is not in the bytes.
func (g *program) emitZero(f reflect.StructField) {
	g.ops = append(g.ops, op{code: opZero, offset: f.Offset, size: f.Type.Size(), more: &detail{typ: f.Type}})
}

// finish computes what follows from the ops, which must all be there.
func (g *program) finish(littleEndian bool) {
	g.complete = true
	g.packed = g.size == 0 && len(g.ops) == 0 ||
		len(g.ops) == 1 && g.ops[0].offset == 0 && g.ops[0].size == g.size && g.ops[0].inMemoryOrder(littleEndian)
	g.width, g.least = 0, 0
	for i := range g.ops {
		o := &g.ops[i]
		width := o.width()
		if width < 0 {
			g.width = -1
		} else if g.width >= 0 {
			g.width += width
		}
		switch {
		case width >= 0:
			g.least += width
		case o.code == opArray:
			g.least += int(o.size) * o.elem.least
		default:
			g.least++
		}
		g.shares = g.shares || o.shares()
	}
	g.texts = g.adjacentTexts()
}

// mostBetween is how many bytes between the strings of a value are copied along with them.
const mostBetween = 64

// adjacentTexts is what texts says.
func (g *program) adjacentTexts() (end int) {
	strings, between := 0, 0
	for i := range g.ops {
		o := &g.ops[i]
		if o.code == opString {
			strings, end = strings+1, i+1
			continue
		}
		width := o.width()
		if strings > 0 {
			between += width
		}
		if width < 0 || o.code == opArray || between > mostBetween {
			break
		}
	}
	if strings < 2 {
		return 0
	}
	return end
}

// width returns the bytes that the op's encoding always takes, or -1.
func (o *op) width() int {
	switch o.code {
	case opMem, opWord1, opWord2, opWord4, opWord8:
		return int(o.size)
	case opBool:
		return 1
	case opInt, opUint:
		return 8
	case opTime:
		return timeWidth
	case opArray:
		if o.elem.width < 0 {
			return -1
		}
		return int(o.size) * o.elem.width
	case opZero:
		return 0
	case opSkip:
		return o.more.skip.Width()
	}
	return -1
}

// shares reports whether strings may come of the op. Programs of recursive types may not be complete yet: then it may.
func (o *op) shares() bool {
	switch o.code {
	case opString, opPointer, opMap, opUnion:
		return true
	case opSlice, opArray:
		return !o.elem.flat
	}
	return false
}

// sliceHeader is how a slice lies in memory.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// memory returns n bytes at p.
func memory(p unsafe.Pointer, n uintptr) []byte { return unsafe.Slice((*byte)(p), n) }
