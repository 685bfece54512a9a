package table

import (
	"fmt"
	"unsafe"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// Hot is a Table with a part of a larger store's entries: a tier of memory, to which whoever has the rest adds what is
// missing, and from which it takes what has been changed and what is not used any more.
//
// An entry may be there without any column, which means that the tier below knows that the key has no state, or has yet
// to be told so. Of the epoch in an entry's header the upper two bits say that the entry was changed since it was added or last
// cleaned, and whether before or after the last mark; the others are the generation in which it was last used. Generations come with the number of entries that are
// added: those of least generation have not been used for longest.
type Hot[K any] struct {
	Table[K]
	// note is the distance of an entry's note from its header, 0 if there are none.
	note uintptr
	// hand is the place of the directory at which Evict goes on.
	hand int
	// evicted counts the entries that were taken out, turn is the number of entries ever added at which the next
	// generation begins.
	evicted, turn int64
	// late is a buffer of TryUpsert.
	late []int
	// spares are those of the panes that are made after this table.
	spares *spares
	// dirty is the one of the dirty bits that changed entries get now.
	dirty uint64
	sweep sweep
}

const (
	dirtyBits      = uint64(3) << 29
	firstDirty     = uint64(1) << 29
	generationMask = uint64(0x1fff) << 16
	generationOne  = uint64(1) << 16
	// turns is into how many generations those entries fall that fill the table once.
	turns = 4
	// oldest is from which age on, in generations, entries are all the same.
	oldest = 7
)

// NewHot returns a table for the keys of the given groups, of maxParallelism in all. It is to be opened with OpenHot.
func NewHot[K any](keys state.Keys[K], groups keygroup.Range, maxParallelism int) *Hot[K] {
	return &Hot[K]{Table: *New(keys, groups, maxParallelism)}
}

// NewPane returns an empty opened table with the same columns, whose keys are not divided by key group, and which shares
// the memory that is not in use with others of its kind.
func (h *Hot[K]) NewPane() *Hot[K] {
	if h.spares == nil {
		h.spares = &spares{most: 512, part: 4, some: 256 << 10}
	}
	p := &Hot[K]{note: h.note, Table: Table[K]{
		packer: h.packer, named: h.named, groups: h.groups, maxGroups: h.maxGroups, whole: true, batched: h.batched,
	}}
	p.form, p.keyBytes, p.entryBytes, p.columns = h.form, h.keyBytes, h.entryBytes, h.columns
	p.arena.spare = h.spares
	p.open(layout{groups: 1, maxGroups: 1}, h.spares)
	p.begin()
	return p
}

// OpenHot is Open of a table that is the upper tier of another store. notes gives each entry a word for the owner's use.
func (h *Hot[K]) OpenHot(descriptors []state.Descriptor, notes bool) error {
	if len(descriptors) > state.MaxColumns {
		return fmt.Errorf("%d states in one operator, at most %d are possible: put values that belong together into one struct", len(descriptors), state.MaxColumns)
	}
	h.layOut(descriptors)
	if notes {
		h.note = h.entryBytes - h.keyBytes
		h.entryBytes += 8
	}
	h.open(layout{firstGroup: int(h.groups.First), groups: h.groups.Size(), maxGroups: h.maxGroups}, newSpares())
	h.begin()
	return nil
}

func (h *Hot[K]) begin() {
	h.dirty = firstDirty
	h.cursor.Epoch = h.dirty | generationOne
}

// Entries is the number of entries, those without columns among them.
func (h *Hot[K]) Entries() int64 { return h.index.entries }

// Live is the memory in bytes that the owner has to go by when entries are to leave: what the entries take in segments as full
// as they are on average, and, of blocks, mostly what is held. It falls with each entry that leaves, and if blocks in use
// are scattered over many pages, more entries leave, until pages come free.
func (h *Hot[K]) Live() int64 {
	n := fullness*h.index.entries*int64(h.index.stride) + (3*h.arena.held()+h.arena.live)/4
	if p := h.pairs.index; p != nil {
		n += (3*p.held() + fullness*p.entries*int64(p.stride)) / 4
	}
	return n
}

// fullness is how many times their own size entries take in segments on average, or somewhat more.
const fullness = 2

// Age begins a new generation if enough entries were added since the last one.
func (h *Hot[K]) Age() {
	if added := h.index.entries + h.evicted; added >= h.turn {
		h.turn = added + max(h.index.entries/turns, 1)
		generation := (h.cursor.Epoch + generationOne) & generationMask
		if generation == 0 {
			generation = generationOne
		}
		h.cursor.Epoch = h.dirty | generation
	}
}

// Leave makes no key current.
func (h *Hot[K]) Leave() { h.leave() }

// Current reports whether a key is current.
func (h *Hot[K]) Current() bool { return h.current.set }

// Resident reports whether the current key has an entry.
func (h *Hot[K]) Resident() bool { return h.cursor.Entry != nil }

// Group is the current key's group.
func (h *Hot[K]) Group() uint16 {
	hash := h.current.hash
	if h.whole && h.at == lazy { // where it stands tells nothing of the upper half
		h.key[0] = h.unpacked(unsafe.Slice(h.current.key.words, h.packer.words))
		if err := h.named.HashesOf(h.key[:], h.hash[:]); err != nil {
			panic(&state.Failure{Action: "hash a key of", Cause: err})
		}
		hash = h.hash[0]
	}
	return keygroup.Group(hash, h.maxGroups)
}

// Note is the word of the current entry that is the owner's. It is 0 at first.
func (h *Hot[K]) Note() *uint64 { return (*uint64)(unsafe.Add(h.cursor.Entry, h.note)) }

// Has reports whether the current entry has something in a column.
func (h *Hot[K]) Has(c state.Column) bool {
	return h.cursor.Entry != nil && *(*uint64)(h.cursor.Entry)&h.columns[c].present != 0
}

// Changed reports whether the current entry was changed since the tier below was told of it.
func (h *Hot[K]) Changed() bool { return *(*uint64)(h.cursor.Entry)&dirtyBits != 0 }

// Change marks the current entry as changed. It comes before the change.
func (h *Hot[K]) Change() { h.touch() }

// Clean marks the current entry as unchanged.
func (h *Hot[K]) Clean() { *(*uint64)(h.cursor.Entry) &^= dirtyBits }

// Fill calls f, which adds to the current entry what the tier below has: that is no change.
func (h *Hot[K]) Fill(f func()) {
	was, quiet := *(*uint64)(h.cursor.Entry)&dirtyBits, h.sweep.quiet
	h.sweep.quiet = true
	f()
	h.sweep.quiet = quiet
	header := (*uint64)(h.cursor.Entry)
	*header = *header&^dirtyBits | was
}

// Settle gives the current key an unchanged entry without columns, if it has none.
func (h *Hot[K]) Settle() {
	if h.cursor.Entry == nil {
		h.cursor.Entry = h.settled()
	}
}

func (h *Hot[K]) settled() unsafe.Pointer {
	entry, _ := h.obtain(h.current.key, h.current.hash)
	header := h.header(entry)
	*header = *header&^generationMask | h.cursor.Epoch&generationMask
	return unsafe.Pointer(header)
}

// Keep keeps the current entry although nothing may be left in it.
func (h *Hot[K]) Keep() { h.emptied = false }

// SeekAt is that of Table, and notes that the entry is used.
func (h *Hot[K]) SeekAt(i int) {
	h.Table.SeekAt(i)
	h.use()
}

// Seek is that of Table, and notes that the entry is used.
func (h *Hot[K]) Seek(key K, hash uint64) {
	h.Table.Seek(key, hash)
	h.use()
}

func (h *Hot[K]) use() {
	if e := h.cursor.Entry; e != nil {
		header := (*uint64)(e)
		if (*header^h.cursor.Epoch)&generationMask != 0 {
			*header = *header&^generationMask | h.cursor.Epoch&generationMask
		}
	}
}

// AppendKey appends the encoding of the current key.
func (h *Hot[K]) AppendKey(dst []byte) []byte {
	if h.at >= 0 {
		h.key[0] = h.keys[h.at]
		return h.packer.codec.Append(dst, &h.key[0])
	}
	if h.at == lazy {
		key, err := h.packer.view(unsafe.Slice(h.current.key.words, h.packer.words), h.currentLong)
		if err != nil {
			panic(&state.Failure{Action: "decode a key of", Cause: err})
		}
		h.key[0] = key
		return h.packer.codec.Append(dst, &h.key[0])
	}
	return h.packer.codec.Append(dst, &h.key[0])
}

// currentLong returns the bytes of a current key that is long.
func (h *Hot[K]) currentLong(words []uint64) []byte {
	if h.current.key.long != nil {
		return h.current.key.long
	}
	return h.longKey(words)
}

// Discard takes the current entry out with all that is in it. The key stays current.
func (h *Hot[K]) Discard() {
	if e := h.cursor.Entry; e != nil {
		h.release(unsafe.Add(e, -int(h.keyBytes)))
		h.cursor.Entry = nil
	}
}

// release removes the entry at which the cursor stands.
func (h *Hot[K]) release(entry unsafe.Pointer) {
	for i := range h.columns {
		col := &h.columns[i]
		switch {
		case col.inline || h.peek(col) == nil:
		case col.kind == kindList:
			(&listCell{core: &h.core, col: col}).Clear()
		case col.kind == kindMap:
			(&mapCell{&h.core, col}).Clear()
		default:
			(&bytesCell{&h.core, col}).Clear()
		}
	}
	h.emptied = false
	h.drop(entry, h.current.hash)
	h.evicted++
}

// CurrentHash is the current key's hash, but in visits of entries.
func (h *Hot[K]) CurrentHash() uint64 { return h.current.hash }
