package codec

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"time"
	"unsafe"

	"github.com/weir-stream/weir/api/codec/schema"
)

// A keyProgram is how keys of one Go type are encoded: a list of instructions over offsets in the key's memory, as in
// program, but with an encoding that keeps order. Beside the encoding it makes the word image of a key, which is what
// is hashed: its numbers in little-endian order one after the other, filled up with zeros to whole words. It is often
// the memory itself.
type keyProgram struct {
	typ    reflect.Type
	schema *schema.Type
	ops    []keyOp
	size   uintptr
	width  int  // of the word image in bytes, or -1 if keys vary in length
	packed bool // on this machine the word image is the memory
}

type keyCode uint8

const (
	keyUint8 keyCode = iota
	keyUint16
	keyUint32
	keyUint64
	keyInt8
	keyInt16
	keyInt32
	keyInt64
	keyUint // where it has 32 bits, as 8 bytes
	keyInt  // where it has 32 bits, as 8 bytes
	keyBool
	keyFloat32
	keyFloat64
	keyTime
	keyBytes  // an array of size bytes
	keyString //
	keyArray  // size elements
)

// keyWidths are those of the word image and of the encoding.
var keyWidths = [...]int{
	keyUint8: 1, keyUint16: 2, keyUint32: 4, keyUint64: 8, keyInt8: 1, keyInt16: 2, keyInt32: 4, keyInt64: 8,
	keyUint: 8, keyInt: 8, keyBool: 1, keyFloat32: 4, keyFloat64: 8, keyTime: 12,
}

type keyOp struct {
	code   keyCode
	offset uintptr
	size   uintptr
	elem   *keyProgram
	path   string
}

// A string or the bytes in it are escaped so that what follows cannot change their order.
const (
	escape     = 0x00
	escapeZero = 0xff // after escape: a zero byte
	escapeEnd  = 0x01 // after escape: the end
)

const (
	sign32 = 1 << 31
	sign64 = 1 << 63
)

// append appends the order-preserving encoding of the key at p.
func (g *keyProgram) append(dst []byte, p unsafe.Pointer) []byte {
	for i := range g.ops {
		o := &g.ops[i]
		q := unsafe.Add(p, o.offset)
		switch o.code {
		case keyUint8, keyBool:
			dst = append(dst, *(*byte)(q))
		case keyInt8:
			dst = append(dst, *(*byte)(q)^1<<7)
		case keyUint16:
			dst = binary.BigEndian.AppendUint16(dst, *(*uint16)(q))
		case keyInt16:
			dst = binary.BigEndian.AppendUint16(dst, *(*uint16)(q)^1<<15)
		case keyUint32:
			dst = binary.BigEndian.AppendUint32(dst, *(*uint32)(q))
		case keyInt32:
			dst = binary.BigEndian.AppendUint32(dst, *(*uint32)(q)^sign32)
		case keyUint64:
			dst = binary.BigEndian.AppendUint64(dst, *(*uint64)(q))
		case keyInt64:
			dst = binary.BigEndian.AppendUint64(dst, *(*uint64)(q)^sign64)
		case keyUint:
			dst = binary.BigEndian.AppendUint64(dst, uint64(*(*uint)(q)))
		case keyInt:
			dst = binary.BigEndian.AppendUint64(dst, uint64(int64(*(*int)(q)))^sign64)
		case keyFloat32:
			bits := float32Bits(*(*float32)(q))
			dst = binary.BigEndian.AppendUint32(dst, bits^(uint32(int32(bits)>>31)|sign32))
		case keyFloat64:
			bits := float64Bits(*(*float64)(q))
			dst = binary.BigEndian.AppendUint64(dst, bits^(uint64(int64(bits)>>63)|sign64))
		case keyTime:
			t := (*time.Time)(q)
			dst = binary.BigEndian.AppendUint64(dst, uint64(t.Unix())^sign64)
			dst = binary.BigEndian.AppendUint32(dst, uint32(t.Nanosecond()))
		case keyBytes:
			dst = append(dst, memory(q, o.size)...)
		case keyString:
			dst = appendEscaped(dst, *(*string)(q))
		case keyArray:
			for i := range o.size {
				dst = o.elem.append(dst, unsafe.Add(q, i*o.elem.size))
			}
		}
	}
	return dst
}

// float64Bits returns the bits of the one representation that equal numbers share.
func float64Bits(f float64) uint64 {
	if f == 0 {
		return 0 // also of -0
	}
	return math.Float64bits(f)
}

func float32Bits(f float32) uint32 {
	if f == 0 {
		return 0
	}
	return math.Float32bits(f)
}

func appendEscaped(dst []byte, s string) []byte {
	for {
		zero := indexByte(s, escape)
		if zero < 0 {
			dst = append(dst, s...)
			return append(dst, escape, escapeEnd)
		}
		dst = append(dst, s[:zero+1]...)
		dst = append(dst, escapeZero)
		s = s[zero+1:]
	}
}

func indexByte(s string, b byte) int {
	return bytes.IndexByte(unsafe.Slice(unsafe.StringData(s), len(s)), b)
}

// takeEscaped reads what appendEscaped appended.
func takeEscaped(src []byte) (s string, rest []byte, ok bool) {
	var unescaped []byte
	for {
		zero := bytes.IndexByte(src, escape)
		if zero < 0 || zero+1 == len(src) {
			return "", nil, false
		}
		switch after := src[zero+1]; {
		case after == escapeZero:
			unescaped = append(unescaped, src[:zero+1]...)
		case after == escapeEnd && unescaped == nil:
			return string(src[:zero]), src[zero+2:], true
		case after == escapeEnd:
			return string(append(unescaped, src[:zero]...)), src[zero+2:], true
		default:
			return "", nil, false
		}
		src = src[zero+2:]
	}
}

// decode reads the encoded key at the front of src into the zeroed memory at p.
func (g *keyProgram) decode(src []byte, p unsafe.Pointer) ([]byte, *FormatError) {
	for i := range g.ops {
		o := &g.ops[i]
		var err *FormatError
		if src, err = o.decode(src, unsafe.Add(p, o.offset)); err != nil {
			return nil, err.within(o.path)
		}
	}
	return src, nil
}

func (o *keyOp) decode(src []byte, q unsafe.Pointer) ([]byte, *FormatError) {
	switch o.code {
	case keyBytes:
		if uintptr(len(src)) < o.size {
			return nil, cut()
		}
		return src[copy(memory(q, o.size), src):], nil
	case keyString:
		s, rest, ok := takeEscaped(src)
		if !ok {
			return nil, malformed("a string is not properly ended")
		}
		*(*string)(q) = s
		return rest, nil
	case keyArray:
		var err *FormatError
		for i := range o.size {
			if src, err = o.elem.decode(src, unsafe.Add(q, i*o.elem.size)); err != nil {
				return nil, err.within("[]")
			}
		}
		return src, nil
	}
	width := keyWidths[o.code]
	if len(src) < width {
		return nil, cut()
	}
	return src[width:], o.decodeNumber(src, q)
}

func (o *keyOp) decodeNumber(src []byte, q unsafe.Pointer) *FormatError {
	switch o.code {
	case keyUint8:
		*(*byte)(q) = src[0]
	case keyInt8:
		*(*byte)(q) = src[0] ^ 1<<7
	case keyUint16:
		*(*uint16)(q) = binary.BigEndian.Uint16(src)
	case keyInt16:
		*(*uint16)(q) = binary.BigEndian.Uint16(src) ^ 1<<15
	case keyUint32:
		*(*uint32)(q) = binary.BigEndian.Uint32(src)
	case keyInt32:
		*(*uint32)(q) = binary.BigEndian.Uint32(src) ^ sign32
	case keyUint64:
		*(*uint64)(q) = binary.BigEndian.Uint64(src)
	case keyInt64:
		*(*uint64)(q) = binary.BigEndian.Uint64(src) ^ sign64
	case keyUint:
		return setUint(q, binary.BigEndian.Uint64(src))
	case keyInt:
		return setInt(q, int64(binary.BigEndian.Uint64(src)^sign64))
	case keyBool:
		return setBool(q, src[0])
	case keyFloat32:
		bits := binary.BigEndian.Uint32(src)
		return setFloat32(q, bits^(uint32(int32(^bits)>>31)|sign32))
	case keyFloat64:
		bits := binary.BigEndian.Uint64(src)
		return setFloat64(q, bits^(uint64(int64(^bits)>>63)|sign64))
	case keyTime:
		return setTime(q, int64(binary.BigEndian.Uint64(src)^sign64), binary.BigEndian.Uint32(src[8:]))
	}
	return nil
}

func setUint(q unsafe.Pointer, word uint64) *FormatError {
	*(*uint)(q) = uint(word)
	if uint64(*(*uint)(q)) != word {
		return malformed("%d does not fit into the uint of this machine; declare it uint64", word)
	}
	return nil
}

func setInt(q unsafe.Pointer, number int64) *FormatError {
	*(*int)(q) = int(number)
	if int64(*(*int)(q)) != number {
		return malformed("%d does not fit into the int of this machine; declare it int64", number)
	}
	return nil
}

func setBool(q unsafe.Pointer, b byte) *FormatError {
	if b > 1 { // any other byte would be a bool that is neither true nor false
		return malformed("a bool is %d", b)
	}
	*(*byte)(q) = b
	return nil
}

func setFloat32(q unsafe.Pointer, bits uint32) *FormatError {
	f := math.Float32frombits(bits)
	if f != f || bits == sign32 {
		return malformed("a key's number is NaN or -0")
	}
	*(*float32)(q) = f
	return nil
}

func setFloat64(q unsafe.Pointer, bits uint64) *FormatError {
	f := math.Float64frombits(bits)
	if f != f || bits == sign64 {
		return malformed("a key's number is NaN or -0")
	}
	*(*float64)(q) = f
	return nil
}

func setTime(q unsafe.Pointer, seconds int64, nanoseconds uint32) *FormatError {
	if nanoseconds >= 1e9 {
		return malformed("a time has %d nanoseconds", nanoseconds)
	}
	*(*time.Time)(q) = time.Unix(seconds, int64(nanoseconds)).UTC()
	return nil
}
