package codec

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/weir-stream/weir/state/keygroup"
)

// numberKey is the form of keys that are one number of up to 8 bytes. Its word is the number, sign-extended; of a float,
// its bits.
type numberKey[K any] struct {
	keyBase[K]
	code keyCode
}

type integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

func packIntegers[I integer](keys []I, words []uint64) {
	words = words[:len(keys)]
	for i, key := range keys {
		words[i] = uint64(key)
	}
}

func hashIntegers[I integer](keys []I, hashes []uint64) int {
	hashes = hashes[:len(keys)]
	for i, key := range keys {
		hashes[i] = keygroup.HashWord(uint64(key))
	}
	return -1
}

func (k *numberKey[K]) Hash(keys []K, hashes []uint64) int {
	switch k.code {
	case keyUint8, keyBool:
		return hashIntegers(as[uint8](keys), hashes)
	case keyUint16:
		return hashIntegers(as[uint16](keys), hashes)
	case keyUint32:
		return hashIntegers(as[uint32](keys), hashes)
	case keyUint64:
		return hashIntegers(as[uint64](keys), hashes)
	case keyUint:
		return hashIntegers(as[uint](keys), hashes)
	case keyInt8:
		return hashIntegers(as[int8](keys), hashes)
	case keyInt16:
		return hashIntegers(as[int16](keys), hashes)
	case keyInt32:
		return hashIntegers(as[int32](keys), hashes)
	case keyInt64:
		return hashIntegers(as[int64](keys), hashes)
	case keyInt:
		return hashIntegers(as[int](keys), hashes)
	case keyFloat32:
		return hashFloat32s(as[float32](keys), hashes)
	default:
		return hashFloat64s(as[float64](keys), hashes)
	}
}

func hashFloat32s(keys []float32, hashes []uint64) int {
	hashes = hashes[:len(keys)]
	for i, key := range keys {
		if key != key {
			return i
		}
		hashes[i] = keygroup.HashWord(uint64(float32Bits(key)))
	}
	return -1
}

func hashFloat64s(keys []float64, hashes []uint64) int {
	hashes = hashes[:len(keys)]
	for i, key := range keys {
		if key != key {
			return i
		}
		hashes[i] = keygroup.HashWord(float64Bits(key))
	}
	return -1
}

func (k *numberKey[K]) Words() int { return 1 }

func (k *numberKey[K]) Pack(keys []K, words []uint64) {
	switch k.code {
	case keyUint8, keyBool:
		packIntegers(as[uint8](keys), words)
	case keyUint16:
		packIntegers(as[uint16](keys), words)
	case keyUint32:
		packIntegers(as[uint32](keys), words)
	case keyUint64, keyInt64:
		copy(words[:len(keys)], as[uint64](keys))
	case keyUint:
		packIntegers(as[uint](keys), words)
	case keyInt8:
		packIntegers(as[int8](keys), words)
	case keyInt16:
		packIntegers(as[int16](keys), words)
	case keyInt32:
		packIntegers(as[int32](keys), words)
	case keyInt:
		packIntegers(as[int](keys), words)
	case keyFloat32:
		for i, key := range as[float32](keys) {
			words[i] = uint64(float32Bits(key))
		}
	default:
		for i, key := range as[float64](keys) {
			words[i] = float64Bits(key)
		}
	}
}

func (k *numberKey[K]) Unpack(words []uint64) (key K) {
	q, word := unsafe.Pointer(&key), words[0]
	switch k.code {
	case keyUint8, keyBool, keyInt8:
		*(*uint8)(q) = uint8(word)
	case keyUint16, keyInt16:
		*(*uint16)(q) = uint16(word)
	case keyUint32, keyInt32, keyUint, keyInt: // the latter two only where they have 32 bits
		*(*uint32)(q) = uint32(word)
	case keyUint64, keyInt64:
		*(*uint64)(q) = word
	case keyFloat32:
		*(*float32)(q) = math.Float32frombits(uint32(word))
	default:
		*(*float64)(q) = math.Float64frombits(word)
	}
	return key
}

func (k *numberKey[K]) View(K, []byte) []byte { panic(noView(k.program.typ)) }

func (k *numberKey[K]) FromView([]byte) (K, error) { panic(noView(k.program.typ)) }

// wordsKey is the form of composite keys of a fixed width of up to 32 bytes. Its words are the word image; their hash is
// that of the chained words.
type wordsKey[K any] struct {
	keyBase[K]
	words int
}

func (k *wordsKey[K]) Hash(keys []K, hashes []uint64) int {
	hashes = hashes[:len(keys)]
	size := int(k.program.size)
	if k.program.packed && size == 8*k.words {
		hashImages(memory(unsafe.Pointer(unsafe.SliceData(keys)), uintptr(len(keys)*size)), hashes, size)
		return -1
	}
	var words [maxWords]uint64
	for i := range keys {
		if !k.pack(&keys[i], words[:k.words]) {
			return i
		}
		hashes[i] = keygroup.HashWords(words[:k.words])
	}
	return -1
}

// hashImages hashes keys whose memory is their words.
func hashImages(image []byte, hashes []uint64, size int) {
	if size == 16 {
		for i := range hashes {
			words := image[:16:16]
			hashes[i] = keygroup.HashWord(keygroup.HashWord(binary.LittleEndian.Uint64(words)) ^ binary.LittleEndian.Uint64(words[8:]))
			image = image[16:]
		}
		return
	}
	for i := range hashes {
		hash := uint64(0)
		for at := 0; at < size; at += 8 {
			hash = keygroup.HashWord(hash ^ binary.LittleEndian.Uint64(image[at:]))
		}
		hashes[i], image = hash, image[size:]
	}
}

// pack writes the words of one key; it is false for one that holds a NaN.
func (k *wordsKey[K]) pack(key *K, words []uint64) bool {
	var buffer [8 * maxWords]byte
	ok := true
	if p := unsafe.Pointer(key); k.program.packed {
		copy(buffer[:], memory(p, k.program.size))
	} else {
		_, ok = k.program.image(buffer[:0], p)
	}
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(buffer[8*i:])
	}
	return ok
}

func (k *wordsKey[K]) Words() int { return k.words }

func (k *wordsKey[K]) Pack(keys []K, words []uint64) {
	words = words[:len(keys)*k.words]
	if size := k.program.size; k.program.packed && size == 8*uintptr(k.words) {
		copy(memory(unsafe.Pointer(unsafe.SliceData(words)), size*uintptr(len(keys))),
			memory(unsafe.Pointer(unsafe.SliceData(keys)), size*uintptr(len(keys))))
		return
	}
	for i := range keys {
		k.pack(&keys[i], words[i*k.words:(i+1)*k.words])
	}
}

func (k *wordsKey[K]) Unpack(words []uint64) (key K) {
	var buffer [8 * maxWords]byte
	for i, word := range words[:k.words] {
		binary.LittleEndian.PutUint64(buffer[8*i:], word)
	}
	k.program.fromImage(buffer[:], unsafe.Pointer(&key))
	return key
}

func (k *wordsKey[K]) View(K, []byte) []byte { panic(noView(k.program.typ)) }

func (k *wordsKey[K]) FromView([]byte) (K, error) { panic(noView(k.program.typ)) }
