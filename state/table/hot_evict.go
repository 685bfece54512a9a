package table

import (
	"unsafe"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// Evict takes the entries that were used least lately, a quarter or more, out of the next segment that has any. It calls write for each
// that is changed, with its key current, before that. It leaves no key current.
func (h *Hot[K]) Evict(write func()) {
	h.leave()
	place := h.nextSegment()
	if place < 0 {
		return
	}
	s := h.index.segments[place]
	threshold := h.threshold(s)
	h.index.steady = true
	h.eachCurrent(s, func(header *uint64) (removed bool) {
		if h.age(*header) < threshold {
			return false
		}
		if *header&dirtyBits != 0 {
			write()
			*header &^= dirtyBits
		}
		h.release(unsafe.Add(unsafe.Pointer(header), -int(h.keyBytes)))
		return true
	})
	h.index.steady = false
	h.shrink(s, place)
	h.leaveQuietly()
	if h.index.entries == 0 {
		h.trim()
	}
}

// trim gives up the pages that an arena without blocks has kept.
func (h *Hot[K]) trim() {
	for number := range h.arena.pages {
		if h.arena.pages[number].memory != nil {
			h.arena.drop(int32(number))
		}
	}
	h.arena = arena{spare: h.arena.spare}
}

// nextSegment moves the hand to the next segment with entries and returns its place, -1 if there is none.
func (h *Hot[K]) nextSegment() int {
	ix := h.index
	for range len(ix.segments) {
		at := h.hand
		if at >= len(ix.segments) {
			at = 0
		}
		s := ix.segments[at]
		h.hand = at + 1<<(ix.depth-s.depth)
		if s.n > 0 {
			return at
		}
	}
	return -1
}

// age is how many generations ago an entry was used.
func (h *Hot[K]) age(header uint64) int {
	return int(min((h.cursor.Epoch-header)&generationMask>>16, oldest))
}

// threshold is the greatest age such that a quarter of the segment's entries have it or are older.
func (h *Hot[K]) threshold(s *segment) int {
	var ages [oldest + 1]int
	for entry := range h.index.each(s) {
		ages[h.age(*h.header(entry))]++
	}
	age, found := oldest, ages[oldest]
	for 4*found < s.n {
		age--
		found += ages[age]
	}
	return age
}

// eachCurrent makes each entry of a segment current in turn and calls f, which may remove it and then says so.
func (h *Hot[K]) eachCurrent(s *segment, f func(header *uint64) (removed bool)) {
	ix := h.index
	start := spot{entry: s.base}
	for ix.used(start.entry) != 0 { // from behind a free slot, no removal reaches back over the start
		start = ix.after(&s.place, start)
	}
	for at := ix.after(&s.place, start); at.slot != start.slot; {
		if ix.used(at.entry) == 0 {
			at = ix.after(&s.place, at)
			continue
		}
		header := h.header(at.entry)
		h.stand(s, at.entry)
		if !f(header) {
			at = ix.after(&s.place, at)
		}
	}
}

// stand makes an entry of a segment current.
func (h *Hot[K]) stand(s *segment, entry unsafe.Pointer) {
	h.at = lazy
	h.current = current{wordKey{words: (*uint64)(entry)}, h.index.leading(s, entry), true}
	h.cursor.Entry = unsafe.Pointer(h.header(entry))
}

// leaveQuietly makes no key current after visits.
func (h *Hot[K]) leaveQuietly() {
	h.emptied = false
	h.cursor.Entry = nil
	h.current = current{}
}

// shrink gives a segment that is less than half full a smaller block.
func (h *Hot[K]) shrink(s *segment, place int) {
	ix := h.index
	ix.tidy(s, place)
	if s.step < 0 || 2*s.n >= ix.limitOf(s.group, s.step) {
		return
	}
	step := firstStep
	for 4*ix.limitOf(s.group, step) < 5*s.n {
		step++
	}
	if step < s.step {
		ix.resize(s, place, step)
	}
}

// EachEntry calls f for each entry of some key groups, with its key current. f may read, and change notes and marks. It leaves no
// key current.
func (h *Hot[K]) EachEntry(groups keygroup.Range, f func()) {
	h.leave()
	ix := h.index
	from, to := 0, len(ix.segments)
	if !h.whole {
		from, to = (int(groups.First)-int(ix.firstGroup))<<ix.depth, (int(groups.Last)+1-int(ix.firstGroup))<<ix.depth
	}
	for at := from; at < to; {
		s := ix.segments[at]
		if s.n > 0 {
			for entry := range ix.each(s) {
				h.stand(s, entry)
				if !h.whole || groups.Contains(h.Group()) {
					f()
				}
			}
		}
		at += 1 << (ix.depth - s.depth)
	}
	h.leaveQuietly()
}

// Inlined returns the address and the transcoder of an inline column of the current entry.
func (h *Hot[K]) Inlined(c state.Column) (unsafe.Pointer, state.Transcoder) {
	col := &h.columns[c]
	return unsafe.Add(h.cursor.Entry, col.offset), col.transcoder
}
