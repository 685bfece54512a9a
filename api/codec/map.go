package codec

import (
	"bytes"
	"reflect"
	"slices"
	"unsafe"
)

// pairSpan is where an encoded pair lies.
type pairSpan struct{ start, value, end int }

// appendMap appends the pairs of the map at q in ascending order of their encoded keys, so that equal maps have equal
// encodings. It is the one instruction that walks its value by reflection.
func (o *op) appendMap(dst []byte, q unsafe.Pointer, depth int) []byte {
	m := typed(o.more.typ, q)
	if m.IsNil() {
		return append(dst, 0)
	}
	dst = appendLength(dst, uint64(m.Len())+1)
	if m.Len() == 0 {
		return dst
	}
	first := len(dst)
	spans := make([]pairSpan, 0, m.Len())
	key, value := reflect.New(o.more.typ.Key()), reflect.New(o.more.typ.Elem())
	for pairs := m.MapRange(); pairs.Next(); {
		key.Elem().SetIterKey(pairs)
		value.Elem().SetIterValue(pairs)
		span := pairSpan{start: len(dst)}
		dst = o.more.key.append(dst, key.UnsafePointer(), depth)
		span.value = len(dst)
		dst = o.elem.append(dst, value.UnsafePointer(), depth)
		span.end = len(dst)
		spans = append(spans, span)
	}
	return sortPairs(dst, first, spans)
}

// sortPairs puts the pairs from dst[first] on into order.
func sortPairs(dst []byte, first int, spans []pairSpan) []byte {
	compare := func(a, b pairSpan) int {
		if byKey := bytes.Compare(dst[a.start:a.value], dst[b.start:b.value]); byKey != 0 {
			return byKey
		}
		return bytes.Compare(dst[a.value:a.end], dst[b.value:b.end]) // two NaN
	}
	if slices.IsSortedFunc(spans, compare) {
		return dst
	}
	slices.SortFunc(spans, compare)
	unsorted := bytes.Clone(dst[first:])
	dst = dst[:first]
	for _, span := range spans {
		dst = append(dst, unsorted[span.start-first:span.end-first]...)
	}
	return dst
}

func (o *op) decodeMap(d *decoder, src []byte, q unsafe.Pointer, n uint64, depth int) ([]byte, *FormatError) {
	least := o.more.key.least + o.elem.least
	if !d.room(src, n, least) || least == 0 && n > 1 {
		return nil, malformed("%d pairs where %d bytes are left", n, len(src))
	}
	m := reflect.MakeMapWithSize(o.more.typ, int(n))
	typed(o.more.typ, q).Set(m)
	key, value := reflect.New(o.more.typ.Key()), reflect.New(o.more.typ.Elem())
	var err *FormatError
	d.reserved += int(n) * least
	for range n {
		d.reserved -= least
		if src, err = o.more.key.decode(d, src, key.UnsafePointer(), depth); err != nil {
			return nil, err.within("[key]")
		}
		if src, err = o.elem.decode(d, src, value.UnsafePointer(), depth); err != nil {
			return nil, err.within("[]")
		}
		m.SetMapIndex(key.Elem(), value.Elem())
	}
	if uint64(m.Len()) != n {
		return nil, malformed("of %d keys only %d differ", n, m.Len())
	}
	return src, nil
}
