package table

import (
	"math"
	"unsafe"
)

// scanning is where the next Scan goes on: at a hash of a key group, in order of which a group's home buckets stand,
// however the group's segments have been split or resized since.
type scanning struct {
	group int
	hash  uint64
	// words and longs are the keys that are about to be visited, and hashes the lower halves of theirs.
	words  []uint64
	hashes []uint32
}

// Scan visits the keys of some home buckets. It copies the keys first, since f may make entries move.
func (t *Table[K]) Scan(limit int, f func()) (end bool) {
	t.leave()
	defer t.leave()
	for visited := 0; visited < limit; {
		if t.scan.group >= t.index.groups() {
			t.scan.group, t.scan.hash = 0, 0
			return true
		}
		t.scan.words, t.scan.hashes = t.scan.words[:0], t.scan.hashes[:0]
		upper := t.pick(limit - visited)
		words := t.packer.words
		for i, hash := range t.scan.hashes {
			visited += t.visitCopied(t.scan.words[i*words:(i+1)*words], upper<<32|uint64(hash), f)
		}
	}
	return false
}

// visitCopied makes the key current that had these words, if it is still there.
func (t *Table[K]) visitCopied(words []uint64, hash uint64, f func()) (visited int) {
	key := wordKey{words: &words[0]}
	if t.form == varying && isLong(words[1]) {
		key.long = t.longKey(words)
	}
	entry := t.find(key, hash)
	if entry == nil {
		return 0
	}
	t.at = lazy
	t.current = current{key, hash, true}
	t.cursor.Entry = unsafe.Add(entry, t.keyBytes)
	f()
	t.leave()
	return 1
}

// pick copies the keys of the next home buckets, about limit, and moves on behind them. It returns a hash's upper half
// that leads to their group.
func (t *Table[K]) pick(limit int) (upper uint64) {
	ix, sc := t.index, &t.scan
	upper = ix.upper(sc.group)
	place := ix.at(upper<<32 | sc.hash)
	s := ix.segments[place]
	first := s.home(sc.hash)
	last := s.buckets() - 1
	if s.n > limit {
		last = min(last, first+uint64(max(limit/max(ix.perBucket, 1), 1)))
	}
	if s.n > 0 {
		t.copyHomes(s, first, last)
	}
	t.moveOn(s, last+1)
	return upper
}

// moveOn sets the place of the next scan to the least hash whose home bucket in a segment is at least bucket.
func (t *Table[K]) moveOn(s *segment, bucket uint64) {
	sc := &t.scan
	if bucket < s.buckets() {
		within := (bucket<<32 + s.buckets() - 1) / s.buckets()
		sc.hash = sc.hash&^(math.MaxUint32>>s.depth) + (within+1<<s.depth-1)>>s.depth
	} else {
		sc.hash = (sc.hash | math.MaxUint32>>s.depth) + 1
	}
	if sc.hash > math.MaxUint32 {
		sc.group, sc.hash = sc.group+1, 0
	}
}

// copyHomes copies the keys whose home buckets are first to last. They stand there or behind, up to a free slot.
func (t *Table[K]) copyHomes(s *segment, first, last uint64) {
	ix, sc := t.index, &t.scan
	at := ix.spotOf(&s.place, first)
	needed := int(last+1-first) * ix.perBucket
	for looked := 1; looked <= s.slots; looked++ {
		used := ix.used(at.entry) != 0
		if !used && looked >= needed {
			return
		}
		if home := s.home(uint64(ix.hash(at.entry))); used && first <= home && home <= last {
			sc.words = append(sc.words, unsafe.Slice((*uint64)(at.entry), t.packer.words)...)
			sc.hashes = append(sc.hashes, ix.hash(at.entry))
		}
		at = ix.after(&s.place, at)
	}
}
