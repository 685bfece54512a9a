package table

import (
	"iter"
	"unsafe"
)

// span is a stretch of memory that entries have left.
type span struct {
	from unsafe.Pointer
	size uintptr
}

func (s span) contains(p unsafe.Pointer) bool { return uintptr(p)-uintptr(s.from) < s.size }

// makeRoom enlarges or splits the segment of a place. It returns the segment that a hash of this place has now, a free spot
// for it, and where the entries have been.
func (ix *index) makeRoom(at int, hash uint64) (*segment, spot, span) {
	s := ix.segments[at]
	var left span
	switch {
	case s.step < 0:
		ix.resize(s, at, ix.first)
	case s.step < fullStep:
		step := s.step + 1
		if step < fullStep-6 {
			step++ // small segments double
		}
		left = ix.resize(s, at, step)
	case ix.canSplit(s):
		left = ix.split(s, at)
	case s.step+2 < len(stepSlots[0]):
		left = ix.resize(s, at, s.step+2)
	default:
		panic("state table: too many keys whose hashes have the same lower half: use keys that differ in more than what the hash ignores")
	}
	s = ix.segments[ix.at(hash)]
	return s, ix.free(&s.place, hash), left
}

// expect lets segments begin with a size for so many entries in each, up to the full size, since growing step by step costs as
// much as the insertions.
func (ix *index) expect(entries int64) {
	for ix.first < fullStep && int64(ix.limitOf(0, ix.first)) < entries {
		ix.first++
	}
}

// resize moves the entries of a segment to a block of another size.
func (ix *index) resize(s *segment, at, step int) span {
	old := *s
	ix.install(s, ix.allocate(ix.bucketsOf(s.group, step)), step)
	ix.move(&old, s, s)
	ix.point(s, at)
	ix.moved(s)
	return ix.left(&old)
}

// move copies the entries of a segment to empty ones that have room: to lower those whose first bit behind from's depth is
// 0, to upper the others.
func (ix *index) move(from, lower, upper *segment) {
	into := [2]filling{ix.filling(lower, 0), ix.filling(upper, 1)}
	if lower == upper {
		into[1] = into[0]
	}
	stride, size := uintptr(ix.stride), uintptr(ix.bucketBytes)
	used := uintptr(ix.keyWords) * 8
	shift := 31 - from.depth
	for b := range uintptr(from.buckets()) {
		for in := range uintptr(ix.perBucket) {
			entry := unsafe.Add(from.base, b*size+in*stride)
			if *(*uint64)(unsafe.Add(entry, used)) == 0 {
				break // the entries of a bucket have no gaps
			}
			hash := ix.hash(entry)
			ix.append(&into[hash>>(shift&31)&1], hash, entry)
		}
	}
}

// filling is a segment that receives entries, with the number of those in each bucket.
type filling struct {
	place
	counts []uint8
}

func (ix *index) filling(s *segment, which int) filling {
	n := int(s.buckets())
	if cap(ix.counts[which]) < n {
		ix.counts[which] = make([]uint8, n)
	}
	counts := ix.counts[which][:n]
	clear(counts)
	return filling{s.place, counts}
}

func (ix *index) append(to *filling, hash uint32, entry unsafe.Pointer) {
	bucket := to.home(uint64(hash))
	for to.counts[bucket] == uint8(ix.perBucket) {
		if bucket++; bucket == uint64(len(to.counts)) {
			bucket = 0
		}
	}
	in := uint64(to.counts[bucket])
	to.counts[bucket]++
	copyEntry(unsafe.Add(to.base, bucket*uint64(ix.bucketBytes)+in*uint64(ix.stride)), entry, uintptr(ix.stride))
}

// each visits the entries in use with the lower halves of their hashes.
func (ix *index) each(s *segment) iter.Seq2[unsafe.Pointer, uint64] {
	return func(yield func(unsafe.Pointer, uint64) bool) {
		for at := (spot{entry: s.base}); ; {
			if ix.used(at.entry) != 0 && !yield(at.entry, uint64(ix.hash(at.entry))) {
				return
			}
			if at = ix.after(&s.place, at); at.slot == 0 {
				return
			}
		}
	}
}

// group visits the entries in use of a group, which is counted from the first of this index.
func (ix *index) group(group int) iter.Seq[unsafe.Pointer] {
	return func(yield func(unsafe.Pointer) bool) {
		for at := group << ix.depth; at < (group+1)<<ix.depth; {
			s := ix.segments[at]
			if s.n > 0 {
				for entry := range ix.each(s) {
					if !yield(entry) {
						return
					}
				}
			}
			at += 1 << (ix.depth - s.depth)
		}
	}
}

// canSplit reports whether splitting a full segment helps, and its price is in proportion: keys whose hashes are made to agree
// must not blow up the directory.
func (ix *index) canSplit(s *segment) bool {
	upper := ix.upperHalf(s)
	if min(upper, s.n-upper) < s.n/8 {
		return false
	}
	if s.depth < ix.depth {
		return true
	}
	return ix.depth < maxDepth && 2*placeBytes*int64(len(ix.directory)) <= ix.bytes/4
}

// upperHalf counts the entries of a segment that would go to the second one of a split.
func (ix *index) upperHalf(s *segment) (n int) {
	for _, hash := range ix.each(s) {
		n += int(hash >> (31 - s.depth) & 1)
	}
	return n
}

// split moves the entries of a segment to two, by the first bit of their hashes that they do not share yet.
func (ix *index) split(s *segment, at int) span {
	if s.depth == ix.depth {
		ix.doubleDirectory()
		at *= 2
	}
	upper := ix.upperHalf(s)
	halves := [2]*segment{
		{group: s.group, depth: s.depth + 1, n: s.n - upper, dirty: s.dirty}, {group: s.group, depth: s.depth + 1, n: upper, dirty: s.dirty},
	}
	width := 1 << (ix.depth - s.depth)
	from := at &^ (width - 1)
	for i, half := range halves {
		step := fullStep - 1
		for ix.limitOf(s.group, step) <= half.n {
			step++
		}
		ix.install(half, ix.allocate(ix.bucketsOf(s.group, step)), step)
		ix.point(half, from+i*width/2)
	}
	ix.move(s, halves[0], halves[1])
	ix.moved(halves[0])
	ix.moved(halves[1])
	return ix.left(s)
}

// placeBytes is what one place of the directory takes, with the pointer to its segment.
const placeBytes = int64(unsafe.Sizeof(place{}) + unsafe.Sizeof((*segment)(nil)))

func (ix *index) doubleDirectory() {
	directory, segments := make([]place, 2*len(ix.directory)), make([]*segment, 2*len(ix.directory))
	for i, p := range ix.directory {
		directory[2*i], directory[2*i+1] = p, p
		segments[2*i], segments[2*i+1] = ix.segments[i], ix.segments[i]
	}
	ix.directory, ix.segments = directory, segments
	ix.depth++
}

// tidy moves the entries of a segment that has become nearly empty to the smallest block of which they fill at most half of
// what it may hold.
func (ix *index) tidy(s *segment, at int) {
	if s.step < 0 || s.n*shrinkLoad >= s.slots {
		return
	}
	if s.n == 0 {
		old := *s
		ix.install(s, ix.empty, -1)
		ix.point(s, at)
		ix.moved(s)
		ix.left(&old)
		return
	}
	step := firstStep
	for 2*s.n > ix.limitOf(s.group, step) {
		step++
	}
	if step < s.step {
		ix.resize(s, at, step)
	}
}

// left gives up the block of a segment whose entries have moved.
func (ix *index) left(old *segment) span {
	if old.step < 0 {
		return span{}
	}
	gone := span{old.base, uintptr(len(old.block) * 8)}
	for i, p := range ix.watched {
		if gone.contains(p) {
			ix.watched[i] = ix.void
		}
	}
	ix.bytes -= int64(gone.size)
	ix.spare.put(old.block)
	return gone
}

// allocate returns a zeroed block.
func (ix *index) allocate(buckets int) []uint64 {
	words := ix.blockWords(buckets)
	ix.bytes += int64(words) * 8
	if block := ix.spare.take(words); block != nil {
		clear(block)
		return block
	}
	return make([]uint64, words)
}

// spares keeps some of the blocks that were given up, since a growing table soon wants one of the same size, and so does the
// next of many small tables that share them.
type spares struct {
	blocks [][]uint64
	bytes  int64
	// inUse is the bytes of the blocks of those who share this.
	inUse int64
	// At most so many blocks are kept, and so many bytes: a part of those in use, and some more.
	most, part, some int64
}

// newSpares is for one table.
func newSpares() *spares { return &spares{most: 32, part: 16} }

// put keeps a block that is not in use any more.
func (s *spares) put(block []uint64) {
	s.inUse -= int64(len(block)) * 8
	s.blocks = append(s.blocks, block)
	s.bytes += int64(len(block)) * 8
	for len(s.blocks) > 0 && (s.bytes > s.inUse/s.part+s.some || int64(len(s.blocks)) > s.most) {
		s.bytes -= int64(len(s.blocks[0])) * 8
		copy(s.blocks, s.blocks[1:])
		s.blocks[len(s.blocks)-1] = nil
		s.blocks = s.blocks[:len(s.blocks)-1]
	}
}

// take returns a block that is as it was left, nil if there is none of that size. Either way the size is in use now.
func (s *spares) take(words int) []uint64 {
	s.inUse += int64(words) * 8
	for i := len(s.blocks) - 1; i >= 0; i-- {
		if block := s.blocks[i]; len(block) == words {
			last := len(s.blocks) - 1
			s.blocks[i], s.blocks[last] = s.blocks[last], nil
			s.blocks = s.blocks[:last]
			s.bytes -= int64(words) * 8
			return block
		}
	}
	return nil
}
