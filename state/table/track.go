package table

import (
	"math"
	"math/bits"
	"unsafe"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/state"
)

// tracker knows which entries of an index have changed since the last mark, and, while a capture is under way, which are still to be
// copied. Both follow from the epoch in an entry's header, in which it was last changed. Each mark begins an epoch, so that the first
// change of an entry after a mark passes through the slow way of whoever changes it, which asks the tracker:
//
//	changed since the last mark     since <= epoch of the entry <= epoch
//	to be copied by the capture     lower <= epoch of the entry <= upper, or any but the current one, and not behind the capture's position
//
// The position is a key group and a hash, like that of a Scan, so that it stays right however segments split. To find changed
// entries without looking at all, a segment has a bit for each home bucket. Bits are only hints: they may be set in vain.
type tracker struct {
	// on says that changes are noted: there was a mark that they are changes since.
	on bool
	// epoch is the current one, since the first one that counts as changed since the last mark. Numbers go round, without 0,
	// which stands for long ago.
	epoch, since uint64
	// marks counts the marks that are not canonical, all all of them.
	marks, all uint32
	capture    *progress
	swept      position
}

// progress is a capture under way.
type progress struct {
	full         bool
	lower, upper uint64
	at           position
}

// position is a place in the order of key groups, counted from the index's first, and of the lower halves of hashes.
type position struct {
	group int
	hash  uint64
}

// segmentMarks are a segment's bits of the home buckets with changed entries.
type segmentMarks struct {
	// stamp is the number of the mark since which changed counts; before are the bits of the one before that.
	stamp           uint32
	changed, before []uint64
}

const (
	epochShift = 16
	lastEpoch  = state.EpochMask >> epochShift
	// bornBit in a header says, while the entry counts as changed, that it was not there at the last mark.
	bornBit = uint64(1) << 31
	// farBehind is how many epochs changes may go back, before they are no longer noted.
	farBehind = lastEpoch / 4
	// Every so many marks one of so many parts of the index is looked at for epochs of long ago.
	sweepEvery, sweepParts = 16, 64
)

func epochOf(header uint64) uint64 { return (header & state.EpochMask) >> epochShift }

// age is how many epochs to is after from, going round.
func age(from, to uint64) uint64 {
	if to < from {
		return to + lastEpoch - from
	}
	return to - from
}

// newTracker tracks an index whose entries are all of epoch 1.
func newTracker() *tracker { return &tracker{epoch: 1, since: 1} }

// mark begins an epoch, and a capture of all entries or of what has changed.
func (tr *tracker) mark(kind snapshot.MarkKind) {
	tr.capture = &progress{full: kind != snapshot.MarkChanges, lower: tr.since, upper: tr.epoch}
	tr.all++
	if tr.epoch++; tr.epoch > lastEpoch {
		tr.epoch = 1
	}
	if kind != snapshot.MarkCanonical {
		tr.on, tr.since = true, tr.epoch
		tr.marks++
	} else if tr.on && age(tr.since, tr.epoch) > farBehind {
		tr.on = false
	}
}

// changed reports whether an entry was changed since the last mark.
func (tr *tracker) changed(header uint64) bool {
	e := epochOf(header)
	return tr.on && e != 0 && age(tr.since, e) <= age(tr.since, tr.epoch)
}

// wanted reports whether the capture under way has an entry that it may not have come to yet.
func (tr *tracker) wanted(header uint64) bool {
	e, p := epochOf(header), tr.capture
	if e == tr.epoch {
		return false
	}
	return p.full || e != 0 && age(p.lower, e) <= age(p.lower, p.upper)
}

// ahead reports whether the capture under way has not come to a hash yet.
func (ix *index) ahead(hash uint64) bool {
	group, at := int((hash>>32)*ix.maxGroups>>32-ix.firstGroup), ix.track.capture.at
	return group > at.group || group == at.group && hash&math.MaxUint32 >= at.hash
}

// note notes that an entry of a hash is being changed.
func (ix *index) note(hash uint64) {
	s := ix.segments[ix.at(hash)]
	ix.track.freshen(s)
	s.changed = setBit(s.changed, s.home(hash), s.buckets())
}

// freshen has a segment's bits count since the last mark.
func (tr *tracker) freshen(s *segment) {
	if s.stamp == tr.marks {
		return
	}
	if s.stamp+1 == tr.marks {
		s.changed, s.before = s.before, s.changed
	} else {
		s.before = s.before[:0]
	}
	s.changed = s.changed[:0]
	s.stamp = tr.marks
}

// setBit sets one of n bits, all of which are 0 if there is no memory for them yet.
func setBit(all []uint64, bit, n uint64) []uint64 {
	if len(all) == 0 {
		if words := int(n+63) / 64; cap(all) < words {
			all = make([]uint64, words)
		} else {
			all = all[:words]
			clear(all)
		}
	}
	all[bit>>6] |= 1 << (bit & 63)
	return all
}

// captured are the bits of the buckets that a capture of changes has to look at.
func (tr *tracker) captured(s *segment) []uint64 {
	switch tr.marks {
	case s.stamp:
		return s.before
	case s.stamp + 1:
		return s.changed
	}
	return nil
}

// moved sets the bits of a segment anew, after its entries have come from elsewhere.
func (ix *index) moved(s *segment) {
	if ix.colored {
		ix.recolor(s)
	}
	tr := ix.track
	if tr == nil {
		return
	}
	s.segmentMarks = segmentMarks{stamp: tr.marks}
	capturing := tr.capture != nil && !tr.capture.full
	for entry, hash := range ix.each(s) {
		header := ix.used(entry)
		if tr.changed(header) {
			s.changed = setBit(s.changed, s.home(hash), s.buckets())
		}
		if capturing && tr.wanted(header) {
			s.before = setBit(s.before, s.home(hash), s.buckets())
		}
	}
}

// vainCost is what looking at a segment without changes counts, in bytes.
const vainCost = 4

// advance moves the capture under way on, for about work bytes, and calls copyOut with the entries it wants and their groups, counted from the
// index's first. It reports whether there are none left.
func (ix *index) advance(work int64, copyOut func(entry unsafe.Pointer, group int) (bytes int64)) (done bool) {
	tr := ix.track
	p := tr.capture
	for work > 0 && p.at.group < ix.groups() {
		s := ix.segments[ix.at(ix.upper(p.at.group)<<32|p.at.hash)]
		bucket, end := s.home(p.at.hash), s.buckets()
		marked := tr.captured(s)
		if s.n == 0 || !p.full && len(marked) == 0 {
			work -= vainCost
			bucket = end
		}
		for bucket < end && work > 0 {
			if !p.full {
				if bucket = nextBit(marked, bucket, end); bucket == end {
					break
				}
			}
			work -= ix.copyBucket(s, bucket, copyOut)
			bucket++
		}
		p.at = ix.behind(s, p.at, bucket)
	}
	return p.at.group >= ix.groups()
}

// nextBit is the first bit from one on that is set, n if there is none.
func nextBit(all []uint64, from, n uint64) uint64 {
	for from < n {
		if rest := all[from>>6] >> (from & 63); rest != 0 {
			return min(from+uint64(bits.TrailingZeros64(rest)), n)
		}
		from = from&^63 + 64
	}
	return n
}

// copyBucket copies the wanted entries of one home bucket. They stand in it and behind, up to the first free spot.
func (ix *index) copyBucket(s *segment, bucket uint64, copyOut func(unsafe.Pointer, int) int64) (work int64) {
	at := ix.spotOf(&s.place, bucket)
	for looked := 0; looked < s.slots && ix.used(at.entry) != 0; looked++ {
		if s.home(uint64(ix.hash(at.entry))) == bucket && ix.track.wanted(ix.used(at.entry)) {
			work += copyOut(at.entry, s.group)
		}
		at = ix.after(&s.place, at)
	}
	return work + int64(ix.bucketBytes)/10
}

// behind is the position of the first hash whose home bucket in a segment, in which at is, is not before bucket.
func (ix *index) behind(s *segment, at position, bucket uint64) position {
	if bucket < s.buckets() {
		within := (bucket<<32 + s.buckets() - 1) / s.buckets()
		at.hash = at.hash&^(math.MaxUint32>>s.depth) + (within+1<<s.depth-1)>>s.depth
	} else {
		at.hash = (at.hash | math.MaxUint32>>s.depth) + 1
	}
	if at.hash > math.MaxUint32 {
		return position{group: at.group + 1}
	}
	return at
}

// settle ends the capture. From time to time it makes some entries of long ago say so, before their epochs' numbers come round.
func (ix *index) settle() {
	tr := ix.track
	tr.capture = nil
	if tr.all%sweepEvery != 0 {
		return
	}
	for range len(ix.segments)/sweepParts + 1 {
		if tr.swept.group >= ix.groups() {
			tr.swept = position{}
		}
		s := ix.segments[ix.at(ix.upper(tr.swept.group)<<32|tr.swept.hash)]
		for entry := range ix.each(s) {
			header := (*uint64)(unsafe.Add(entry, uintptr(ix.keyWords)*8))
			if !tr.changed(*header) && epochOf(*header) != tr.epoch {
				*header &^= state.EpochMask | bornBit
			}
		}
		tr.swept = ix.behind(s, tr.swept, s.buckets())
	}
}
