package table

import "unsafe"

// listCell keeps a list as a ring of chunks: the column's word is the ref of the last one, whose next is the first. A list
// of one chunk grows by doubling up to largestChunk, then by further chunks, so that no append copies more than that.
type listCell struct {
	core *core
	col  *column
	// cursor is where the last call of Chunk was, as long as no chunk was freed since.
	cursor struct {
		first, chunk ref
		n            int
	}
}

// chunk precedes the elements in its block.
type chunk struct {
	next ref
	used uint32 // bytes of elements
	_    uint32
}

const (
	chunkHeader  = int(unsafe.Sizeof(chunk{}))
	largestChunk = 8 << 10
)

func (l *listCell) chunk(r ref) *chunk { return (*chunk)(l.core.arena.address(r)) }

func (l *listCell) elements(r ref) []byte { return l.core.arena.block(r)[chunkHeader:] }

func (l *listCell) Append(element []byte) {
	p, fresh := l.core.cell(l.col)
	if fresh {
		r := l.newChunk(len(element))
		l.chunk(r).next = r
		*p = uint64(r)
	}
	last := ref(*p)
	used := int(l.chunk(last).used)
	if room := len(l.elements(last)) - used; room < len(element) {
		last = l.extend(last, used+len(element), len(element))
		used = int(l.chunk(last).used)
		*p = uint64(last)
	}
	copy(l.elements(last)[used:], element)
	l.chunk(last).used += uint32(len(element))
}

// extend makes room behind the last chunk: whole bytes in a larger one in its place, or those of one more element in one
// behind it.
func (l *listCell) extend(last ref, whole, element int) ref {
	first := l.chunk(last).next
	if first == last && whole+chunkHeader <= largestChunk {
		grown := l.newChunk(min(max(whole, 2*len(l.elements(last))), largestChunk-chunkHeader))
		used := l.chunk(last).used
		copy(l.elements(grown), l.elements(last)[:used])
		*l.chunk(grown) = chunk{next: grown, used: used}
		l.free(last)
		return grown
	}
	added := l.newChunk(max(element, largestChunk-chunkHeader))
	l.chunk(added).next = first
	l.chunk(last).next = added
	return added
}

func (l *listCell) newChunk(elements int) ref {
	r := l.core.arena.alloc(chunkHeader + elements)
	*l.chunk(r) = chunk{}
	return r
}

func (l *listCell) free(r ref) {
	l.core.arena.free(r)
	l.cursor.chunk = 0
}

func (l *listCell) Chunk(n int) ([]byte, bool) {
	p := l.core.peek(l.col)
	if p == nil {
		return nil, false
	}
	last := ref(*p)
	first := l.chunk(last).next
	at, r := 0, first
	if c := l.cursor; c.chunk != 0 && c.first == first && c.n <= n {
		at, r = c.n, c.chunk
	}
	for ; at < n; at++ {
		if r == last {
			return nil, false
		}
		r = l.chunk(r).next
	}
	l.cursor.first, l.cursor.chunk, l.cursor.n = first, r, n
	used := l.chunk(r).used
	return l.elements(r)[:used:used], true
}

func (l *listCell) Clear() {
	if l.core.peek(l.col) == nil {
		return
	}
	l.core.touch()
	p := l.core.peek(l.col)
	if p == nil {
		return
	}
	last := ref(*p)
	for r := l.chunk(last).next; r != last; {
		next := l.chunk(r).next
		l.free(r)
		r = next
	}
	l.free(last)
	l.core.absent(l.col)
}
