package codec

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/weir-stream/weir/api/codec/schema"
)

// append appends the encoding of the value at p. Depth counts slices, maps, pointers and unions around it.
func (g *program) append(dst []byte, p unsafe.Pointer, depth int) []byte {
	for i := range g.ops {
		o := &g.ops[i]
		q := unsafe.Add(p, o.offset)
		switch o.code {
		case opMem:
			dst = append(dst, memory(q, o.size)...)
		case opWord1:
			dst = append(dst, *(*byte)(q))
		case opWord2:
			dst = binary.LittleEndian.AppendUint16(dst, *(*uint16)(q))
		case opWord4:
			dst = binary.LittleEndian.AppendUint32(dst, *(*uint32)(q))
		case opWord8:
			dst = binary.LittleEndian.AppendUint64(dst, *(*uint64)(q))
		case opInt:
			dst = binary.LittleEndian.AppendUint64(dst, uint64(int64(*(*int)(q))))
		case opUint:
			dst = binary.LittleEndian.AppendUint64(dst, uint64(*(*uint)(q)))
		case opBool:
			dst = append(dst, *(*byte)(q))
		case opString:
			s := *(*string)(q)
			dst = appendLength(dst, uint64(len(s)))
			dst = append(dst, s...)
		case opBytes:
			b := *(*[]byte)(q)
			if b == nil {
				dst = append(dst, 0)
			} else {
				dst = appendLength(dst, uint64(len(b))+1)
				dst = append(dst, b...)
			}
		case opTime:
			dst = appendTime(dst, q)
		case opArray:
			dst = o.elem.appendMany(dst, q, int(o.size), depth)
		case opSlice:
			s := (*sliceHeader)(q)
			if s.data == nil {
				dst = append(dst, 0)
			} else {
				dst = appendLength(dst, uint64(s.len)+1)
				dst = o.elem.appendMany(dst, s.data, s.len, g.deeper(depth))
			}
		case opPointer:
			if to := *(*unsafe.Pointer)(q); to == nil {
				dst = append(dst, 0)
			} else {
				dst = o.elem.append(append(dst, 1), to, g.deeper(depth))
			}
		case opMap:
			dst = o.appendMap(dst, q, g.deeper(depth))
		case opUnion:
			dst = o.more.union.append(dst, q, g.deeper(depth))
		case opFramed:
			dst = o.more.framed.appendFrame(dst, q)
		case opProto:
			dst = o.appendProto(dst, q)
		}
	}
	return dst
}

// appendMany appends n values that lie one after the other.
func (g *program) appendMany(dst []byte, p unsafe.Pointer, n int, depth int) []byte {
	if g.packed {
		return append(dst, memory(p, uintptr(n)*g.size)...)
	}
	if g.width == 0 {
		return dst
	}
	for i := range n {
		dst = g.append(dst, unsafe.Add(p, uintptr(i)*g.size), depth)
	}
	return dst
}

// deeper returns the depth one level further in.
func (g *program) deeper(depth int) int {
	if depth >= schema.MaxValueDepth {
		panic(&ValueError{Type: g.typ.String(), Reason: fmt.Sprintf("it is nested deeper than %d, or contains itself;"+
			" use a slice instead of a linked list", schema.MaxValueDepth)})
	}
	return depth + 1
}

// appendLength appends an unsigned LEB128 number.
func appendLength(dst []byte, n uint64) []byte {
	if n < 0x80 {
		return append(dst, byte(n))
	}
	return binary.AppendUvarint(dst, n)
}

// typed returns the variable of type t at p.
func typed(t reflect.Type, p unsafe.Pointer) reflect.Value { return reflect.NewAt(t, p).Elem() }
