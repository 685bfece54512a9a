package table

import (
	"math/bits"
	"unsafe"
)

// wheel holds items by time, so that the earliest come out first: a hierarchical timing wheel whose place in time is that of
// the last item that came out, not the clock's. Source: Varghese, Lauck, "Hashed and Hierarchical Timing Wheels" (1987), with
// the digits of radix heaps (Ahuja, Mehlhorn, Orlin, Tarjan, 1990).
//
// An item stands at the level of the highest digit (6 bits) in which its time differs from last, in the slot of that digit;
// those of the present 64 units stand at level 0, where a slot is one time. When the earliest slot is above level 0, last becomes the slot's
// minimum and its items go to lower levels. An item moves at most once per level, and adding one is an append.
//
// Items earlier than last are rare and stand in a heap.
type wheel struct {
	last   uint64
	levels [wheelLevels]*wheelLevel
	early  []item
	n      int64
	// free are chunks of full size, kept for the next slots that grow.
	free   *itemChunk
	frees  int
	memory int64
}

// item is one timer's time, with the sign bit flipped so that it orders as a number, and its hash.
type item struct{ at, hash uint64 }

const (
	wheelBits   = 6
	wheelSlots  = 1 << wheelBits
	wheelLevels = (64 + wheelBits - 1) / wheelBits
	firstItems  = 8
	mostItems   = 512
	keptChunks  = 16
	itemBytes   = int64(unsafe.Sizeof(item{}))
	// rebaseUnit is how far before the first item of an empty wheel its place in time is set, at most.
	rebaseUnit = 1 << 22
	// farTime is a time, with its sign flipped, that only "never" is behind.
	farTime = 1<<63 + 1<<62
)

type wheelLevel struct {
	occupied uint64
	slots    [wheelSlots]wheelSlot
}

// wheelSlot is items in chunks.
type wheelSlot struct {
	head, tail *itemChunk
	// min is the earliest time of the items; sure says that one with that time is known to be alive.
	min  uint64
	sure bool
}

// itemChunk is up to cap(items) items, of which those before from have come out.
type itemChunk struct {
	next  *itemChunk
	items []item
	from  int
}

// add adds an item; alive says that it is known not to have been deleted.
func (w *wheel) add(i item, alive bool) {
	if w.n == 0 && i.at < farTime {
		w.empty()
		w.last = i.at &^ (rebaseUnit - 1)
	}
	w.n++
	if i.at < w.last {
		w.pushEarly(i)
		return
	}
	w.place(i, alive)
}

// empty releases the chunks of slots whose items have all come out.
func (w *wheel) empty() {
	for level, l := range w.levels {
		for l != nil && l.occupied != 0 {
			digit := uint64(bits.TrailingZeros64(l.occupied))
			w.first(&l.slots[digit], level, digit)
		}
	}
}

func (w *wheel) place(i item, alive bool) {
	level, digit := w.spot(i.at)
	l := w.levels[level]
	if l == nil {
		l = new(wheelLevel)
		w.levels[level] = l
		w.memory += int64(unsafe.Sizeof(*l))
	}
	s := &l.slots[digit]
	switch {
	case l.occupied&(1<<digit) == 0:
		l.occupied |= 1 << digit
		s.min, s.sure = i.at, alive
	case i.at < s.min:
		s.min, s.sure = i.at, alive
	case i.at == s.min:
		s.sure = s.sure || alive
	}
	c := s.tail
	if c == nil || len(c.items) == cap(c.items) {
		c = w.extend(s)
	}
	c.items = append(c.items, i)
}

// spot is the level and digit of a time that is not before last.
func (w *wheel) spot(at uint64) (level int, digit uint64) {
	level = (bits.Len64(at^w.last|1) - 1) / wheelBits
	return level, at >> (level * wheelBits) & (wheelSlots - 1)
}

func (w *wheel) extend(s *wheelSlot) *itemChunk {
	size := firstItems
	if s.tail != nil {
		size = min(4*cap(s.tail.items), mostItems)
	}
	c := w.free
	if size == mostItems && c != nil {
		w.free = c.next
		w.frees--
		*c = itemChunk{items: c.items[:0]}
	} else {
		c = &itemChunk{items: make([]item, 0, size)}
		w.memory += int64(size) * itemBytes
	}
	if s.tail == nil {
		s.head = c
	} else {
		s.tail.next = c
	}
	s.tail = c
	return c
}

// release takes back a chunk whose items are gone.
func (w *wheel) release(c *itemChunk) {
	if cap(c.items) == mostItems && w.frees < keptChunks {
		c.next = w.free
		w.free = c
		w.frees++
		return
	}
	w.memory -= int64(cap(c.items)) * itemBytes
}

// lowest returns the slot of the earliest items that are not in the heap, nil if there are none.
func (w *wheel) lowest() (s *wheelSlot, level int, digit uint64) {
	for level, l := range w.levels {
		if l != nil && l.occupied != 0 {
			digit := uint64(bits.TrailingZeros64(l.occupied))
			return &l.slots[digit], level, digit
		}
	}
	return nil, 0, 0
}

// first returns the first item of a slot, or false after emptying it.
func (w *wheel) first(s *wheelSlot, level int, digit uint64) (item, bool) {
	for c := s.head; c != nil; c = s.head {
		if c.from < len(c.items) {
			return c.items[c.from], true
		}
		s.head = c.next
		w.release(c)
	}
	s.tail = nil
	w.levels[level].occupied &^= 1 << digit
	return item{}, false
}

// pop removes the first item of a slot, which first has returned.
func (w *wheel) pop(s *wheelSlot) {
	s.head.from++
	w.n--
}

// cascade moves the items of the lowest slot to lower levels; alive says that none of them was deleted.
func (w *wheel) cascade(level int, digit uint64, alive bool) {
	s := w.levels[level].slots[digit]
	w.levels[level].slots[digit] = wheelSlot{}
	w.levels[level].occupied &^= 1 << digit
	w.last = s.min
	for c := s.head; c != nil; {
		for _, i := range c.items[c.from:] {
			w.place(i, alive)
		}
		next := c.next
		w.release(c)
		c = next
	}
}

// rotate takes the first chunk of a slot and puts back, behind the others, the items of it that keep keeps.
func (w *wheel) rotate(level int, digit uint64, keep func(item) bool) {
	s := &w.levels[level].slots[digit]
	c := s.head
	s.head = c.next
	if s.head == nil {
		s.tail = nil
	}
	for _, i := range c.items[c.from:] {
		if !keep(i) {
			w.n--
			continue
		}
		t := s.tail
		if t == nil || len(t.items) == cap(t.items) {
			t = w.extend(s)
		}
		t.items = append(t.items, i)
	}
	w.release(c)
	if s.head == nil {
		w.levels[level].occupied &^= 1 << digit
	}
}

// chunks is the number of chunks of a slot.
func (s *wheelSlot) chunks() (n int) {
	for c := s.head; c != nil; c = c.next {
		n++
	}
	return n
}

// unsure notes that an item of that time was deleted.
func (w *wheel) unsure(at uint64) {
	if at < w.last {
		return
	}
	level, digit := w.spot(at)
	if s := &w.levels[level].slots[digit]; s.min == at {
		s.sure = false
	}
}

// settle recomputes a slot's minimum after items were taken out of its middle; sure says that none of those left is dead.
func (s *wheelSlot) settle(sure bool) {
	s.min, s.sure = ^uint64(0), sure
	for c := s.head; c != nil; c = c.next {
		for _, i := range c.items[c.from:] {
			s.min = min(s.min, i.at)
		}
	}
}

func (w *wheel) pushEarly(i item) {
	w.early = append(w.early, i)
	h := w.early
	at := len(h) - 1
	for at > 0 && h[at].at < h[(at-1)/2].at {
		h[at], h[(at-1)/2] = h[(at-1)/2], h[at]
		at = (at - 1) / 2
	}
}

func (w *wheel) popEarly() {
	last := len(w.early) - 1
	w.early[0] = w.early[last]
	w.early = w.early[:last]
	w.n--
	w.sink(0)
	if last == 0 {
		w.early = nil
	}
}

func (w *wheel) sink(at int) {
	h := w.early
	for {
		least := at
		for child := 2*at + 1; child <= 2*at+2 && child < len(h); child++ {
			if h[child].at < h[least].at {
				least = child
			}
		}
		if least == at {
			return
		}
		h[at], h[least] = h[least], h[at]
		at = least
	}
}

// filterEarly keeps the early items that keep keeps.
func (w *wheel) filterEarly(keep func(item) bool) {
	kept := w.early[:0]
	for _, i := range w.early {
		if keep(i) {
			kept = append(kept, i)
		}
	}
	w.n -= int64(len(w.early) - len(kept))
	w.early = kept
	for at := len(kept)/2 - 1; at >= 0; at-- {
		w.sink(at)
	}
}

func (w *wheel) held() int64 { return w.memory + int64(cap(w.early))*itemBytes }
