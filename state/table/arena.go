package table

import (
	"math/bits"
	"unsafe"
)

// ref names a block of an arena for as long as the block is allocated: the page in the upper 48 bits, the offset in the page
// in the lower 16. 0 names none.
type ref uint64

// arena gives out blocks of memory without pointers, from pages that each hold blocks of one size. A page whose last
// block is freed goes back to the Go heap, except one per size.
type arena struct {
	pages []page
	// unused are the numbers of pages that have no memory.
	unused []int32
	// open has for each size the pages that have room, as the head of a list; 0 if none (page 0 is never used).
	open  [sizeClasses]int32
	count [sizeClasses]int32
	bytes int64
	// live is the bytes of the blocks that are given out.
	live int64
	// spare, unless nil, is shared with other arenas, which use each other's pages.
	spare *spares
}

type page struct {
	memory []byte
	// prev and next are neighbours in the list of open pages of this size.
	prev, next int32
	class      int32
	used       int32
	// fresh is the offset from which on no block was ever given out, free the offset of a freed block, which begins with the
	// offset of the next; noBlock ends the list.
	fresh, free int32
}

const (
	pageBytes    = 64 << 10
	smallPage    = 4 << 10
	largestBlock = pageBytes / 4
	noBlock      = -1
	// sizeClasses: multiples of 8 to 64, then four sizes to each doubling, the last of which is largestBlock.
	sizeClasses = 8 + 4*8
	ownPage     = sizeClasses
)

// classOf is the smallest size class for n bytes, ownPage if there is none.
func classOf(n int) int32 {
	switch {
	case n <= 64:
		return int32(max(n-1, 0) / 8)
	case n > largestBlock:
		return ownPage
	}
	octave := bits.Len(uint(n-1)) - 7 // 0 for 65 to 128
	return int32(8 + octave*4 + (n-1)>>(octave+4)&3)
}

func classBytes(class int32) int {
	if class < 8 {
		return int(class+1) * 8
	}
	octave := (class - 8) / 4
	return (64 + 16*int(class%4+1)) << octave
}

// alloc returns a block of at least n bytes; what it holds is unspecified.
func (a *arena) alloc(n int) ref {
	class := classOf(n)
	if class == ownPage {
		number := a.newPage(class, (n+smallPage-1)&^(smallPage-1))
		a.pages[number].used = 1
		a.live += int64(len(a.pages[number].memory))
		return ref(number) << 16
	}
	number := a.open[class]
	if number == 0 {
		size := min(smallPage<<a.count[class], pageBytes)
		for size < 4*classBytes(class) {
			size *= 2
		}
		number = a.newPage(class, size)
		a.count[class] = min(a.count[class]+1, 8)
		a.push(number)
	}
	p, size := &a.pages[number], int32(classBytes(class))
	offset := p.free
	if offset != noBlock {
		p.free = *(*int32)(unsafe.Pointer(&p.memory[offset]))
	} else {
		offset = p.fresh
		p.fresh += size
	}
	p.used++
	a.live += int64(size)
	if p.full(size) {
		a.unlink(number)
	}
	return ref(number)<<16 | ref(offset)
}

func (p *page) full(size int32) bool { return p.free == noBlock && int(p.fresh+size) > len(p.memory) }

// free takes a block back.
func (a *arena) free(r ref) {
	number, offset := int32(r>>16), int32(r&0xffff)
	p := &a.pages[number]
	if p.class == ownPage {
		a.live -= int64(len(p.memory))
		a.drop(number)
		return
	}
	a.live -= int64(classBytes(p.class))
	wasFull := p.full(int32(classBytes(p.class)))
	*(*int32)(unsafe.Pointer(&p.memory[offset])) = p.free
	p.free = offset
	p.used--
	if wasFull {
		a.push(number)
	}
	if p.used == 0 && (p.next != 0 || p.prev != 0) {
		a.unlink(number)
		a.drop(number)
	}
}

// block returns the whole of a block, which may be longer than what was asked for.
func (a *arena) block(r ref) []byte {
	p, offset := &a.pages[r>>16], int(r&0xffff)
	if p.class == ownPage {
		return p.memory
	}
	end := offset + classBytes(p.class)
	return p.memory[offset:end:end]
}

// address is the first byte of a block.
func (a *arena) address(r ref) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(a.pages[r>>16].memory)), r&0xffff)
}

func (a *arena) newPage(class int32, size int) int32 {
	if len(a.pages) == 0 {
		a.pages = make([]page, 1, 8)
	}
	var number int32
	if n := len(a.unused); n > 0 {
		number, a.unused = a.unused[n-1], a.unused[:n-1]
	} else {
		number = int32(len(a.pages))
		a.pages = append(a.pages, page{})
	}
	a.pages[number] = page{memory: a.pageMemory(size), class: class, free: noBlock}
	a.bytes += int64(size)
	return number
}

// pageMemory is aligned for words, which bytes from make are not promised to be.
func (a *arena) pageMemory(size int) []byte {
	var words []uint64
	if a.spare != nil {
		words = a.spare.take(size / 8)
	}
	if words == nil {
		words = make([]uint64, size/8)
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)
}

func (a *arena) drop(number int32) {
	memory := a.pages[number].memory
	a.bytes -= int64(len(memory))
	if a.spare != nil {
		a.spare.put(unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(memory))), len(memory)/8))
	}
	a.pages[number] = page{}
	a.unused = append(a.unused, number)
}

func (a *arena) push(number int32) {
	p := &a.pages[number]
	p.prev, p.next = 0, a.open[p.class]
	if p.next != 0 {
		a.pages[p.next].prev = number
	}
	a.open[p.class] = number
}

func (a *arena) unlink(number int32) {
	p := &a.pages[number]
	if p.prev != 0 {
		a.pages[p.prev].next = p.next
	} else {
		a.open[p.class] = p.next
	}
	if p.next != 0 {
		a.pages[p.next].prev = p.prev
	}
	p.prev, p.next = 0, 0
}

// held is the memory of all pages in bytes.
func (a *arena) held() int64 { return a.bytes + int64(cap(a.pages))*int64(unsafe.Sizeof(page{})) }
