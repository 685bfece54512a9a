package table

import (
	"math"
	"unsafe"
)

// index is an extendible hash index of pointer-free entries. It knows of an entry only its first words, the key, that
// the word after them is never 0 while the entry is in use, and where it keeps the lower half of its hash. Source of the scheme: Fagin, Nievergelt, Pippenger,
// Strong, "Extendible Hashing" (1979); within a segment: linear probing, and removal without tombstones (Knuth, The Art of
// Computer Programming, volume 3, 6.4, algorithm R).
//
// The upper half of a hash chooses the key group; of the lower half, the first bits choose a segment within the group by
// way of the directory, and those that follow the home bucket in the segment:
//
//	directory[group, bits] -> segment -> bucket -> entry
//
// A bucket is two or three lines of memory, which the processor fetches at the price of one. Entries of a home bucket that is
// full go to the next ones. Nothing but entries is read to find a key: in a large table each further line of memory, be it
// the smallest tag, costs as much as the entry.
//
// A segment first grows by steps; at its full size (about 4096 slots) it splits in two, alone. So the time that any one
// insertion takes is bounded by that of moving a few thousand entries. Groups have slightly different full sizes, lest all
// of a table's segments split at the same moment.
type index struct {
	directory []place
	// segments has for each place the segment that the place is a copy of.
	segments []*segment
	// depth is how many bits of the lower half the directory uses.
	depth                 uint
	firstGroup, maxGroups uint64
	keyWords, stride      int
	hashOffset, hashShift uintptr
	// A bucket has perBucket entries and takes bucketBytes.
	perBucket, bucketBytes int
	entries, bytes         int64
	// void is an entry that no key equals, and the block of all segments without memory.
	void  unsafe.Pointer
	empty []uint64
	// colored says that the entries are those of a hot table which was marked.
	colored bool
	// watched are addresses of entries that must not survive the entries' moving; those that would become void.
	watched []unsafe.Pointer
	spare   *spares
	// first is the step of a segment's first block.
	first int
	// steady keeps segments from shrinking, while they are being visited.
	steady bool
	// track is nil before the first mark.
	track *tracker
	// counts are buffers of move.
	counts [2][]uint8
}

// place is what a probe needs to know of a segment: where its block is, and in shape the number of buckets (32 bits) and the
// depth above.
type place struct {
	base  unsafe.Pointer
	shape uint64
}

type segment struct {
	place
	block    []uint64
	group    int
	n, limit int
	slots    int
	// depth is how many bits of the lower half all keys of the segment share.
	depth uint
	step  int
	segmentMarks
	// dirty has bits for the entries of a hot table: see Hot.Mark.
	dirty uint64
}

const (
	depthShift = 32
	maxDepth   = 18
	line       = 64
)

// bucketOf chooses the layout of buckets for entries of a size: so many to so many bytes.
func bucketOf(stride int) (entries, bytes int) {
	switch {
	case stride > line:
		return 1, stride
	case 2*line/stride*stride*5 < 2*line*4: // more than a fifth would be lost
		return 3 * line / stride, 3 * line
	}
	return 2 * line / stride, 2 * line
}

// layout is what an index is made for.
type layout struct {
	// The groups from firstGroup on, of maxGroups in all.
	firstGroup, groups, maxGroups int
	// An entry has stride bytes and begins with keyWords words of key. The lower half of the hash is in the word hashWord, from
	// the bit hashShift on.
	keyWords, stride, hashWord, hashShift int
}

func newIndex(l layout, spare *spares) *index {
	groups, stride := l.groups, l.stride
	ix := &index{
		firstGroup: uint64(l.firstGroup), maxGroups: uint64(l.maxGroups), keyWords: l.keyWords, stride: stride,
		hashOffset: uintptr(l.hashWord) * 8, hashShift: uintptr(l.hashShift), spare: spare, first: firstStep,
	}
	ix.perBucket, ix.bucketBytes = bucketOf(stride)
	ix.empty = make([]uint64, ix.blockWords(1))
	ix.void = unsafe.Pointer(unsafe.SliceData(ix.empty))
	ix.directory, ix.segments = make([]place, groups), make([]*segment, groups)
	all := make([]segment, groups)
	for g := range all {
		all[g].group = g
		ix.install(&all[g], ix.empty, -1)
		ix.point(&all[g], g)
	}
	return ix
}

func (ix *index) blockWords(buckets int) int { return buckets * ix.bucketBytes / 8 }

// Sizes of segments go by half octaves; phases spread the groups within one.
const (
	fullStep   = 16
	fullSlots  = 4096
	phases     = 8
	maxLoad    = 0.72
	firstStep  = 2
	hugeSteps  = 24
	shrinkLoad = 8
)

var stepSlots = func() (sizes [phases][fullStep + hugeSteps]int) {
	for phase := range sizes {
		for step := range sizes[phase] {
			size := fullSlots * math.Exp2(float64(step-fullStep)/2-float64(phase)/(2*phases))
			sizes[phase][step] = int(size)
		}
	}
	return sizes
}()

func (ix *index) bucketsOf(group, step int) int {
	return max(stepSlots[group%phases][step]/ix.perBucket, 1)
}

// limitOf is how many entries a segment of that size takes.
func (ix *index) limitOf(group, step int) int {
	return int(float64(ix.bucketsOf(group, step)*ix.perBucket) * maxLoad)
}

// install gives the segment a block for the size of the step; step -1 is the shared empty block.
func (ix *index) install(s *segment, block []uint64, step int) {
	buckets := 1
	s.step, s.limit = step, 0
	if step >= 0 {
		buckets, s.limit = ix.bucketsOf(s.group, step), ix.limitOf(s.group, step)
	}
	s.slots = buckets * ix.perBucket
	s.block = block
	s.base = unsafe.Pointer(unsafe.SliceData(block))
	s.shape = uint64(buckets) | uint64(s.depth)<<depthShift
}

// point makes all places of the segment's hashes lead to it; at is one of them.
func (ix *index) point(s *segment, at int) {
	width := 1 << (ix.depth - s.depth)
	from := at &^ (width - 1)
	for i := from; i < from+width; i++ {
		ix.directory[i], ix.segments[i] = s.place, s
	}
}

// at is the number of the place of a hash. A hash of a foreign group makes it leave the directory, which panics.
func (ix *index) at(hash uint64) int {
	return int(((hash>>32)*ix.maxGroups>>32-ix.firstGroup)<<(ix.depth&63) | (hash&math.MaxUint32)>>((32-ix.depth)&63))
}

func (p *place) buckets() uint64 { return uint64(uint32(p.shape)) }

// home is the bucket at which the search for a hash begins.
func (p *place) home(hash uint64) uint64 {
	return uint64(uint32(hash)<<(p.shape>>depthShift&31)) * p.buckets() >> 32
}

// spot is the place of one entry in a segment; slot counts from the first, in counts within the bucket.
type spot struct {
	entry    unsafe.Pointer
	slot, in uint64
}

func (ix *index) spotOf(p *place, bucket uint64) spot {
	return spot{unsafe.Add(p.base, bucket*uint64(ix.bucketBytes)), bucket * uint64(ix.perBucket), 0}
}

// after is the spot after one, going around at the end.
func (ix *index) after(p *place, at spot) spot {
	at.slot++
	if at.in++; at.in < uint64(ix.perBucket) {
		at.entry = unsafe.Add(at.entry, ix.stride)
		return at
	}
	if at.slot == p.buckets()*uint64(ix.perBucket) {
		return spot{entry: p.base}
	}
	at.entry = unsafe.Add(at.entry, ix.bucketBytes-(ix.perBucket-1)*ix.stride)
	at.in = 0
	return at
}

// hash is the lower half of the hash of an entry in use.
func (ix *index) hash(entry unsafe.Pointer) uint32 {
	return uint32(*(*uint64)(unsafe.Add(entry, ix.hashOffset)) >> (ix.hashShift & 63))
}

// used is not 0 if the entry is in use.
func (ix *index) used(entry unsafe.Pointer) uint64 {
	return *(*uint64)(unsafe.Add(entry, uintptr(ix.keyWords)*8))
}

// insert returns a free entry for a hash, which is zero and which the caller writes. The key is not in the index yet;
// free is where the search for it ended. moved tells that entries have moved to make room.
func (ix *index) insert(at int, free spot, hash uint64) (entry unsafe.Pointer, moved span) {
	s := ix.segments[at]
	if s.n >= s.limit {
		s, free, moved = ix.makeRoom(at, hash)
	}
	s.n++
	ix.entries++
	return free.entry, moved
}

// free is the first free spot for a hash; there is one.
func (ix *index) free(p *place, hash uint64) spot {
	at := ix.spotOf(p, p.home(hash))
	for ix.used(at.entry) != 0 {
		at = ix.after(p, at)
	}
	return at
}

// remove frees the slot of an entry of that hash. Others of its segment may move.
func (ix *index) remove(entry unsafe.Pointer, hash uint64) {
	place := ix.at(hash)
	s := ix.segments[place]
	offset := uint64(uintptr(entry) - uintptr(s.base))
	hole := ix.spotOf(&s.place, offset/uint64(ix.bucketBytes))
	for hole.entry != entry {
		hole = ix.after(&s.place, hole)
	}
	slots := uint64(s.slots)
	for at := ix.after(&s.place, hole); ix.used(at.entry) != 0; at = ix.after(&s.place, at) {
		// The entry may fill the hole if the hole is on the way from its home to it.
		home := s.home(uint64(ix.hash(at.entry))) * uint64(ix.perBucket)
		if distance(home, at.slot, slots) >= distance(hole.slot, at.slot, slots) {
			copyEntry(hole.entry, at.entry, uintptr(ix.stride))
			hole = at
		}
	}
	clear(unsafe.Slice((*uint64)(hole.entry), ix.stride/8))
	s.n--
	ix.entries--
	if !ix.steady {
		ix.tidy(s, place)
	}
}

// leading returns a hash that leads to an entry of a segment: the upper half is the least one of its group.
func (ix *index) leading(s *segment, entry unsafe.Pointer) uint64 {
	return ix.upper(s.group)<<32 | uint64(ix.hash(entry))
}

// upper is the least upper half of the hashes of a group, which is counted from the first of this index.
func (ix *index) upper(group int) uint64 {
	return ((ix.firstGroup+uint64(group))<<32 + ix.maxGroups - 1) / ix.maxGroups
}

func (ix *index) groups() int { return len(ix.directory) >> ix.depth }

// held is the memory of blocks and directory in bytes, without spare blocks.
func (ix *index) held() int64 {
	return ix.bytes + int64(cap(ix.directory))*placeBytes
}

func distance(from, to, slots uint64) uint64 {
	if to < from {
		return to + slots - from
	}
	return to - from
}

func copyEntry(to, from unsafe.Pointer, size uintptr) {
	switch size {
	case 24:
		*(*[3]uint64)(to) = *(*[3]uint64)(from)
	case 32:
		*(*[4]uint64)(to) = *(*[4]uint64)(from)
	default:
		copy(unsafe.Slice((*uint64)(to), size/8), unsafe.Slice((*uint64)(from), size/8))
	}
}
