package untyped

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/weir-stream/weir/api/codec/schema"
)

// key appends one key, see the table of keys in the description of the format.
func (p *Printer) key(dst, src []byte, t *schema.Type) (out, rest []byte, err error) {
	t = p.schema.Follow(t)
	switch {
	case t.Kind == schema.Struct && p.empty(t):
		return append(dst, "{}"...), src, nil
	case t.Kind == schema.Array && p.empty(t):
		return append(dst, "[]"...), src, nil
	}
	switch t.Kind {
	case schema.Struct:
		dst = append(dst, '{')
		for i, f := range t.Fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, f.Name), ':')
			if dst, src, err = p.key(dst, src, f.Type); err != nil {
				return nil, nil, at(err, "."+f.Name)
			}
		}
		return append(dst, '}'), src, nil
	case schema.Array:
		if t.Len > len(src) {
			return nil, nil, errCut
		}
		dst = append(dst, '[')
		for i := range t.Len {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, src, err = p.key(dst, src, t.Elem); err != nil {
				return nil, nil, at(err, "["+strconv.Itoa(i)+"]")
			}
		}
		return append(dst, ']'), src, nil
	case schema.String:
		text, rest, err := unescape(src)
		if err != nil {
			return nil, nil, err
		}
		return p.appendString(dst, text), rest, nil
	case schema.Time:
		return keyTime(dst, src)
	}
	return keyNumber(dst, src, t.Kind)
}

var errEscape = errors.New("a string in a key has a 00 that nothing belongs to")

// unescape reads a string: 00 FF stands for a 00 in it, 00 01 for its end.
func unescape(src []byte) (text, rest []byte, err error) {
	for {
		at := bytes.IndexByte(src, 0)
		if at < 0 || at+1 == len(src) {
			return nil, nil, errCut
		}
		text = append(text, src[:at]...)
		next := src[at+1]
		src = src[at+2:]
		switch next {
		case 0x01:
			return text, src, nil
		case 0xff:
			text = append(text, 0)
		default:
			return nil, nil, errEscape
		}
	}
}

func keyTime(dst, src []byte) (out, rest []byte, err error) {
	if len(src) < 12 {
		return nil, nil, errCut
	}
	seconds := int64(binary.BigEndian.Uint64(src) ^ 1<<63)
	return appendTime(dst, seconds, binary.BigEndian.Uint32(src[8:]), utc), src[12:], nil
}

// keyNumber appends a number, whose high byte comes first: with the sign flipped, and of a float as its comment says.
func keyNumber(dst, src []byte, k schema.Kind) (out, rest []byte, err error) {
	width := widthOf(k)
	switch {
	case width == 0 || width > 8:
		return nil, nil, fmt.Errorf("a key of kind %s cannot be read", k)
	case width > len(src):
		return nil, nil, errCut
	}
	var bits uint64
	for _, b := range src[:width] {
		bits = bits<<8 | uint64(b)
	}
	rest = src[width:]
	sign := uint64(1) << (8*width - 1)
	switch k {
	case schema.Bool:
		return strconv.AppendBool(dst, bits != 0), rest, nil
	case schema.Uint8, schema.Uint16, schema.Uint32, schema.Uint64:
		return strconv.AppendUint(dst, bits, 10), rest, nil
	case schema.Int8, schema.Int16, schema.Int32, schema.Int64:
		return strconv.AppendInt(dst, extend(bits^sign, width), 10), rest, nil
	case schema.Duration:
		return appendQuoted(dst, time.Duration(bits^sign).String()), rest, nil
	case schema.Float32:
		return appendFloat(dst, float64(math.Float32frombits(uint32(unorder(bits, sign)))), 32), rest, nil
	case schema.Float64:
		return appendFloat(dst, math.Float64frombits(unorder(bits, sign)), 64), rest, nil
	}
	return nil, nil, fmt.Errorf("a key of kind %s cannot be read", k)
}

// extend returns a number of that many bytes with its sign.
func extend(bits uint64, width int) int64 {
	shift := 64 - 8*width
	return int64(bits<<shift) >> shift
}

// unorder undoes what makes floats compare as their bytes: positive ones have their sign flipped, negative ones all bits.
func unorder(bits, sign uint64) uint64 {
	if bits&sign != 0 {
		return bits ^ sign
	}
	return ^bits & (sign | (sign - 1))
}
