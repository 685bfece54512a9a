package table

import (
	"encoding/binary"
	"reflect"
	"unsafe"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state/keygroup"
)

// packer turns keys of K into words and back.
type packer[K any] struct {
	codec codec.Key[K]
	form  form
	words int
	// texts says that K is a kind of string whose View is its own bytes.
	texts   bool
	scratch []byte
}

func newPacker[K any](keys codec.Key[K]) packer[K] {
	p := packer[K]{codec: keys, words: keys.Words()}
	switch p.words {
	case 0:
		p.form, p.words = varying, 2
		p.texts = viewsOwnBytes(keys)
	case 1:
		p.form = oneWord
	case 2:
		p.form = twoWords
	default:
		p.form = manyWords
	}
	return p
}

// viewsOwnBytes finds out by trial whether keys are strings that are viewed as they are, which a codec of the user's own
// need not do.
func viewsOwnBytes[K any](keys codec.Key[K]) bool {
	if reflect.TypeFor[K]().Kind() != reflect.String {
		return false
	}
	text := "aZ \x00\xff\u00e9"
	view := keys.View(*(*K)(unsafe.Pointer(&text)), nil)
	return len(view) == len(text) && unsafe.SliceData(view) == unsafe.StringData(text)
}

// pack fills b with keys, reusing its memory.
func (p *packer[K]) pack(keys []K, hashes []uint64, b *batch) {
	n := len(keys)
	b.hashes = hashes[:n]
	if cap(b.words) < n*p.words {
		b.words = make([]uint64, n*p.words, (2*n+14)*p.words)
	}
	b.words, b.copies = b.words[:n*p.words], b.copies[:0]
	if len(b.longs) > 0 {
		clear(b.longs) // the keys of an earlier batch are kept no longer than it
		b.longs = b.longs[:0]
	}
	switch {
	case p.form != varying:
		p.codec.Pack(keys, b.words)
	case p.texts && n > 0:
		p.packTexts(unsafe.Slice((*string)(unsafe.Pointer(unsafe.SliceData(keys))), n), b)
	default:
		for i, key := range keys {
			view := p.codec.View(key, p.scratch)
			first, second, short := pack15(unsafe.String(unsafe.SliceData(view), len(view)))
			if short {
				b.words[2*i], b.words[2*i+1] = first, second
				continue
			}
			if len(view) > cap(p.scratch) {
				p.scratch = make([]byte, 0, 2*len(view))
			}
			from := len(b.copies)
			b.copies = append(b.copies, view...)
			b.addLong(i, n, b.copies[from:])
		}
	}
}

func (p *packer[K]) packTexts(texts []string, b *batch) {
	words := b.words[:2*len(texts)]
	for i, text := range texts {
		first, second, short := pack15(text)
		if !short {
			b.addLong(i, len(texts), unsafe.Slice(unsafe.StringData(text), len(text)))
			continue
		}
		words[2*i], words[2*i+1] = first, second
	}
}

// addLong sets key i of n to one that does not fit two words.
func (b *batch) addLong(i, n int, key []byte) {
	if len(b.longs) == 0 {
		if cap(b.longs) < n {
			b.longs = make([][]byte, n, max(2*n, 1024))
		}
		b.longs = b.longs[:n]
	}
	b.longs[i] = key
	b.words[2*i] = 0
	b.words[2*i+1] = longKey<<longKeyShift | keygroup.HashBytes(key)>>40<<32 | uint64(uint32(len(key)))
}

// pack15 returns a text of up to 15 bytes as two words.
func pack15(text string) (first, second uint64, short bool) {
	n := len(text)
	p := unsafe.StringData(text)
	switch {
	case n > shortKey:
		return 0, 0, false
	case n > 8:
		first = load64(unsafe.Pointer(p))
		second = load64(unsafe.Add(unsafe.Pointer(p), n-8)) >> (uint(16-n) * 8 & 63)
	case n >= 4:
		first = uint64(load32(unsafe.Pointer(p))) | uint64(load32(unsafe.Add(unsafe.Pointer(p), n-4)))<<(uint(n-4)*8&63)
	case n > 0:
		first = uint64(text[0]) | uint64(text[n/2])<<(uint(n/2)*8) | uint64(text[n-1])<<(uint(n-1)*8)
	}
	return first, second | uint64(n)<<longKeyShift, true
}

func load64(p unsafe.Pointer) uint64 { return binary.LittleEndian.Uint64((*[8]byte)(p)[:]) }
func load32(p unsafe.Pointer) uint32 { return binary.LittleEndian.Uint32((*[4]byte)(p)[:]) }

// unpack returns the key in an entry's words; longBytes gives the bytes of a long one.
func (p *packer[K]) unpack(words []uint64, longBytes func([]uint64) []byte) (K, error) {
	if p.form != varying {
		return p.codec.Unpack(words), nil
	}
	if isLong(words[1]) {
		return p.codec.FromView(longBytes(words))
	}
	var short [16]byte
	binary.LittleEndian.PutUint64(short[:], words[0])
	binary.LittleEndian.PutUint64(short[8:], words[1])
	return p.codec.FromView(short[:words[1]>>longKeyShift])
}

// view is unpack for a key that is used only as long as the entry stays where it is: texts are not copied.
func (p *packer[K]) view(words []uint64, longBytes func([]uint64) []byte) (key K, err error) {
	if p.texts && isLong(words[1]) {
		long := longBytes(words)
		*(*string)(unsafe.Pointer(&key)) = unsafe.String(unsafe.SliceData(long), len(long))
		return key, nil
	}
	return p.unpack(words, longBytes)
}
