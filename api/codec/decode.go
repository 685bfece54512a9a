package codec

import (
	"encoding/binary"
	"math"
	"reflect"
	"strconv"
	"unsafe"

	"github.com/weir-stream/weir/api/codec/schema"
)

// decoder is what stays the same while one value, or one batch of values, is decoded.
type decoder struct {
	// shared is a copy of the input up to the last so many bytes, of which decoded strings are parts. Strings that are not in it are
	// copied by themselves.
	shared string
	behind int
	// reserved is how many bytes of the input the elements still to come take at least. Memory for elements is only
	// made where input is left for them, so that nested slices cannot each claim all of the input.
	reserved int
}

// room reports whether the input can hold n more values that take at least the given number of bytes each.
func (d *decoder) room(src []byte, n uint64, least int) bool {
	return least == 0 || n <= uint64(max(len(src)-d.reserved, 0)/least)
}

// text returns the first n bytes of src as a string.
func (d *decoder) text(src []byte, n int) string {
	start := len(d.shared) + d.behind - len(src)
	if start < 0 || n > len(d.shared)-start {
		return string(src[:n])
	}
	return d.shared[start : start+n]
}

// largestTexts is how many bytes of input are copied at most for the strings of one value, since any of them keeps the whole copy
// alive. Where there is more, one allocation for each string costs little beside the copying.
const largestTexts = 1024

// shareTexts copies the texts of one value at the front of src, which are close to each other, at once. Where src is cut off it leaves that to
// decode.
func (g *program) shareTexts(d *decoder, src []byte) {
	first, at := 0, 0
	for i := range g.ops[:g.texts] {
		o := &g.ops[i]
		if o.code != opString {
			at += o.width()
			continue
		}
		if at > len(src) {
			return
		}
		n, rest, ok := takeLength(src[at:])
		if !ok || n > uint64(len(rest)) {
			return
		}
		if at = len(src) - len(rest); first == 0 {
			first = at
		}
		at += int(n)
	}
	if at-first <= largestTexts {
		d.shared, d.behind = string(src[first:at]), len(src)-at
	}
}

var errCut = &FormatError{Reason: "the input ends too early"}

// cut returns a fresh error, as its path will be filled in.
func cut() *FormatError { e := *errCut; return &e }

// decode reads the value at the front of src into the memory at p and returns what follows it. On an error the memory
// is that of some value, but not of a particular one.
func (g *program) decode(d *decoder, src []byte, p unsafe.Pointer, depth int) ([]byte, *FormatError) {
	for i := range g.ops {
		o := &g.ops[i]
		q := unsafe.Add(p, o.offset)
		switch o.code {
		case opMem:
			if uintptr(len(src)) < o.size {
				return nil, cut().within(o.path)
			}
			copy(memory(q, o.size), src)
			src = src[o.size:]
		case opWord1:
			if len(src) < 1 {
				return nil, cut().within(o.path)
			}
			*(*byte)(q) = src[0]
			src = src[1:]
		case opWord2:
			if len(src) < 2 {
				return nil, cut().within(o.path)
			}
			*(*uint16)(q) = binary.LittleEndian.Uint16(src)
			src = src[2:]
		case opWord4:
			if len(src) < 4 {
				return nil, cut().within(o.path)
			}
			*(*uint32)(q) = binary.LittleEndian.Uint32(src)
			src = src[4:]
		case opWord8:
			if len(src) < 8 {
				return nil, cut().within(o.path)
			}
			*(*uint64)(q) = binary.LittleEndian.Uint64(src)
			src = src[8:]
		case opBool:
			if len(src) < 1 {
				return nil, cut().within(o.path)
			}
			if src[0] > 1 { // any other byte would be a bool that is neither true nor false
				return nil, malformed("a bool is %d", src[0]).within(o.path)
			}
			*(*byte)(q) = src[0]
			src = src[1:]
		case opString:
			n, rest, ok := takeLength(src)
			if !ok || n > uint64(len(rest)) {
				return nil, cut().within(o.path)
			}
			*(*string)(q) = d.text(rest, int(n))
			src = rest[n:]
		default:
			var err *FormatError
			if src, err = g.decodeRare(o, d, src, q, depth); err != nil {
				return nil, err.within(o.path)
			}
		}
	}
	return src, nil
}

// decodeRare does the instructions that decode does not do itself.
func (g *program) decodeRare(o *op, d *decoder, src []byte, q unsafe.Pointer, depth int) ([]byte, *FormatError) {
	switch o.code {
	case opInt, opUint:
		return o.decodeInt(src, q)
	case opTime:
		return decodeTime(src, q)
	case opArray:
		return o.elem.decodeMany(d, src, q, int(o.size), depth)
	case opZero:
		typed(o.more.typ, q).SetZero()
		return src, nil
	case opSkip:
		rest, err := o.more.skip.Skip(src)
		if err != nil {
			return nil, malformed("a removed field: %v", err)
		}
		return rest, nil
	case opFramed:
		return o.more.framed.decodeFrame(src, q)
	}
	if depth >= schema.MaxValueDepth {
		return nil, malformed("nested deeper than %d", schema.MaxValueDepth)
	}
	n, src, ok := takeLength(src)
	if !ok {
		return nil, cut()
	}
	if n == 0 {
		o.setNil(q)
		return src, nil
	}
	switch o.code {
	case opBytes:
		if n-1 > uint64(len(src)) {
			return nil, cut()
		}
		b := make([]byte, n-1)
		*(*[]byte)(q) = b
		return src[copy(b, src):], nil
	case opSlice:
		return o.decodeSlice(d, src, q, n-1, depth+1)
	case opPointer:
		if n != 1 {
			return nil, malformed("a pointer's flag is %d", n)
		}
		to := reflect.New(o.more.typ).UnsafePointer()
		*(*unsafe.Pointer)(q) = to
		return o.elem.decode(d, src, to, depth+1)
	case opMap:
		return o.decodeMap(d, src, q, n-1, depth+1)
	case opUnion:
		return o.more.union.decode(d, src, q, n, depth+1)
	default: // opProto
		return o.decodeProto(src, q, n-1)
	}
}

// setNil makes a slice, pointer, map, interface or message nil.
func (o *op) setNil(q unsafe.Pointer) {
	switch o.code {
	case opBytes, opSlice:
		*(*sliceHeader)(q) = sliceHeader{}
	case opUnion:
		*(*[2]unsafe.Pointer)(q) = [2]unsafe.Pointer{}
	default:
		*(*unsafe.Pointer)(q) = nil
	}
}

// decodeMany decodes n values into memory one after the other.
func (g *program) decodeMany(d *decoder, src []byte, p unsafe.Pointer, n int, depth int) ([]byte, *FormatError) {
	if n > 0 && g.least > len(src)/n {
		return nil, cut()
	}
	if g.packed {
		size := uintptr(n) * g.size
		copy(memory(p, size), src)
		return src[size:], nil
	}
	if len(g.ops) == 0 || g.size == 0 && g.width == 0 {
		return src, nil
	}
	var err *FormatError
	d.reserved += n * g.least
	for i := range n {
		d.reserved -= g.least
		if src, err = g.decode(d, src, unsafe.Add(p, uintptr(i)*g.size), depth); err != nil {
			return nil, err.within("[" + strconv.Itoa(i) + "]")
		}
	}
	return src, nil
}

// zeroSized is where slices without memory point to, as nil would mean a nil slice.
var zeroSized struct{}

// decodeSlice decodes n elements into a new slice. Memory is bounded because every element that takes memory takes
// input, which was made sure of when the program was compiled.
func (o *op) decodeSlice(d *decoder, src []byte, q unsafe.Pointer, n uint64, depth int) ([]byte, *FormatError) {
	elem := o.elem
	if !d.room(src, n, elem.least) {
		return nil, malformed("%d elements where %d bytes are left", n, len(src))
	}
	if n > math.MaxInt {
		return nil, malformed("%d elements", n)
	}
	var data unsafe.Pointer
	switch bytes := uintptr(n) * elem.size; {
	case bytes == 0:
		data = unsafe.Pointer(&zeroSized)
	case elem.flat:
		data = unsafe.Pointer(unsafe.SliceData(make([]uint64, (bytes+7)/8)))
	default:
		data = reflect.MakeSlice(o.more.typ, int(n), int(n)).UnsafePointer()
	}
	*(*sliceHeader)(q) = sliceHeader{data, int(n), int(n)}
	return elem.decodeMany(d, src, data, int(n), depth)
}

// decodeInt reads an int or uint on a machine where these have 32 bits.
func (o *op) decodeInt(src []byte, q unsafe.Pointer) ([]byte, *FormatError) {
	if len(src) < 8 {
		return nil, cut()
	}
	word := binary.LittleEndian.Uint64(src)
	if o.code == opInt {
		*(*int)(q) = int(word)
		if int64(*(*int)(q)) != int64(word) {
			return nil, malformed("%d does not fit into the int of this machine; declare it int64", int64(word))
		}
	} else {
		*(*uint)(q) = uint(word)
		if uint64(*(*uint)(q)) != word {
			return nil, malformed("%d does not fit into the uint of this machine; declare it uint64", word)
		}
	}
	return src[8:], nil
}

// takeLength reads what appendLength appended. Only the shortest form of a number is taken.
func takeLength(src []byte) (n uint64, rest []byte, ok bool) {
	if len(src) > 0 && src[0] < 0x80 {
		return uint64(src[0]), src[1:], true
	}
	n, size := binary.Uvarint(src)
	if size <= 0 || src[size-1] == 0 {
		return 0, nil, false
	}
	return n, src[size:], true
}
