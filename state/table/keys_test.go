package table

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/state/keygroup"
)

// wordKeys is a key codec for int64; spoil, if set, is applied to its hashes.
type wordKeys struct{}

func (wordKeys) Append(dst []byte, v *int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(*v))
}

func (wordKeys) Decode(src []byte, v *int64) ([]byte, error) {
	if len(src) < 8 {
		return nil, errors.New("short")
	}
	*v = int64(binary.BigEndian.Uint64(src))
	return src[8:], nil
}
func (wordKeys) Schema() *schema.Schema { return nil }
func (wordKeys) Flat() bool             { return true }
func (wordKeys) Words() int             { return 1 }
func (wordKeys) Hash(keys []int64, hashes []uint64) int {
	for i, k := range keys {
		hashes[i] = keygroup.HashWord(uint64(k))
	}
	return -1
}

func (wordKeys) Pack(keys []int64, words []uint64) {
	for i, k := range keys {
		words[i] = uint64(k)
	}
}
func (wordKeys) Unpack(words []uint64) int64    { return int64(words[0]) }
func (wordKeys) View(int64, []byte) []byte      { panic("not of varying length") }
func (wordKeys) FromView([]byte) (int64, error) { panic("not of varying length") }

// textKeys is a key codec for strings.
type textKeys struct{}

func (textKeys) Append(dst []byte, v *string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(*v))), *v...)
}

func (textKeys) Decode(src []byte, v *string) ([]byte, error) {
	n, w := binary.Uvarint(src)
	if w <= 0 || uint64(len(src)-w) < n {
		return nil, errors.New("short")
	}
	*v = string(src[w : w+int(n)])
	return src[w+int(n):], nil
}
func (textKeys) Schema() *schema.Schema { return nil }
func (textKeys) Flat() bool             { return false }
func (textKeys) Words() int             { return 0 }
func (textKeys) Hash(keys []string, hashes []uint64) int {
	for i, k := range keys {
		hashes[i] = keygroup.HashString(k)
	}
	return -1
}
func (textKeys) Pack([]string, []uint64) { panic("of varying length") }
func (textKeys) Unpack([]uint64) string  { panic("of varying length") }
func (textKeys) View(key string, _ []byte) []byte {
	return unsafe.Slice(unsafe.StringData(key), len(key))
}
func (textKeys) FromView(view []byte) (string, error) { return string(view), nil }
