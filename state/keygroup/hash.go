// Package keygroup maps a key's stable hash to its key group and a key group to the subtask that owns it, and
// redistributes operator list state over a changed number of subtasks. All of it is pure; every function is safe for
// concurrent use.
//
// A key group is the unit in which keyed state moves: a job has as many of them as its max parallelism, each belongs
// to exactly one subtask, and the groups of a subtask are one contiguous range.
package keygroup

import "github.com/cespare/xxhash/v2"

// offset keeps HashWord(0) away from 0; it is the 64-bit golden ratio, as in SplitMix64.
const offset = 0x9e3779b97f4a7c15

// HashWord returns the stable hash of a key that is one 64-bit word. It is a bijection: different words never collide.
// Source: the 64-bit finalizer of MurmurHash3 (Austin Appleby), after adding a constant.
func HashWord(word uint64) uint64 {
	word += offset
	word ^= word >> 33
	word *= 0xff51afd7ed558ccd
	word ^= word >> 33
	word *= 0xc4ceb9fe1a85ec53
	return word ^ word>>33
}

// HashWords returns the stable hash of a key of several words: HashWord of each word, chained by exclusive or.
// Of one word it is HashWord. Keys of different lengths must not share a key space.
func HashWords(words []uint64) uint64 {
	var hash uint64
	for _, word := range words {
		hash = HashWord(hash ^ word)
	}
	return hash
}

// HashBytes returns the stable hash of a key that is bytes: XXH64 with seed 0.
func HashBytes(key []byte) uint64 { return xxhash.Sum64(key) }

// HashString is HashBytes of the string's bytes, which are not copied.
func HashString(key string) uint64 { return xxhash.Sum64String(key) }
