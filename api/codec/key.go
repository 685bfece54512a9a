package codec

import (
	"reflect"
	"unsafe"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/state/keygroup"
)

// maxWords is how many words a key of fixed width may have to be kept as words.
const maxWords = 4

// ForKey returns the key codec of K. It is made once per type; later calls are cheap. The error is a *RefusedError that
// names the part of K which cannot be a key. Safe for concurrent use.
//
// A key is bool, an integer, a float, a string, time.Time, time.Duration, or an array or struct of these. Its encoding
// follows from the structure alone: registered codecs and Marshalers have no part in it. Encodings order as the keys do:
// numbers by value, false before true, strings by their bytes, times by their instant, composites from first to last.
// -0 is 0. Of a time the instant is the key; it decodes as UTC.
func ForKey[K any]() (Key[K], error) {
	t := reflect.TypeFor[K]()
	if made, ok := registered.keys.Load(t); ok {
		return made.(Key[K]), nil
	}
	g, err := compileKey(t, littleEndian)
	if err != nil {
		return nil, err
	}
	made, _ := registered.keys.LoadOrStore(t, newKey[K](g))
	return made.(Key[K]), nil
}

// newKey chooses the form in which keys are hashed and kept.
func newKey[K any](g *keyProgram) Key[K] {
	base := keyBase[K]{program: g, schema: schema.New(schema.Key, g.schema), flat: isFlat(g.typ)}
	if len(g.ops) == 1 && g.ops[0].size == g.size {
		switch o := g.ops[0]; {
		case o.code == keyString:
			return &stringKey[K]{base}
		case o.code <= keyFloat64:
			return &numberKey[K]{base, o.code}
		}
	}
	words := (g.width + 7) / 8
	if g.width >= 0 && words <= maxWords {
		return &wordsKey[K]{keyBase: base, words: max(words, 1)}
	}
	return &viewKey[K]{base}
}

// keyBase is what all forms of keys have in common.
type keyBase[K any] struct {
	program *keyProgram
	schema  *schema.Schema
	flat    bool
}

func (k *keyBase[K]) Append(dst []byte, v *K) []byte {
	return k.program.append(dst, unsafe.Pointer(v))
}

func (k *keyBase[K]) Decode(src []byte, v *K) (rest []byte, err error) {
	var key K // all of *v is overwritten, also blank fields
	rest, malformed := k.program.decode(src, unsafe.Pointer(&key))
	if malformed != nil {
		return nil, malformed.in(k.program.typ)
	}
	*v = key
	return rest, nil
}

func (k *keyBase[K]) Schema() *schema.Schema { return k.schema }

func (k *keyBase[K]) Flat() bool { return k.flat }

// as returns keys as what they are made of: a named type, or a struct or array with one such part, lies in memory as it.
func as[M, K any](keys []K) []M {
	return unsafe.Slice((*M)(unsafe.Pointer(unsafe.SliceData(keys))), len(keys))
}

// stringKey is the form of keys that are one string. They are hashed and viewed by their own bytes.
type stringKey[K any] struct{ keyBase[K] }

func (k *stringKey[K]) Hash(keys []K, hashes []uint64) int {
	hashes = hashes[:len(keys)]
	for i, key := range as[string](keys) {
		hashes[i] = keygroup.HashString(key)
	}
	return -1
}

func (k *stringKey[K]) Words() int { return 0 }

func (k *stringKey[K]) Pack([]K, []uint64) { panic(noWords(k.program.typ)) }

func (k *stringKey[K]) Unpack([]uint64) K { panic(noWords(k.program.typ)) }

func (k *stringKey[K]) View(key K, _ []byte) []byte {
	s := *(*string)(unsafe.Pointer(&key))
	return unsafe.Slice(unsafe.StringData(s), len(s))
}

func (k *stringKey[K]) FromView(view []byte) (key K, err error) {
	*(*string)(unsafe.Pointer(&key)) = string(view)
	return key, nil
}

// viewKey is the form of keys of several parts that vary in length or are long. They are hashed and viewed by their
// encoding.
type viewKey[K any] struct{ keyBase[K] }

func (k *viewKey[K]) Hash(keys []K, hashes []uint64) int {
	hashes = hashes[:len(keys)]
	var buffer [256]byte
	scratch := buffer[:0]
	for i := range keys {
		p := unsafe.Pointer(&keys[i])
		if !k.program.valid(p) {
			return i
		}
		scratch = k.program.append(scratch[:0], p)
		hashes[i] = keygroup.HashBytes(scratch)
	}
	return -1
}

func (k *viewKey[K]) Words() int { return 0 }

func (k *viewKey[K]) Pack([]K, []uint64) { panic(noWords(k.program.typ)) }

func (k *viewKey[K]) Unpack([]uint64) K { panic(noWords(k.program.typ)) }

func (k *viewKey[K]) View(key K, scratch []byte) []byte {
	return k.program.append(scratch, unsafe.Pointer(&key))
}

func (k *viewKey[K]) FromView(view []byte) (K, error) {
	var key K
	rest, err := k.Decode(view, &key)
	if err == nil && len(rest) > 0 {
		err = malformed("%d bytes after the key", len(rest)).in(k.program.typ)
	}
	return key, err
}

func noWords(t reflect.Type) string {
	return "codec: keys of type " + t.String() + " vary in length and have no words; use View"
}

func noView(t reflect.Type) string {
	return "codec: keys of type " + t.String() + " are words; use Pack"
}
