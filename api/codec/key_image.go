package codec

import (
	"encoding/binary"
	"time"
	"unsafe"
)

// image appends the word image of the key at p, without the zeros that fill the last word. Only where width >= 0.
// It is false for a key that is no key, as it holds a NaN.
func (g *keyProgram) image(dst []byte, p unsafe.Pointer) ([]byte, bool) {
	for i := range g.ops {
		o := &g.ops[i]
		q := unsafe.Add(p, o.offset)
		switch o.code {
		case keyUint8, keyInt8, keyBool:
			dst = append(dst, *(*byte)(q))
		case keyUint16, keyInt16:
			dst = binary.LittleEndian.AppendUint16(dst, *(*uint16)(q))
		case keyUint32, keyInt32:
			dst = binary.LittleEndian.AppendUint32(dst, *(*uint32)(q))
		case keyUint64, keyInt64:
			dst = binary.LittleEndian.AppendUint64(dst, *(*uint64)(q))
		case keyUint:
			dst = binary.LittleEndian.AppendUint64(dst, uint64(*(*uint)(q)))
		case keyInt:
			dst = binary.LittleEndian.AppendUint64(dst, uint64(int64(*(*int)(q))))
		case keyFloat32:
			f := *(*float32)(q)
			if f != f {
				return dst, false
			}
			dst = binary.LittleEndian.AppendUint32(dst, float32Bits(f))
		case keyFloat64:
			f := *(*float64)(q)
			if f != f {
				return dst, false
			}
			dst = binary.LittleEndian.AppendUint64(dst, float64Bits(f))
		case keyTime:
			t := (*time.Time)(q)
			dst = binary.LittleEndian.AppendUint64(dst, uint64(t.Unix()))
			dst = binary.LittleEndian.AppendUint32(dst, uint32(t.Nanosecond()))
		case keyBytes:
			dst = append(dst, memory(q, o.size)...)
		case keyArray:
			for i := range o.size {
				var ok bool
				if dst, ok = o.elem.image(dst, unsafe.Add(q, i*o.elem.size)); !ok {
					return dst, false
				}
			}
		}
	}
	return dst, true
}

// fromImage sets the zeroed memory at p from a word image that image has made, and returns what follows it.
func (g *keyProgram) fromImage(src []byte, p unsafe.Pointer) []byte {
	for i := range g.ops {
		o := &g.ops[i]
		q := unsafe.Add(p, o.offset)
		switch o.code {
		case keyUint8, keyInt8, keyBool:
			*(*byte)(q) = src[0]
		case keyUint16, keyInt16:
			*(*uint16)(q) = binary.LittleEndian.Uint16(src)
		case keyUint32, keyInt32, keyFloat32:
			*(*uint32)(q) = binary.LittleEndian.Uint32(src)
		case keyUint64, keyInt64, keyFloat64:
			*(*uint64)(q) = binary.LittleEndian.Uint64(src)
		case keyUint:
			*(*uint)(q) = uint(binary.LittleEndian.Uint64(src))
		case keyInt:
			*(*int)(q) = int(binary.LittleEndian.Uint64(src))
		case keyTime:
			*(*time.Time)(q) = time.Unix(int64(binary.LittleEndian.Uint64(src)), int64(binary.LittleEndian.Uint32(src[8:]))).UTC()
		case keyBytes:
			src = src[copy(memory(q, o.size), src):]
			continue
		case keyArray:
			for i := range o.size {
				src = o.elem.fromImage(src, unsafe.Add(q, i*o.elem.size))
			}
			continue
		}
		src = src[keyWidths[o.code]:]
	}
	return src
}

// valid reports whether the key at p holds no NaN.
func (g *keyProgram) valid(p unsafe.Pointer) bool {
	for i := range g.ops {
		o := &g.ops[i]
		q := unsafe.Add(p, o.offset)
		switch o.code {
		case keyFloat32:
			if f := *(*float32)(q); f != f {
				return false
			}
		case keyFloat64:
			if f := *(*float64)(q); f != f {
				return false
			}
		case keyArray:
			for i := range o.size {
				if !o.elem.valid(unsafe.Add(q, i*o.elem.size)) {
					return false
				}
			}
		}
	}
	return true
}
