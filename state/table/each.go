package table

import (
	"unsafe"

	"github.com/weir-stream/weir/state"
)

// Each visits the keys by segments. Entries move only when one is removed, and then back towards its slot: a slot whose
// entry was removed is looked at again.
func (t *Table[K]) Each(c state.Column, f func(key K) bool) {
	t.leave()
	mask := state.PresentMask
	if c != state.AnyColumn {
		mask = t.columns[c].present
	}
	t.index.steady = true
	defer func() { t.index.steady = false }()
	for at := 0; at < len(t.index.segments); {
		s := t.index.segments[at]
		if s.n > 0 && !t.eachOf(s, mask, f) {
			return
		}
		t.index.tidy(s, at)
		at += 1 << (t.index.depth - s.depth)
	}
}

func (t *Table[K]) eachOf(s *segment, mask uint64, f func(key K) bool) bool {
	defer t.leave()
	// From behind a free slot, no removal reaches back over the start.
	ix := t.index
	start := spot{entry: s.base}
	for ix.used(start.entry) != 0 {
		start = ix.after(&s.place, start)
	}
	for at := ix.after(&s.place, start); at.slot != start.slot; {
		if *t.header(at.entry)&mask == 0 {
			at = ix.after(&s.place, at)
			continue
		}
		before := s.n
		more := t.visit(s, at, f)
		t.leave()
		if !more {
			return false
		}
		if s.n == before {
			at = ix.after(&s.place, at)
		}
	}
	return true
}

func (t *Table[K]) visit(s *segment, at spot, f func(key K) bool) bool {
	words := unsafe.Slice((*uint64)(at.entry), t.packer.words)
	key := t.unpacked(words)
	t.key[0], t.at = key, alone
	t.current = current{wordKey{words: &words[0]}, t.index.leading(s, at.entry), true}
	t.cursor.Entry = unsafe.Add(at.entry, t.keyBytes)
	return f(key)
}
