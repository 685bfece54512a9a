// Package table is the backend that keeps all state in memory: entries of fixed size in an extendible hash index, everything
// else encoded in arenas. Neither has pointers, so the garbage collector never scans state.
package table

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// Table is a [state.Backend] in memory.
type Table[K any] struct {
	core
	packer packer[K]
	named  state.Keys[K]
	groups keygroup.Range
	// maxGroups is the job's number of key groups.
	maxGroups int
	// whole says that the index does not divide its entries by key group.
	whole bool
	// prepared is the batch of the last Prepare, single that of a Seek, batched that of an Upsert under way.
	prepared, single batch
	batched          *batch
	keys             []K
	key              [1]K
	hash             [1]uint64
	// at is the position of the current key in keys, alone or lazy otherwise.
	at   int
	scan scanning
	// marking is nil before the first mark, capture if none is under way.
	marking *marking[K]
	capture *tableCapture[K]
}

const (
	// alone says that the current key is in key, lazy that it is where current says.
	alone = -1 - iota
	lazy
)

var _ state.Backend[string] = (*Table[string])(nil)

// New returns a table for the keys of the given groups, of maxParallelism in all.
func New[K any](keys state.Keys[K], groups keygroup.Range, maxParallelism int) *Table[K] {
	t := &Table[K]{packer: newPacker(keys.Codec), named: keys, groups: groups, maxGroups: maxParallelism, batched: new(batch)}
	t.form = t.packer.form
	t.keyBytes = uintptr(t.packer.words * 8)
	return t
}

// Open lays out the entries.
func (t *Table[K]) Open(descriptors []state.Descriptor) error {
	if len(descriptors) > state.MaxColumns {
		return fmt.Errorf("%d states in one operator, at most %d are possible: put values that belong together into one struct", len(descriptors), state.MaxColumns)
	}
	t.layOut(descriptors)
	groups := layout{firstGroup: int(t.groups.First), groups: t.groups.Size(), maxGroups: t.maxGroups}
	t.open(groups, newSpares())
	return nil
}

// layOut places the columns in an entry.
func (t *Table[K]) layOut(descriptors []state.Descriptor) {
	offset := uintptr(headerBytes)
	for i, d := range descriptors {
		words := 1
		if d.Inline > 0 {
			words = (d.Inline + 7) / 8
		}
		t.columns = append(t.columns, column{
			name: d.Name, kind: d.Kind, inline: d.Inline > 0, offset: offset, words: words, present: 1 << i,
			number: d.Number, transcoder: d.Transcoder, check: state.NewCheck(d),
		})
		offset += uintptr(words * 8)
	}
	t.entryBytes = t.keyBytes + offset
}

// open makes the indexes of entries, in the groups of a layout, and of the maps' pairs.
func (t *Table[K]) open(l layout, spare *spares) {
	t.cursor.Epoch = 1 << 16 // so that the header of an entry in use is never 0
	l.keyWords, l.hashWord, l.hashShift = t.packer.words, t.packer.words, hashShift
	l.stride = int(t.entryBytes)
	t.index = newIndex(l, spare)
	if slices.ContainsFunc(t.columns, func(c column) bool { return c.kind == kindMap }) {
		t.pairs = newPairs(spare)
	}
}

// Value gives access to a column of values.
func (t *Table[K]) Value(c state.Column) state.ValueCell {
	col := &t.columns[c]
	switch {
	case col.kind == state.KindList || col.kind == state.KindMap:
		panic(wrongKind(col, "value"))
	case col.inline:
		return &inlineCell{&t.core, col}
	}
	return &bytesCell{&t.core, col}
}

// List gives access to a column of lists.
func (t *Table[K]) List(c state.Column) state.ListCell {
	col := &t.columns[c]
	if col.kind != state.KindList {
		panic(wrongKind(col, "list"))
	}
	return &listCell{core: &t.core, col: col}
}

// Map gives access to a column of maps.
func (t *Table[K]) Map(c state.Column) state.MapCell {
	col := &t.columns[c]
	if col.kind != state.KindMap {
		panic(wrongKind(col, "map"))
	}
	return &mapCell{&t.core, col}
}

func wrongKind(col *column, wanted string) string {
	return fmt.Sprintf("state %q is a %s, used as a %s", col.name, col.kind, wanted)
}

// Prepare guesses the entries of a batch.
func (t *Table[K]) Prepare(keys []K, hashes []uint64) {
	t.leave()
	t.keys = keys
	t.packer.pack(keys, hashes, &t.prepared)
	if cap(t.index.watched) < len(keys) {
		t.index.watched = make([]unsafe.Pointer, max(2*len(keys), 1024))
	}
	t.index.watched = t.index.watched[:len(keys)]
	t.guess(&t.prepared, t.index.watched)
}

// SeekAt makes a key of the prepared batch current.
func (t *Table[K]) SeekAt(i int) {
	if t.emptied {
		t.leave()
	}
	t.at = i
	words := t.packer.words
	t.current.key.words = &t.prepared.words[i*words]
	t.current.hash = t.prepared.hashes[i]
	t.current.set = true
	t.cursor.Entry = nil
	if i < len(t.index.watched) {
		// Entries may have moved within their segment since: the guess is checked, whatever is there.
		entry := t.index.watched[i]
		if t.form == oneWord && *(*uint64)(entry) == *t.current.key.words && *(*uint64)(unsafe.Add(entry, 8))&state.PresentMask != 0 {
			t.cursor.Entry = unsafe.Add(entry, 8)
			return
		}
	}
	t.seek(i)
}

func (t *Table[K]) seek(i int) {
	t.current.key = t.prepared.key(i, t.packer.words)
	if i < len(t.index.watched) {
		entry := t.index.watched[i]
		if header := t.header(entry); *header&state.PresentMask != 0 && t.same(entry, t.current.key) {
			t.cursor.Entry = unsafe.Pointer(header)
			return
		}
	}
	if entry := t.find(t.current.key, t.current.hash); entry != nil {
		t.cursor.Entry = unsafe.Add(entry, t.keyBytes)
	}
}

// Seek makes a key current.
func (t *Table[K]) Seek(key K, hash uint64) {
	t.leave()
	t.key[0], t.hash[0] = key, hash
	t.at = alone
	t.packer.pack(t.key[:], t.hash[:], &t.single)
	t.current = current{t.single.key(0, t.packer.words), hash, true}
	if entry := t.find(t.current.key, hash); entry != nil {
		t.cursor.Entry = unsafe.Add(entry, t.keyBytes)
	}
}

// CurrentKey returns the current key.
func (t *Table[K]) CurrentKey() K {
	if !t.current.set {
		panic("keyed state: no key is current")
	}
	if t.at >= 0 {
		return t.keys[t.at]
	}
	if t.at == lazy {
		t.key[0], t.at = t.unpacked(unsafe.Slice(t.current.key.words, t.packer.words)), alone
	}
	return t.key[0]
}

// unpacked returns the key in an entry's words.
func (t *Table[K]) unpacked(words []uint64) K {
	key, err := t.packer.unpack(words, t.longKey)
	if err != nil {
		panic(&state.Failure{Action: "decode a key of", Cause: err})
	}
	return key
}

// Upsert finds or creates the entries of a batch.
func (t *Table[K]) Upsert(c state.Column, keys []K, hashes []uint64, cells []unsafe.Pointer, fresh []bool) {
	col := &t.columns[c]
	if !col.inline {
		panic(wrongHalf(col, "encoded"))
	}
	t.leave()
	t.packer.pack(keys, hashes, t.batched)
	t.upsert(col, t.batched, cells, fresh)
}

// Len is the number of keys.
func (t *Table[K]) Len() int64 {
	n := t.index.entries
	if t.emptied && *(*uint64)(t.cursor.Entry)&state.PresentMask == 0 {
		n--
	}
	return n
}

// Bytes is the memory of entries, arenas and directories.
func (t *Table[K]) Bytes() int64 { return t.held() + t.index.spare.bytes }

func (t *Table[K]) held() int64 {
	n := t.index.held() + t.arena.held()
	if t.pairs.index != nil {
		n += t.pairs.index.held()
	}
	return n
}

// Close gives all memory back.
func (t *Table[K]) Close() { *t = Table[K]{} }
