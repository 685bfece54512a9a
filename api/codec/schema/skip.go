package schema

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

var (
	errCut  = errors.New("the input ends within a value that is skipped")
	errDeep = fmt.Errorf("values nested deeper than %d", MaxValueDepth)
)

// MaxValueDepth is how deep slices, maps, pointers and unions of a value may be nested within each other.
const MaxValueDepth = 10_000

// Skipper passes over encoded values that nobody wants. It is immutable.
type Skipper struct {
	schema *Schema
	root   *Type
	widths map[*Type]int
}

// Skipper returns what skips values of t, a node of this schema, which must be a value's.
func (s *Schema) Skipper(t *Type) *Skipper {
	k := &Skipper{schema: s, root: t, widths: map[*Type]int{}}
	k.width(t)
	return k
}

// Skip returns what follows the value at the front of src. It never reads beyond src nor longer than its length
// warrants, whatever src holds.
func (k *Skipper) Skip(src []byte) (rest []byte, err error) { return k.skip(k.root, src, 0) }

// Width returns the number of bytes that every value takes, or -1 if they differ; then they are at least one.
func (k *Skipper) Width() int { return k.widths[k.schema.Follow(k.root)] }

// width returns the bytes that every value of t takes, or -1 if they differ; then they are at least one.
func (k *Skipper) width(t *Type) int {
	t = k.schema.Follow(t)
	if width, known := k.widths[t]; known {
		return width
	}
	k.widths[t] = -1 // of the same type further in
	width := t.Kind.width()
	switch t.Kind {
	case Array:
		width = k.width(t.Elem)
		switch {
		case t.Len == 0:
			width = 0
		case width > math.MaxInt32/t.Len:
			width = math.MaxInt32
		case width > 0:
			width *= t.Len
		}
	case Struct:
		width = 0
		for _, f := range t.Fields {
			if of := k.width(f.Type); of < 0 {
				width = -1
			} else if width >= 0 {
				width = min(width+of, math.MaxInt32)
			}
		}
	case Slice, Map, Pointer:
		k.width(t.Elem)
		if t.Key != nil {
			k.width(t.Key)
		}
	case Union:
		for _, f := range t.Fields {
			k.width(f.Type)
		}
	}
	k.widths[t] = width
	return width
}

func (k *Skipper) skip(t *Type, src []byte, depth int) (rest []byte, err error) {
	t = k.schema.Follow(t)
	if width := k.widths[t]; width >= 0 {
		if width > len(src) {
			return nil, errCut
		}
		return src[width:], nil
	}
	if depth > MaxValueDepth {
		return nil, errDeep
	}
	switch t.Kind {
	case Array:
		return k.skipMany(t.Len, src, depth, t.Elem)
	case Struct:
		for _, f := range t.Fields {
			if src, err = k.skip(f.Type, src, depth); err != nil {
				return nil, err
			}
		}
		return src, nil
	}
	n, size := binary.Uvarint(src)
	if size <= 0 {
		return nil, errCut
	}
	src = src[size:]
	if n == 0 && t.Kind != String && t.Kind != CustomKind {
		return src, nil // nil
	}
	switch t.Kind {
	case String, CustomKind:
		return skipBytes(n, src)
	case Bytes, Protobuf:
		return skipBytes(n-1, src)
	case Pointer:
		return k.skip(t.Elem, src, depth+1)
	case Union:
		if n > uint64(len(t.Fields)) {
			return nil, fmt.Errorf("case %d of a union that has %d", n, len(t.Fields))
		}
		return k.skip(t.Fields[n-1].Type, src, depth+1)
	case Map:
		return k.skipMany(saturate(n-1), src, depth+1, t.Key, t.Elem)
	default:
		return k.skipMany(saturate(n-1), src, depth+1, t.Elem)
	}
}

func saturate(n uint64) int { return int(min(n, math.MaxInt)) }

func skipBytes(n uint64, src []byte) ([]byte, error) {
	if n > uint64(len(src)) {
		return nil, errCut
	}
	return src[n:], nil
}

// skipMany skips n elements, each a value of every one of the types.
func (k *Skipper) skipMany(n int, src []byte, depth int, types ...*Type) (rest []byte, err error) {
	width := 0
	for _, t := range types {
		if of := k.widths[k.schema.Follow(t)]; of < 0 {
			width = -1
		} else if width >= 0 {
			width += of
		}
	}
	switch {
	case width == 0:
		return src, nil
	case n > len(src):
		return nil, errCut
	case width > 0:
		if n > len(src)/width {
			return nil, errCut
		}
		return src[n*width:], nil
	}
	for range n {
		for _, t := range types {
			if src, err = k.skip(t, src, depth); err != nil {
				return nil, err
			}
		}
	}
	return src, nil
}
