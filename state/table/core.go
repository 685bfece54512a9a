package table

import (
	"unsafe"

	"github.com/weir-stream/weir/state"
)

// core is the part of a Table that does not depend on the type of its keys.
//
// An entry is [key words][header word][column words...]; see [state.Cursor] for the header. The words of absent columns are
// zero, and so are free entries.
type core struct {
	index   *index
	form    form
	arena   arena
	columns []column
	pairs   pairs
	cursor  state.Cursor
	// keyBytes is the distance of the header from the start of an entry.
	keyBytes uintptr
	// entryBytes is the size of an entry.
	entryBytes uintptr
	current    current
	// emptied says that the current entry has lost its last column; it is removed when the cursor leaves it, because
	// state that is cleared is often set again at once.
	emptied bool
	fetched uint64 // see index.fetch
	keeper  keeper
	// watch is called before the first change of an entry in an epoch, if the index does not track changes.
	watch func(header *uint64, hash uint64)
}

// current is the current key.
type current struct {
	key  wordKey
	hash uint64
	set  bool
}

// column is one state: where its words are in an entry.
type column struct {
	name    string
	kind    state.Kind
	inline  bool
	offset  uintptr // from the header
	words   int
	present uint64
	// number, transcoder and check are for snapshots.
	number     uint16
	transcoder state.Transcoder
	check      state.Check
}

const (
	headerBytes = 8
	// hashShift is where the lower half of the key's hash is in the header.
	hashShift = 32
)

func (c *core) header(entry unsafe.Pointer) *uint64 {
	return (*uint64)(unsafe.Add(entry, c.keyBytes))
}

// leave makes no key current, and removes the entry that was if nothing is left in it.
func (c *core) leave() {
	if c.emptied {
		c.emptied = false
		if e := c.cursor.Entry; *(*uint64)(e)&state.PresentMask == 0 {
			c.drop(unsafe.Add(e, -int(c.keyBytes)), c.current.hash)
		}
	}
	c.cursor.Entry = nil
	c.current.set = false
}

// drop removes an entry without columns.
func (c *core) drop(entry unsafe.Pointer, hash uint64) {
	if c.form == varying {
		if words := unsafe.Slice((*uint64)(entry), 2); isLong(words[1]) {
			c.arena.free(ref(words[0]))
		}
	}
	c.index.remove(entry, hash)
}

// obtain returns the entry of a key, made without columns if there was none: the caller must mark it.
func (c *core) obtain(key wordKey, hash uint64) (entry unsafe.Pointer, moved span) {
	ix := c.index
	place := ix.at(hash)
	at := c.search(&ix.directory[place], key, hash)
	if ix.used(at.entry) != 0 {
		return at.entry, span{}
	}
	entry, moved = ix.insert(place, at, hash)
	words := unsafe.Slice((*uint64)(entry), ix.keyWords)
	copy(words, unsafe.Slice(key.words, ix.keyWords))
	if c.form == varying && isLong(words[1]) {
		r := c.arena.alloc(len(key.long))
		copy(c.arena.block(r), key.long)
		words[0] = uint64(r)
	}
	*c.header(entry) = hash<<hashShift | bornBit
	return entry, moved
}

// mark makes a column present in an entry of a hash, and the entry changed in this epoch. It comes before the change.
func (c *core) mark(header *uint64, present, hash uint64) (fresh bool) {
	if (*header^c.cursor.Epoch)&state.EpochMask != 0 {
		if c.index.track != nil {
			c.changing(header, hash)
		} else if c.watch != nil {
			c.watch(header, hash)
		}
	}
	had := *header
	*header = had&^state.EpochMask | c.cursor.Epoch | present
	return had&present == 0
}

// cell returns the address of the current key's words in a column for writing.
func (c *core) cell(col *column) (p *uint64, fresh bool) {
	e := c.cursor.Entry
	if e == nil {
		if !c.current.set {
			panic("state " + col.name + " is used while no key is current: keyed state is there only during calls that are made for a key")
		}
		entry, _ := c.obtain(c.current.key, c.current.hash)
		e = unsafe.Add(entry, c.keyBytes)
		c.cursor.Entry = e
	}
	fresh = c.mark((*uint64)(e), col.present, c.current.hash)
	return (*uint64)(unsafe.Add(e, col.offset)), fresh
}

// peek returns the address of the current key's words in a column, nil if absent.
func (c *core) peek(col *column) *uint64 {
	e := c.cursor.Entry
	if e == nil || *(*uint64)(e)&col.present == 0 {
		return nil
	}
	return (*uint64)(unsafe.Add(e, col.offset))
}

// touch marks the current entry as changed. It comes before what a column leads to is changed or freed.
func (c *core) touch() { c.mark((*uint64)(c.cursor.Entry), 0, c.current.hash) }

// absent takes a column, whose contents are freed, from the current entry, which was touched.
func (c *core) absent(col *column) {
	e := c.cursor.Entry
	c.gone(col, nil)
	*(*uint64)(e) &^= col.present
	clear(unsafe.Slice((*uint64)(unsafe.Add(e, col.offset)), col.words))
	c.emptied = true
}
