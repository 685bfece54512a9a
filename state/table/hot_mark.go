package table

import "unsafe"

// sweep is what a hot table knows of its marks. The changed entries are of two colors: a mark turns to the other one, so that those
// of the first are the ones that were changed before it. They are swept up in slices, or before they are changed again, and none is left
// when the next mark comes.
//
//	unchanged --change--> color now --mark--> color before --swept, or changed again--> unchanged, or color now
//
// A segment has a bit for each color that some of its entries may have. Bits are hints: they may be set in vain.
type sweep struct {
	// before is called with an entry of the color before current, which is about to change; nil as long as there was no mark.
	before func()
	// on says that there may be such entries, from the position at on.
	on bool
	at position
	// told says that the hints have been kept since all of those entries were unchanged.
	told bool
	// quiet is set during changes that are none.
	quiet bool
}

// lookCost is the part of an entry's bytes that it counts to look at it in vain.
const lookCost = 10

// Mark begins a sweep of the entries that are changed. The sweep before must be done. It leaves no key current. Until the sweep is done, before
// is called, with the key current, for each such entry that is about to be changed and was not swept; it may do what the function of Sweep may.
func (h *Hot[K]) Mark(before func()) {
	if h.sweep.on {
		panic("state table: a mark comes before the sweep of the last one is done")
	}
	h.leave()
	h.sweep.told = h.sweep.before != nil
	h.sweep.before, h.sweep.on, h.sweep.at = before, true, position{}
	h.watch = h.noteChange
	h.dirty ^= dirtyBits
	h.cursor.Epoch = h.cursor.Epoch&^dirtyBits | h.dirty
}

// Sweeping reports whether the sweep of the last mark is not done.
func (h *Hot[K]) Sweeping() bool { return h.sweep.on }

// Unswept reports whether the current entry was changed before the last mark and is yet to be swept.
func (h *Hot[K]) Unswept() bool {
	return h.sweep.on && *(*uint64)(h.cursor.Entry)&(dirtyBits&^h.dirty) != 0
}

// Sweep calls f for entries that were changed before the mark, with their keys current, for about work bytes, and reports whether none is left. f may
// read, write the entry to the tier below, and say how many bytes that took; the entry counts as unchanged afterwards if clean is set, else as
// changed since the mark. It leaves no key current.
func (h *Hot[K]) Sweep(work int, clean bool, f func() (bytes int)) (done bool) {
	h.leave()
	old := dirtyBits &^ h.dirty
	for h.sweep.on {
		if h.sweep.at.group >= h.index.groups() {
			h.sweep.on = false
			break
		}
		s := h.index.segments[h.index.at(h.index.upper(h.sweep.at.group)<<32|h.sweep.at.hash)]
		if s.n > 0 && (s.dirty&old != 0 || !h.sweep.told) {
			if work -= s.slots * h.index.stride / lookCost; !h.sweepSegment(s, &work, old, clean, f) {
				return false
			}
		}
		s.dirty &^= old
		h.sweep.at = h.index.behind(s, h.sweep.at, s.buckets())
		if work--; work <= 0 {
			return false
		}
	}
	return true
}

// sweepSegment reports whether it has come to the end of a segment before the work was done; at least one entry is swept.
func (h *Hot[K]) sweepSegment(s *segment, work *int, old uint64, clean bool, f func() int) (end bool) {
	end = true
	h.sweep.quiet = true
	for entry := range h.index.each(s) {
		header := h.header(entry)
		if *header&old == 0 {
			continue
		}
		if !end {
			break
		}
		h.stand(s, entry)
		*work -= f()
		if *header &^= dirtyBits; !clean {
			*header |= h.dirty
			s.dirty |= h.dirty
		}
		if *work <= 0 {
			end = false
		}
	}
	h.sweep.quiet = false
	h.leaveQuietly()
	return end
}

// noteChange is called before an entry is changed whose color is not the one of now.
func (h *Hot[K]) noteChange(header *uint64, hash uint64) {
	h.index.segments[h.index.at(hash)].dirty |= h.dirty
	if h.sweep.quiet || !h.sweep.on || *header&(dirtyBits&^h.dirty) == 0 {
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
