package pebble

import (
	"fmt"
	"unsafe"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
	"github.com/weir-stream/weir/state/table"
)

// Backend is a [state.Backend] of which some is in a table and the rest in Pebble.
type Backend[K any] struct {
	db      *Database
	keys    state.Keys[K]
	hot     *table.Hot[K]
	columns []column
	// pane is the pane in the keys of rows, empty for a backend of its own.
	pane []byte
	// noted says that entries have notes; else there is one column of values, which every entry knows of.
	noted bool
	// cold says that something has been written to Pebble: until then the table has everything.
	cold bool
	// written has the keys that may be in Pebble.
	written written
	member  member
	marking *marking
	// owing says that the sweep under way copies entries and does not write them to Pebble.
	owing bool
	// grown is how many bytes were added to lists, maps and values since the last look at the memory.
	grown int64
	// eager are the columns of values that are read for all keys of a batch at once.
	eager uint64
	// lazily counts by column the keys for which it was read alone, of the batch that had missed entries.
	lazily [state.MaxColumns]int
	missed int
	// missing and fresh are positions in a batch: of keys without an entry, of those among them that were never written.
	missing, fresh []int
	// marks are those of keys whose rows were gathered and not written yet, or those of a batch's missing keys.
	marks  []uint64
	wanted wanted
	row    []byte
	// rescued is a buffer in place of row.
	rescued []byte
	// peeking says that what is gathered is not written.
	peeking bool
	scan    scanning
}

// column is one state.
type column struct {
	state.Descriptor
	at     state.Column
	inline bool
	check  state.Check
	// One of them gives access to the table's column.
	value   state.ValueCell
	list    state.ListCell
	pairs   state.MapCell
	scratch []byte
}

// Notes of an entry: four bits for each column.
//
//	unknown  what Pebble has is not in the table: no value was read, a list is what follows the one in Pebble, of a map
//	         only some pairs are there
//	stored   Pebble may have something
//	changed  Pebble has yet to be told; of inline columns only that there is no value
//	graves   a map has pairs that say that there is none
func unknown(c state.Column) uint64 { return 1 << c }
func stored(c state.Column) uint64  { return 1 << (16 + c) }
func changed(c state.Column) uint64 { return 1 << (32 + c) }
func graves(c state.Column) uint64  { return 1 << (48 + c) }

// NewBackend returns an unopened backend in a database.
func NewBackend[K any](db *Database, keys state.Keys[K]) state.Backend[K] {
	return newBackend(db, keys)
}

func newBackend[K any](db *Database, keys state.Keys[K]) *Backend[K] {
	b := &Backend[K]{db: db, keys: keys, marking: new(marking)}
	b.member.shed = b.shed
	return b
}

// Open lays out the table.
func (b *Backend[K]) Open(descriptors []state.Descriptor) error {
	b.hot = table.NewHot(b.keys, b.db.options.Groups, b.db.options.MaxParallelism)
	b.noted = !simple(descriptors)
	if err := b.hot.OpenHot(descriptors, b.noted); err != nil {
		return err
	}
	seen := map[uint16]string{}
	for _, d := range descriptors {
		if other, taken := seen[d.Number]; taken {
			return fmt.Errorf("states %q and %q have the same number %d", other, d.Name, d.Number)
		}
		seen[d.Number] = d.Name
	}
	b.attach(descriptors)
	return nil
}

// attach makes the columns of the opened table.
func (b *Backend[K]) attach(descriptors []state.Descriptor) {
	b.columns = make([]column, len(descriptors))
	for i, d := range descriptors {
		c := &b.columns[i]
		*c = column{Descriptor: d, at: state.Column(i), check: state.NewCheck(d)}
		switch d.Kind {
		case state.KindList:
			c.list = b.hot.List(c.at)
		case state.KindMap:
			c.pairs = b.hot.Map(c.at)
		default:
			c.inline = d.Inline > 0
			c.value = b.hot.Value(c.at)
		}
	}
	b.db.budget.join(&b.member)
}

// simple reports whether there is one column of values.
func simple(descriptors []state.Descriptor) bool {
	return len(descriptors) == 1 && descriptors[0].Kind != state.KindList && descriptors[0].Kind != state.KindMap
}

// Value gives access to a column of values.
func (b *Backend[K]) Value(c state.Column) state.ValueCell {
	b.hot.Value(c) // panics if it is of another kind
	if b.columns[c].inline {
		return &inlineCell[K]{b, &b.columns[c]}
	}
	return &bytesCell[K]{b, &b.columns[c]}
}

// List gives access to a column of lists.
func (b *Backend[K]) List(c state.Column) state.ListCell {
	b.hot.List(c)
	return &listCell[K]{b, &b.columns[c]}
}

// Map gives access to a column of maps.
func (b *Backend[K]) Map(c state.Column) state.MapCell {
	b.hot.Map(c)
	return &mapCell[K]{b, &b.columns[c]}
}

// Prepare brings the entries of a batch near, and reads what of them is expected to be needed.
func (b *Backend[K]) Prepare(keys []K, hashes []uint64) {
	b.look()
	b.hot.Prepare(keys, hashes)
	if b.cold {
		b.prefetch(keys, hashes)
	}
}

// SeekAt makes a key of the prepared batch current.
func (b *Backend[K]) SeekAt(i int) {
	if b.grown > b.db.budget.limit/8 {
		b.look()
	}
	b.hot.SeekAt(i)
}

// Seek makes a key current.
func (b *Backend[K]) Seek(key K, hash uint64) {
	b.look()
	b.hot.Seek(key, hash)
}

// CurrentKey returns the current key.
func (b *Backend[K]) CurrentKey() K { return b.hot.CurrentKey() }

// Upsert finds, reads or creates the entries of a batch.
func (b *Backend[K]) Upsert(c state.Column, keys []K, hashes []uint64, cells []unsafe.Pointer, fresh []bool) {
	b.look()
	if b.cold {
		b.missing = b.hot.TryUpsert(c, keys, hashes, cells, fresh, unknown(c), b.missing[:0])
		if len(b.missing) == 0 {
			return
		}
		if b.missing = b.divide(hashes, b.missing); len(b.missing) > 0 {
			b.fetch(&b.columns[c], keys, hashes, b.missing, func(i int) { b.hot.SeekTried(keys, i) })
		}
	}
	b.hot.Upsert(c, keys, hashes, cells, fresh)
}

// look compares the memory with its limit.
func (b *Backend[K]) look() {
	budget := &b.db.budget
	budget.calls++
	b.member.last = budget.calls
	b.grown = 0
	budget.note(&b.member, b.hot.Live())
	if 2*budget.used <= budget.limit {
		return
	}
	b.hot.Age()
	if budget.used > budget.limit {
		budget.makeRoom(&b.member)
	}
}

// shed writes entries to Pebble until the table takes at most so many bytes. The key that is current stays so.
func (b *Backend[K]) shed(bytes int64) {
	if b.hot.Current() {
		key, hash := b.hot.CurrentKey(), b.hot.CurrentHash()
		defer b.hot.Seek(key, hash)
	}
	b.cold = true
	rows := &b.db.rows
	for b.hot.Entries() > 0 && b.hot.Live() > bytes {
		b.hot.Evict(b.gather)
		if len(rows.bytes) >= gatherBytes {
			b.write()
		}
	}
	b.write()
	b.db.budget.note(&b.member, b.hot.Live())
}

// grow counts bytes that are added to the current key's state; if one key's state takes a good part of the memory, it is
// written at once.
func (b *Backend[K]) grow(bytes int) {
	b.grown += int64(bytes)
	if b.grown > b.db.budget.limit/8+largeEntry && b.member.visited == 0 {
		b.grown = 0
		b.expel()
	}
}

// largeEntry is how much can always be added before a single entry is written.
const largeEntry = 64 << 10

// expel writes the current entry and takes it out of the table.
func (b *Backend[K]) expel() {
	if b.hot.Resident() {
		b.cold = true
		if b.hot.Changed() {
			b.gather()
			b.write()
			b.hot.Clean()
		}
		b.hot.Discard()
	}
}

// flush writes all that is changed and not yet written.
func (b *Backend[K]) flush() {
	rows := &b.db.rows
	b.hot.EachEntry(b.db.options.Groups, func() {
		if !b.hot.Changed() {
			return
		}
		b.gather()
		b.hot.Clean()
		if len(rows.bytes) >= gatherBytes {
			b.write()
		}
	})
	b.write()
}

// Bytes is the memory of the table.
func (b *Backend[K]) Bytes() int64 { return b.hot.Bytes() }

// Close gives the table back. What Pebble has stays until the database is closed.
func (b *Backend[K]) Close() {
	if b.hot != nil {
		b.db.budget.leave(&b.member)
		b.written.leave(&b.db.room)
		b.hot.Close()
		b.hot = nil
	}
}

// appendRow appends the key of the current key's row in a column.
func (b *Backend[K]) appendRow(dst []byte, c *column) []byte {
	return b.hot.AppendKey(b.appendPrefix(dst, b.hot.Group(), c))
}

// appendPrefix appends what the keys of a column's rows in a group begin with.
func (b *Backend[K]) appendPrefix(dst []byte, group uint16, c *column) []byte {
	dst = append(dst, byte(group>>8), byte(group), byte(c.Number>>8), byte(c.Number))
	return append(dst, b.pane...)
}

// appendRowOf is appendRow for any key.
func (b *Backend[K]) appendRowOf(dst []byte, c *column, key *K, hash uint64) []byte {
	return b.keys.Codec.Append(b.appendPrefix(dst, keygroup.Group(hash, b.db.options.MaxParallelism), c), key)
}
