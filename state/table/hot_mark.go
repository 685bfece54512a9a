package table

import "unsafe"

// sweep is what a hot table knows of its marks. The changed entries are of two colors: a mark turns to the other one, so that those
// of the first are the ones that were changed before it. They are swept up in slices, or before they are changed again, and none is left
// when the next mark comes. What was swept need not be in the tier below: then it is owed to that, but no change any more. A mark of the whole has
// such entries swept, too.
//
//	unchanged, or owed --change--> color now --mark--> color before --swept, or changed again--> unchanged, owed or color now
//	owed --mark of the whole, swept--> unchanged
//
// A segment has a bit for each color that some of its entries may have, and one for those owed; and one for each color and home bucket. Bits are
// hints: they may be set in vain.
type sweep struct {
	// before is called with an entry that is yet to be swept, current, which is about to change; nil as long as there was no mark.
	before func()
	// on says that there may be such entries, from the position at on; whole that those owed are among them.
	on, whole bool
	at        position
	// told says that the hints have been kept since all of those entries were unchanged.
	told bool
	// quiet is set during changes that are none.
	quiet bool
}

// Swept says what an entry is after it was swept.
type Swept uint8

const (
	// Unchanged: the tier below has it.
	Unchanged Swept = iota
	// StillChanged: it goes on to count as changed since the mark.
	StillChanged
	// Owed: the tier below has yet to be told.
	Owed
)

// owedBits are those of an entry that is owed to the tier below, owedHint that of a segment with such entries.
const (
	owedBits = dirtyBits
	owedHint = uint64(1) << 31
)

// lookCost is the part of an entry's bytes that it counts to look at it in vain.
const lookCost = 10

// Mark begins a sweep of the entries that are changed, and of those owed if it is of the whole. The sweep before must be done. It leaves no key current. Until the sweep is done, before
// is called, with the key current, for each such entry that is about to be changed and was not swept; it may do what the function of Sweep may.
func (h *Hot[K]) Mark(before func(), whole bool) {
	if h.sweep.on {
		panic("state table: a mark comes before the sweep of the last one is done")
	}
	h.leave()
	h.sweep.told = h.sweep.before != nil
	h.sweep.before, h.sweep.on, h.sweep.whole, h.sweep.at = before, true, whole, position{}
	h.watch, h.index.colored = h.noteChange, true
	h.dirty ^= dirtyBits
	h.cursor.Epoch = h.cursor.Epoch&^dirtyBits | h.dirty
}

// Sweeping reports whether the sweep of the last mark is not done.
func (h *Hot[K]) Sweeping() bool { return h.sweep.on }

// Unswept reports whether the current entry is yet to be swept.
func (h *Hot[K]) Unswept() bool { return h.sweep.on && h.unswept(*(*uint64)(h.cursor.Entry)) }

func (h *Hot[K]) unswept(header uint64) bool {
	bits := header & dirtyBits
	return bits == dirtyBits&^h.dirty || bits == owedBits && h.sweep.whole
}

// Owed reports whether the current entry was not changed since it was swept, and the tier below has yet to be told.
func (h *Hot[K]) Owed() bool { return *(*uint64)(h.cursor.Entry)&dirtyBits == owedBits }

// Sweep calls f for entries that are to be swept, with their keys current, for about work bytes, and reports whether none is left. f may
// read, write the entry to the tier below, and say how many bytes that took; then says what the entry is afterwards. Only a mark that is not of the
// whole may leave entries owed. It leaves no key current.
func (h *Hot[K]) Sweep(work int, then Swept, f func() (bytes int)) (done bool) {
	h.leave()
	hints := dirtyBits &^ h.dirty
	if h.sweep.whole {
		hints |= owedHint
	}
	for h.sweep.on {
		if h.sweep.at.group >= h.index.groups() {
			h.sweep.on = false
			break
		}
		s := h.index.segments[h.index.at(h.index.upper(h.sweep.at.group)<<32|h.sweep.at.hash)]
		if s.n > 0 && (s.dirty&hints != 0 || !h.sweep.told) {
			sweep := h.sweepBuckets
			if h.sweep.whole || !h.sweep.told {
				sweep = h.sweepSegment
			}
			if !sweep(s, &work, then, f) {
				return false
			}
		}
		s.dirty &^= hints
		s.emptyBits(hints & dirtyBits)
		h.sweep.at = h.index.behind(s, h.sweep.at, s.buckets())
		if work--; work <= 0 {
			return false
		}
	}
	return true
}

// sweepSegment looks at all entries of a segment, and reports whether it has come to the end before the work was done; at least one entry is swept.
func (h *Hot[K]) sweepSegment(s *segment, work *int, then Swept, f func() int) (end bool) {
	*work -= s.slots * h.index.stride / lookCost
	end = true
	h.sweep.quiet = true
	for entry := range h.index.each(s) {
		if !h.unswept(*h.header(entry)) {
			continue
		}
		if !end {
			break
		}
		*work -= h.sweepEntry(s, entry, then, f)
		end = *work > 0
	}
	h.sweep.quiet = false
	h.leaveQuietly()
	return end
}

// sweepBuckets is sweepSegment of those entries only whose home buckets have a bit, which it takes away. At least one bucket is swept. The entries
// of a bucket stand in it and behind, up to the first free spot.
func (h *Hot[K]) sweepBuckets(s *segment, work *int, then Swept, f func() int) (end bool) {
	ix, bits := h.index, *s.bits(dirtyBits &^ h.dirty)
	h.sweep.quiet = true
	end = true
	for bucket := uint64(0); len(bits) > 0; bucket++ {
		if bucket = nextBit(bits, bucket, s.buckets()); bucket == s.buckets() {
			break
		}
		if !end {
			break
		}
		at := ix.spotOf(&s.place, bucket)
		for looked := 0; looked < s.slots && ix.used(at.entry) != 0; looked++ {
			if h.unswept(*h.header(at.entry)) && s.home(uint64(ix.hash(at.entry))) == bucket {
				*work -= h.sweepEntry(s, at.entry, then, f)
			}
			at = ix.after(&s.place, at)
		}
		bits[bucket>>6] &^= 1 << (bucket & 63)
		*work -= int(ix.bucketBytes) / lookCost
		end = *work > 0
	}
	h.sweep.quiet = false
	h.leaveQuietly()
	return end
}

// sweepEntry calls f with an entry current.
func (h *Hot[K]) sweepEntry(s *segment, entry unsafe.Pointer, then Swept, f func() int) (bytes int) {
	h.stand(s, entry)
	bytes = f()
	header := h.header(entry)
	switch *header &^= dirtyBits; then {
	case StillChanged:
		*header |= h.dirty
		s.color(h.dirty, h.index.hash(entry))
	case Owed:
		*header |= owedBits
		s.dirty |= owedHint
	}
	return bytes
}

// bits are those of a color, by home bucket. Those of a table without colors serve its tracker.
func (s *segment) bits(color uint64) *[]uint64 {
	if color == firstDirty {
		return &s.changed
	}
	return &s.before
}

// color notes that an entry of a hash has a color.
func (s *segment) color(color uint64, hash uint32) {
	s.dirty |= color
	bits := s.bits(color)
	*bits = setBit(*bits, s.home(uint64(hash)), s.buckets())
}

func (s *segment) emptyBits(color uint64) {
	bits := s.bits(color)
	*bits = (*bits)[:0]
}

// recolor sets the bits of a segment's buckets anew, after its entries have come from elsewhere.
func (ix *index) recolor(s *segment) {
	s.segmentMarks = segmentMarks{}
	for entry, hash := range ix.each(s) {
		if color := ix.used(entry) & dirtyBits; color != 0 && color != owedBits {
			s.color(color, uint32(hash))
		}
	}
}

// noteChange is called before an entry is changed whose color is not the one of now.
func (h *Hot[K]) noteChange(header *uint64, hash uint64) {
	h.index.segments[h.index.at(hash)].color(h.dirty, uint32(hash))
	if h.sweep.quiet || !h.sweep.on || !h.unswept(*header) {
		return
	}
	at, current, entry, emptied, key := h.at, h.current, h.cursor.Entry, h.emptied, h.key[0]
	h.at = lazy
	h.current = currentEntry(unsafe.Add(unsafe.Pointer(header), -int(h.keyBytes)), hash)
	h.cursor.Entry = unsafe.Pointer(header)
	h.sweep.quiet = true
	h.sweep.before()
	h.sweep.quiet = false
	*header &^= dirtyBits
	h.at, h.current, h.cursor.Entry, h.emptied, h.key[0] = at, current, entry, emptied, key
}

// currentEntry is the key of an entry as a current one.
func currentEntry(entry unsafe.Pointer, hash uint64) current {
	return current{wordKey{words: (*uint64)(entry)}, hash, true}
}
