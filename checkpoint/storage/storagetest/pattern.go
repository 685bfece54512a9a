package storagetest

import (
	"encoding/binary"
	"io"
)

// Pattern returns bytes that look random, the same ones for the same seed.
func Pattern(seed uint64, size int) []byte {
	b := make([]byte, size)
	pattern{seed, int64(size)}.ReadAt(b, 0)
	return b
}

// PatternAt returns a reader of size such bytes that holds none of them in memory.
func PatternAt(seed uint64, size int64) io.ReaderAt { return pattern{seed, size} }

type pattern struct {
	seed uint64
	size int64
}

// ReadAt fills p with the words from the offset on.
func (s pattern) ReadAt(p []byte, offset int64) (int, error) {
	n := int(max(0, min(int64(len(p)), s.size-offset)))
	for i := 0; i < n; {
		word := mix(s.seed<<40 + uint64(offset+int64(i))/8)
		var bytes [8]byte
		binary.LittleEndian.PutUint64(bytes[:], word)
		i += copy(p[i:n], bytes[(offset+int64(i))%8:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// mix is the output function of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
