package untyped

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/weir-stream/weir/api/codec/schema"
)

// value appends one value, see the table of values in the description of the format.
func (p *Printer) value(dst, src []byte, t *schema.Type, depth int) (out, rest []byte, err error) {
	t = p.schema.Follow(t)
	switch {
	case depth > schema.MaxValueDepth:
		return nil, nil, errDeep
	case t.Kind == schema.Struct && p.empty(t):
		return append(dst, "{}"...), src, nil
	case t.Kind == schema.Array && p.empty(t):
		return append(dst, "[]"...), src, nil
	}
	switch t.Kind {
	case schema.Array:
		return p.list(dst, src, t.Len, t.Elem, depth)
	case schema.Struct:
		return p.fields(dst, src, t, depth)
	case schema.Slice, schema.Map, schema.Pointer, schema.Union, schema.Bytes, schema.Protobuf, schema.String, schema.CustomKind:
		return p.varied(dst, src, t, depth)
	}
	return fixed(dst, src, t.Kind)
}

// varied appends a value that begins with a number, and is nil if that is 0, unless it is a string or custom.
func (p *Printer) varied(dst, src []byte, t *schema.Type, depth int) (out, rest []byte, err error) {
	n, size := binary.Uvarint(src)
	if size <= 0 {
		return nil, nil, errCut
	}
	src = src[size:]
	always := t.Kind == schema.String || t.Kind == schema.CustomKind
	if n == 0 && !always {
		return append(dst, "null"...), src, nil
	}
	if !always {
		n--
	}
	switch t.Kind {
	case schema.Pointer:
		return p.value(dst, src, t.Elem, depth+1)
	case schema.Union:
		return p.union(dst, src, n, t, depth)
	case schema.Slice:
		return p.slice(dst, src, n, t, depth)
	case schema.Map:
		return p.pairs(dst, src, n, t, depth)
	}
	if n > uint64(len(src)) {
		return nil, nil, errCut
	}
	if t.Kind == schema.String {
		return p.appendString(dst, src[:n]), src[n:], nil
	}
	return p.appendBytes(dst, src[:n]), src[n:], nil
}

func (p *Printer) union(dst, src []byte, number uint64, t *schema.Type, depth int) (out, rest []byte, err error) {
	if number >= uint64(len(t.Fields)) {
		return nil, nil, fmt.Errorf("case %d of a union that has %d", number+1, len(t.Fields))
	}
	c := t.Fields[number]
	dst = append(appendQuoted(append(dst, '{'), c.Name), ':')
	if dst, src, err = p.value(dst, src, c.Type, depth+1); err != nil {
		return nil, nil, at(err, "("+c.Name+")")
	}
	return append(dst, '}'), src, nil
}

func (p *Printer) slice(dst, src []byte, n uint64, t *schema.Type, depth int) (out, rest []byte, err error) {
	switch {
	case p.empty(t.Elem):
		return append(dst, "[]"...), src, nil
	case n > uint64(len(src)):
		return nil, nil, errCut
	}
	return p.list(dst, src, int(n), t.Elem, depth+1)
}

// list appends n elements, each of which takes at least one byte.
func (p *Printer) list(dst, src []byte, n int, elem *schema.Type, depth int) (out, rest []byte, err error) {
	if n > len(src) {
		return nil, nil, errCut
	}
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, src, err = p.value(dst, src, elem, depth); err != nil {
			return nil, nil, at(err, "["+strconv.Itoa(i)+"]")
		}
	}
	return append(dst, ']'), src, nil
}

func (p *Printer) fields(dst, src []byte, t *schema.Type, depth int) (out, rest []byte, err error) {
	dst = append(dst, '{')
	for i, f := range t.Fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, f.Name), ':')
		if dst, src, err = p.value(dst, src, f.Type, depth); err != nil {
			return nil, nil, at(err, "."+f.Name)
		}
	}
	return append(dst, '}'), src, nil
}

// pairs appends a map of n keys.
func (p *Printer) pairs(dst, src []byte, n uint64, t *schema.Type, depth int) (out, rest []byte, err error) {
	key := p.schema.Follow(t.Key)
	if p.empty(key) && n > 1 {
		return nil, nil, fmt.Errorf("a map with %d equal keys", n)
	}
	if !(p.empty(key) && p.empty(t.Elem)) && n > uint64(len(src)) {
		return nil, nil, errCut
	}
	named := isNamed(key.Kind)
	begin, end := byte('['), byte(']')
	if named {
		begin, end = '{', '}'
	}
	dst = append(dst, begin)
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, src, err = p.pair(dst, src, key, t.Elem, named, depth+1); err != nil {
			return nil, nil, err
		}
	}
	return append(dst, end), src, nil
}

func (p *Printer) pair(dst, src []byte, key, elem *schema.Type, named bool, depth int) (out, rest []byte, err error) {
	if !named {
		dst = append(dst, '[')
	}
	start := len(dst)
	if dst, src, err = p.value(dst, src, key, depth); err != nil {
		return nil, nil, at(err, "[key]")
	}
	if named && dst[start] != '"' { // a number, or a string that is no text, becomes a name
		dst = appendQuoted(dst[:start], string(dst[start:]))
	}
	if named {
		dst = append(dst, ':')
	} else {
		dst = append(dst, ',')
	}
	if dst, src, err = p.value(dst, src, elem, depth); err != nil {
		return nil, nil, at(err, "[]")
	}
	if !named {
		dst = append(dst, ']')
	}
	return dst, src, nil
}

// isNamed reports whether keys of the kind can name the fields of an object.
func isNamed(k schema.Kind) bool {
	return k == schema.String || k >= schema.Int8 && k <= schema.Uint64 || k == schema.Duration || k == schema.Time
}

// fixed appends a value of fixed width.
func fixed(dst, src []byte, k schema.Kind) (out, rest []byte, err error) {
	width := widthOf(k)
	switch {
	case width == 0:
		return nil, nil, fmt.Errorf("a value of kind %s cannot be read", k)
	case width > len(src):
		return nil, nil, errCut
	}
	b, rest := src[:width], src[width:]
	word := binary.LittleEndian
	switch k {
	case schema.Bool:
		dst = strconv.AppendBool(dst, b[0] != 0)
	case schema.Int8:
		dst = strconv.AppendInt(dst, int64(int8(b[0])), 10)
	case schema.Uint8:
		dst = strconv.AppendUint(dst, uint64(b[0]), 10)
	case schema.Int16:
		dst = strconv.AppendInt(dst, int64(int16(word.Uint16(b))), 10)
	case schema.Uint16:
		dst = strconv.AppendUint(dst, uint64(word.Uint16(b)), 10)
	case schema.Int32:
		dst = strconv.AppendInt(dst, int64(int32(word.Uint32(b))), 10)
	case schema.Uint32:
		dst = strconv.AppendUint(dst, uint64(word.Uint32(b)), 10)
	case schema.Int64:
		dst = strconv.AppendInt(dst, int64(word.Uint64(b)), 10)
	case schema.Uint64:
		dst = strconv.AppendUint(dst, word.Uint64(b), 10)
	case schema.Duration:
		dst = appendQuoted(dst, time.Duration(word.Uint64(b)).String())
	case schema.Float32:
		dst = appendFloat(dst, float64(math.Float32frombits(word.Uint32(b))), 32)
	case schema.Float64:
		dst = appendFloat(dst, math.Float64frombits(word.Uint64(b)), 64)
	case schema.Complex64:
		dst = appendComplex(dst, float64(math.Float32frombits(word.Uint32(b))), float64(math.Float32frombits(word.Uint32(b[4:]))), 32)
	case schema.Complex128:
		dst = appendComplex(dst, math.Float64frombits(word.Uint64(b)), math.Float64frombits(word.Uint64(b[8:])), 64)
	case schema.Time:
		dst = appendTime(dst, int64(word.Uint64(b)), word.Uint32(b[8:]), int32(word.Uint32(b[12:])))
	}
	return dst, rest, nil
}

// widthOf returns the bytes of a number, 0 for what is none.
func widthOf(k schema.Kind) int {
	switch k {
	case schema.Bool, schema.Int8, schema.Uint8:
		return 1
	case schema.Int16, schema.Uint16:
		return 2
	case schema.Int32, schema.Uint32, schema.Float32:
		return 4
	case schema.Int64, schema.Uint64, schema.Float64, schema.Duration, schema.Complex64:
		return 8
	case schema.Complex128, schema.Time:
		return 16
	}
	return 0
}
