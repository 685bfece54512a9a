package snapshot

import (
	"encoding/binary"
	"fmt"
)

// AppendElements appends the elements of an operator state as ListPart has them.
func AppendElements(dst []byte, elements [][]byte) []byte {
	for _, e := range elements {
		dst = binary.AppendUvarint(dst, uint64(len(e)))
		dst = append(dst, e...)
	}
	return dst
}

// ParseElements reads what AppendElements wrote; there must be count elements. They share memory with src.
func ParseElements(src []byte, count int) ([][]byte, error) {
	if count < 0 || count > len(src) {
		return nil, fmt.Errorf("%d elements cannot be in %d bytes", count, len(src))
	}
	elements := make([][]byte, count)
	for i := range elements {
		length, n := binary.Uvarint(src)
		if n <= 0 || length > uint64(len(src)-n) {
			return nil, fmt.Errorf("element %d of %d is cut off", i, count)
		}
		src = src[n:]
		elements[i], src = src[:length:length], src[length:]
	}
	if len(src) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last of %d elements", len(src), count)
	}
	return elements, nil
}
