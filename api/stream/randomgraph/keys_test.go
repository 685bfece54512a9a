package randomgraph

import "math"

// keyKind names the type of the keys of a keyed stream.
type keyKind int

const (
	intKey keyKind = iota
	textKey
	pairKey
	bytesKey
	floatKey
	keyKinds
)

func (k keyKind) String() string {
	return [keyKinds]string{"int64", "string", "struct", "[3]byte", "float64"}[k]
}

type keyPair struct {
	Low  uint8
	Rest string
}

// keying turns a record's key into a key of the engine, and back. Both ways are one to one.
type keying[K comparable] struct {
	of   func(record) K
	back func(K) int32
}

func intKeying() keying[int64] {
	return keying[int64]{func(r record) int64 { return int64(r.Key) - 3 }, func(k int64) int32 { return int32(k + 3) }}
}

func textKeying() keying[string] {
	return keying[string]{func(r record) string { return keyText(r.Key) }, keyOfText}
}

func pairKeying() keying[keyPair] {
	return keying[keyPair]{
		func(r record) keyPair { return keyPair{uint8(r.Key), keyText(r.Key >> 8)} },
		func(k keyPair) int32 { return keyOfText(k.Rest)<<8 | int32(k.Low) },
	}
}

func bytesKeying() keying[[3]byte] {
	return keying[[3]byte]{
		func(r record) [3]byte { return [3]byte{byte(r.Key), byte(r.Key >> 8), byte(r.Key >> 16)} },
		func(k [3]byte) int32 { return int32(k[0]) | int32(k[1])<<8 | int32(k[2])<<16 },
	}
}

// floatKeying gives key 0 both of its signs, which are the same key.
func floatKeying() keying[float64] {
	return keying[float64]{
		func(r record) float64 {
			if r.Key == 0 && r.Mark%2 == 1 {
				return math.Copysign(0, -1)
			}
			return float64(r.Key) / 8
		},
		func(k float64) int32 { return int32(k * 8) },
	}
}
