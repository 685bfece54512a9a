package table

import (
	"math"
	"unsafe"
)

// A batch is resolved in passes, because the time of a large table is that of waiting for memory, and a processor waits
// for many lines at once only in a loop that does nothing else: first the addresses of all home buckets, then a load from
// each of their lines, then the keys' comparison. Two passes with the loads among the arithmetic take twice as long.

// homes writes the address of each hash's home bucket.
func (ix *index) homes(hashes []uint64, buckets []unsafe.Pointer) {
	buckets = buckets[:len(hashes)]
	directory, depth, size := ix.directory, ix.depth, uint64(ix.bucketBytes)
	first, groups := ix.firstGroup, ix.maxGroups
	for i, hash := range hashes {
		p := &directory[((hash>>32)*groups>>32-first)<<(depth&63)|(hash&math.MaxUint32)>>((32-depth)&63)]
		shape := p.shape
		bucket := uint64(uint32(hash)<<(shape>>depthShift&31)) * uint64(uint32(shape)) >> 32
		buckets[i] = unsafe.Add(p.base, bucket*size)
	}
}

// cachedBytes is the size of an index up to which the processor's caches are taken to hold it.
const cachedBytes = 1 << 20

// fetch loads from the lines of each bucket. The sum is meaningless; it keeps the loads from being left out.
func (ix *index) fetch(buckets []unsafe.Pointer) (sum uint64) {
	if ix.bytes <= cachedBytes {
		return 0
	}
	second := uintptr(line)
	if ix.bucketBytes < 2*line {
		second = 0
	}
	for _, bucket := range buckets {
		sum += *(*uint64)(bucket) + *(*uint64)(unsafe.Add(bucket, second))
	}
	return sum
}

// chooseOne replaces the address of each bucket by that of the entry in it that has the one-word key, of the first one if none
// has. It does not branch on what it loads.
func (ix *index) chooseOne(words []uint64, buckets []unsafe.Pointer) {
	words = words[:len(buckets)]
	if ix.stride == 24 {
		chooseOneOfFive(words, buckets)
		return
	}
	stride, end := uintptr(ix.stride), uintptr(ix.perBucket*ix.stride)
	for i, bucket := range buckets {
		word, match := words[i], uintptr(0)
		for at := uintptr(0); at < end; at += stride {
			if *(*uint64)(unsafe.Add(bucket, at)) == word {
				match = at
			}
		}
		buckets[i] = unsafe.Add(bucket, match)
	}
}

// chooseTwo is chooseOne for keys of two words.
func (ix *index) chooseTwo(words []uint64, buckets []unsafe.Pointer) {
	words = words[:2*len(buckets)]
	if ix.stride == 32 {
		chooseTwoOfFour(words, buckets)
		return
	}
	stride, end := uintptr(ix.stride), uintptr(ix.perBucket*ix.stride)
	for i, bucket := range buckets {
		first, second, match := words[2*i], words[2*i+1], uintptr(0)
		for at := uintptr(0); at < end; at += stride {
			entry := unsafe.Add(bucket, at)
			if (*(*uint64)(entry)^first)|(*(*uint64)(unsafe.Add(entry, 8))^second) == 0 {
				match = at
			}
		}
		buckets[i] = unsafe.Add(bucket, match)
	}
}

// chooseOneOfFive is chooseOne for entries of 24 bytes: a word as key and one as value.
func chooseOneOfFive(words []uint64, buckets []unsafe.Pointer) {
	for i, bucket := range buckets {
		b := (*[15]uint64)(bucket)
		word, match := words[i], uintptr(0)
		if b[3] == word {
			match = 24
		}
		if b[6] == word {
			match = 48
		}
		if b[9] == word {
			match = 72
		}
		if b[12] == word {
			match = 96
		}
		buckets[i] = unsafe.Add(bucket, match)
	}
}

// chooseTwoOfFour is chooseTwo for entries of 32 bytes: two words as key and one as value.
func chooseTwoOfFour(words []uint64, buckets []unsafe.Pointer) {
	for i, bucket := range buckets {
		b := (*[16]uint64)(bucket)
		first, second, match := words[2*i], words[2*i+1], uintptr(0)
		if b[4]^first|b[5]^second == 0 {
			match = 32
		}
		if b[8]^first|b[9]^second == 0 {
			match = 64
		}
		if b[12]^first|b[13]^second == 0 {
			match = 96
		}
		buckets[i] = unsafe.Add(bucket, match)
	}
}
