package table

import (
	"bytes"
	"unsafe"
)

// form is how keys are kept in entries.
type form uint8

const (
	oneWord form = iota
	twoWords
	manyWords
	// varying keys take two words. Up to 15 bytes are kept in them, the length in the last byte. Of a longer key the
	// first word is the ref of its bytes and the second has longKey in its last byte, then 24 bits of the bytes' hash and
	// 32 of the length. In a key that is being searched for, the first word of a long key is unused.
	varying
)

const (
	longKey      = 0xff
	longKeyShift = 56
	shortKey     = 15
)

func isLong(second uint64) bool { return second>>longKeyShift == longKey }

// find returns the entry of a key of one word, nil if there is none.
func (ix *index) find(word, hash uint64) unsafe.Pointer {
	p := &ix.directory[ix.at(hash)]
	if at := ix.search(p, word, hash); ix.used(at.entry) != 0 {
		return at.entry
	}
	return nil
}

// search returns the spot of a key of one word, or the free one that ends the search for it.
func (ix *index) search(p *place, word, hash uint64) spot {
	at := ix.spotOf(p, p.home(hash))
	// Most searches end in the home bucket, at an unpredictable entry: it is looked through without branches.
	perBucket, stride := uint64(ix.perBucket), uint64(ix.stride)
	found, used := perBucket, uint64(0)
	for in := range perBucket {
		entry := unsafe.Add(at.entry, in*stride)
		differs := *(*uint64)(entry) ^ word
		if *(*uint64)(unsafe.Add(entry, 8)) != 0 {
			used = in + 1
		} else {
			differs = 1 // a free entry has the key 0
		}
		if differs == 0 {
			found = in
		}
	}
	if in := min(found, used); in < perBucket {
		return spot{unsafe.Add(at.entry, in*stride), at.slot + in, in}
	}
	at.slot, at.in, at.entry = at.slot+perBucket-1, perBucket-1, unsafe.Add(at.entry, (perBucket-1)*stride)
	for {
		at = ix.after(p, at)
		if *(*uint64)(at.entry) == word || *(*uint64)(unsafe.Add(at.entry, 8)) == 0 {
			return at
		}
	}
}

// find returns the entry of a key of any form, nil if there is none.
func (c *core) find(key wordKey, hash uint64) unsafe.Pointer {
	p := &c.index.directory[c.index.at(hash)]
	if at := c.search(p, key, hash); c.index.used(at.entry) != 0 {
		return at.entry
	}
	return nil
}

// search returns the spot of a key of any form, or the free one that ends the search for it.
func (c *core) search(p *place, key wordKey, hash uint64) spot {
	ix := c.index
	if c.form == oneWord {
		return ix.search(p, *key.words, hash)
	}
	for at := ix.spotOf(p, p.home(hash)); ; at = ix.after(p, at) {
		if ix.used(at.entry) == 0 || c.same(at.entry, key) {
			return at
		}
	}
}

// wordKey is a key as it is searched for: the address of its words and, if it is a long one, its bytes.
type wordKey struct {
	words *uint64
	long  []byte
}

func (c *core) same(entry unsafe.Pointer, key wordKey) bool {
	have := unsafe.Slice((*uint64)(entry), c.index.keyWords)
	want := unsafe.Slice(key.words, c.index.keyWords)
	switch c.form {
	case twoWords:
		return have[0] == want[0] && have[1] == want[1]
	case varying:
		if have[1] != want[1] {
			return false
		}
		if isLong(want[1]) {
			return bytes.Equal(c.longKey(have), key.long)
		}
		return have[0] == want[0]
	}
	for i := range have {
		if have[i] != want[i] {
			return false
		}
	}
	return true
}

// longKey returns the bytes of the long key in an entry.
func (c *core) longKey(words []uint64) []byte {
	return c.arena.block(ref(words[0]))[:uint32(words[1])]
}
