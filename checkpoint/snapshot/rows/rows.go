// Package rows gathers changes of keyed state, in any order, for a sorted table of a snapshot.
package rows

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// Rows is a buffer of changes, in the order in which they happened: entries that are set, deleted, or continued, and ranges of keys that are
// deleted as a whole. What is set after its range was deleted stays.
//
//	empty --Set, Delete, Merge, DeleteRange, Over--> filled --Sort--> sorted --Entry, Ranges--> ... --Release--> empty
//
// One goroutine owns it at a time; whoever fills it hands it over when it is filled. The zero value is empty.
type Rows struct {
	chunks [][]byte
	// blocks are those that are full, rows the one that is filled; sorted rows are all in rows.
	blocks [][]row
	rows   []row
	ranges []Range
	bytes  int64
	sorted bool
	below  []Source
	runs   []Run
}

// Range is the keys from From on and before To.
type Range struct {
	From, To []byte
	// chunk and at are where the next row's bytes were to come: rows before that are older.
	chunk, at uint32
}

// Kind says what a change does to an entry.
type Kind uint8

const (
	// Set gives it a value.
	Set Kind = iota
	// Delete removes it.
	Delete
	// Merge puts bytes behind its value, or gives it that value if there is none.
	Merge
)

// Run is a table of changes, in a file or in memory.
type Run struct {
	Path  string
	Bytes []byte
	// Entries are what it has, about.
	Entries int
	// Done is called when it is not needed any more.
	Done func()
}

// Source is entries that stand in a store, of which the rows are changes: those that have happened since the entries were as they are,
// but for deleted ranges, which the store knows of.
type Source interface {
	// Open returns a cursor before the first entry. Any goroutine may call it.
	Open() (Cursor, error)
	// Release gives the entries up, and all cursors. After that it does nothing.
	Release()
}

// Cursor passes through entries in ascending order of their keys.
type Cursor interface {
	// Next moves on. The bytes are valid until the next call.
	Next() (key, value []byte, ok bool, err error)
	Close() error
}

// row is one change. Its key is at the beginning of its bytes, its value behind.
type row struct {
	// head and next are the first 12 bytes of the key, filled up with zeros.
	next  uint64
	head  uint32
	chunk uint32
	at    uint32
	key   uint32
	value uint32
	kind  Kind
}

const (
	leastChunk = 4 << 10
	mostChunk  = 256 << 10
	// mostBlock is how many rows a block has: none is ever copied to a larger one while whoever fills the rows holds up others.
	mostBlock = 4 << 10
	rowBytes  = 40
)

// Set sets an entry. Both are copied.
func (r *Rows) Set(key, value []byte) { r.add(key, value, Set) }

// Delete deletes an entry, which need not be there. The key is copied.
func (r *Rows) Delete(key []byte) { r.add(key, nil, Delete) }

// Merge puts bytes behind an entry's value. Both are copied.
func (r *Rows) Merge(key, value []byte) { r.add(key, value, Merge) }

// DeleteRange deletes the entries that there are in a range of keys, older tables included. The keys are copied. An empty range is left out.
func (r *Rows) DeleteRange(from, to []byte) {
	if bytes.Compare(from, to) >= 0 {
		return
	}
	deleted := Range{From: slices.Clone(from), To: slices.Clone(to)}
	deleted.chunk, deleted.at = r.end()
	r.ranges = append(r.ranges, deleted)
	r.bytes += int64(len(from) + len(to))
	r.sorted = false
}

// end is where the next row's bytes come, or before it.
func (r *Rows) end() (chunk, at uint32) {
	if last := len(r.chunks) - 1; last >= 0 {
		return uint32(last), uint32(len(r.chunks[last]))
	}
	return 0, 0
}

// Over adds what the rows are changes of.
func (r *Rows) Over(source Source) { r.below = append(r.below, source) }

// Behind makes the rows those behind a run: what is in it happened before all changes of the same keys that are in the rows, and after those
// of earlier runs.
func (r *Rows) Behind(run Run) { r.runs = append(r.runs, run) }

// Runs are what was given to Behind.
func (r *Rows) Runs() []Run { return r.runs }

// Cut returns the changes that are in the buffer, and leaves it with its runs and sources only.
func (r *Rows) Cut() *Rows {
	cut := *r
	cut.below, cut.runs = nil, nil
	*r = Rows{below: r.below, runs: r.runs}
	return &cut
}

// Sources are what was given to Over.
func (r *Rows) Sources() []Source { return r.below }

// Release empties the rows and gives up their sources.
func (r *Rows) Release() {
	for _, source := range r.below {
		source.Release()
	}
	for _, run := range r.runs {
		run.Done()
	}
	*r = Rows{}
}

func (r *Rows) add(key, value []byte, kind Kind) {
	chunk := r.room(len(key) + len(value))
	c := &r.chunks[chunk]
	at := len(*c)
	*c = append(append(*c, key...), value...)
	head, next := first(key)
	if len(r.rows) >= mostBlock && len(r.rows) == cap(r.rows) {
		r.blocks = append(r.blocks, r.rows)
		r.rows = make([]row, 0, mostBlock)
	}
	r.rows = append(r.rows, row{
		head: head, next: next, chunk: uint32(chunk), at: uint32(at), key: uint32(len(key)), value: uint32(len(value)), kind: kind,
	})
	r.bytes += int64(len(key)+len(value)) + rowBytes
	r.sorted = false
}

// first is the first 12 bytes of a key as numbers.
func first(key []byte) (head uint32, next uint64) {
	if len(key) < 12 {
		var padded [12]byte
		copy(padded[:], key)
		key = padded[:]
	}
	return binary.BigEndian.Uint32(key), binary.BigEndian.Uint64(key[4:])
}

// room returns the number of the last chunk, which has room for n bytes.
func (r *Rows) room(n int) int {
	last := len(r.chunks) - 1
	if last >= 0 && cap(r.chunks[last])-len(r.chunks[last]) >= n {
		return last
	}
	size := leastChunk
	if last >= 0 {
		size = min(2*cap(r.chunks[last]), mostChunk)
	}
	r.chunks = append(r.chunks, make([]byte, 0, max(size, n)))
	return last + 1
}

// Len is the number of entries set and deleted, each as often as it was.
func (r *Rows) Len() int {
	n := len(r.rows)
	for _, block := range r.blocks {
		n += len(block)
	}
	return n
}

// Empty reports whether there is nothing in it.
func (r *Rows) Empty() bool {
	return len(r.blocks)+len(r.rows)+len(r.ranges)+len(r.below)+len(r.runs) == 0
}

// Bytes is the memory held, about.
func (r *Rows) Bytes() int64 { return r.bytes }

// Take adds all that other has, as if it came now, and leaves it empty. Little is copied. If other has runs, there is nothing in the rows yet of what
// they have changes of.
func (r *Rows) Take(other *Rows) {
	base := uint32(len(r.chunks))
	r.chunks = append(r.chunks, other.chunks...)
	for _, block := range append(slices.Clip(other.blocks), other.rows) {
		for i := 0; base > 0 && i < len(block); i++ {
			block[i].chunk += base
		}
	}
	if len(r.rows) > 0 {
		r.blocks = append(r.blocks, r.rows)
	}
	r.blocks = append(r.blocks, other.blocks...)
	r.rows = other.rows
	last, end := r.end()
	for _, deleted := range other.ranges {
		if deleted.chunk += base; len(other.chunks) == 0 {
			deleted.chunk, deleted.at = last, end
		}
		r.ranges = append(r.ranges, deleted)
	}
	r.below = append(r.below, other.below...)
	r.runs = append(r.runs, other.runs...)
	r.bytes += other.bytes
	r.sorted = false
	*other = Rows{}
}

// Sort brings the changes in order of their keys, and keeps one of each, which says what all of them did.
func (r *Rows) Sort() {
	if r.sorted {
		return
	}
	r.flatten()
	slices.SortFunc(r.rows, r.compare)
	r.dropDeleted()
	r.unite()
	r.joinRanges()
	r.sorted = true
}

// flatten makes one of all blocks.
func (r *Rows) flatten() {
	if len(r.blocks) == 0 {
		return
	}
	all := make([]row, 0, r.Len())
	for i, block := range r.blocks {
		all = append(all, block...)
		r.blocks[i] = nil
	}
	r.rows, r.blocks = append(all, r.rows...), nil
}

// dropDeleted leaves out what was set in ranges before they were deleted. The rows are in order.
func (r *Rows) dropDeleted() {
	gone := map[row]bool{}
	for _, deleted := range r.ranges {
		from, _ := slices.BinarySearchFunc(r.rows, deleted.From, r.before)
		for i := from; i < len(r.rows); i++ {
			w := &r.rows[i]
			if bytes.Compare(r.key(w), deleted.To) >= 0 {
				break
			}
			if w.chunk < deleted.chunk || w.chunk == deleted.chunk && w.at < deleted.at {
				gone[*w] = true
			}
		}
	}
	if len(gone) > 0 {
		r.rows = slices.DeleteFunc(r.rows, func(w row) bool { return gone[w] })
	}
}

// before compares for a search of the first row with a key that is not less than one.
func (r *Rows) before(w row, key []byte) int {
	if bytes.Compare(r.key(&w), key) < 0 {
		return -1
	}
	return 1
}

// unite makes one row of those of a key, which are in order, the latest first.
func (r *Rows) unite() {
	kept := r.rows[:0]
	for at := 0; at < len(r.rows); {
		end := at + 1
		for end < len(r.rows) && r.sameKey(&r.rows[at], &r.rows[end]) {
			end++
		}
		w := r.rows[at]
		if w.kind == Merge && end > at+1 {
			w = r.joined(r.rows[at:end])
		}
		kept = append(kept, w)
		at = end
	}
	clear(r.rows[len(kept):])
	r.rows = kept
}

func (r *Rows) sameKey(a, b *row) bool {
	return a.head == b.head && a.next == b.next && bytes.Equal(r.key(a), r.key(b))
}

// joined is the row of what a key's rows, the latest of which continues a value, come to.
func (r *Rows) joined(rows []row) row {
	kind, parts := Merge, 0
	for parts < len(rows) && kind == Merge {
		kind = rows[parts].kind
		parts++
	}
	if kind == Delete {
		kind = Set // of what comes behind it
	}
	var value []byte
	for i := parts - 1; i >= 0; i-- {
		value = append(value, r.value(&rows[i])...)
	}
	w := rows[0]
	key := r.key(&w)
	chunk := r.room(len(key) + len(value))
	w.chunk, w.at, w.value, w.kind = uint32(chunk), uint32(len(r.chunks[chunk])), uint32(len(value)), kind
	r.chunks[chunk] = append(append(r.chunks[chunk], key...), value...)
	return w
}

// Compact sorts, and gives back the memory of changes that do not count any more.
func (r *Rows) Compact() {
	r.Sort()
	compact := Rows{ranges: r.ranges, below: r.below, runs: r.runs}
	for i := range r.rows {
		w := &r.rows[i]
		compact.add(r.key(w), r.value(w), w.kind)
	}
	for _, deleted := range r.ranges {
		compact.bytes += int64(len(deleted.From) + len(deleted.To))
	}
	compact.flatten()
	compact.sorted = true
	*r = compact
}

// compare orders by key, and of one key the latest change first.
func (r *Rows) compare(a, b row) int {
	if a.head != b.head {
		return cmp.Compare(a.head, b.head)
	}
	if a.next != b.next {
		return cmp.Compare(a.next, b.next)
	}
	if c := bytes.Compare(r.key(&a), r.key(&b)); c != 0 {
		return c
	}
	if a.chunk != b.chunk {
		return cmp.Compare(b.chunk, a.chunk)
	}
	return cmp.Compare(b.at, a.at)
}

// joinRanges makes the ranges ascend without overlapping or touching.
func (r *Rows) joinRanges() {
	slices.SortFunc(r.ranges, func(a, b Range) int { return bytes.Compare(a.From, b.From) })
	joined := r.ranges[:0]
	for _, next := range r.ranges {
		if n := len(joined); n > 0 && bytes.Compare(next.From, joined[n-1].To) <= 0 {
			if bytes.Compare(next.To, joined[n-1].To) > 0 {
				joined[n-1].To = next.To
			}
			continue
		}
		joined = append(joined, next)
	}
	clear(r.ranges[len(joined):])
	r.ranges = joined
	for i := range r.ranges { // what they delete of these rows is not there any more
		r.ranges[i].chunk, r.ranges[i].at = 0, 0
	}
}

func (r *Rows) key(w *row) []byte {
	return r.chunks[w.chunk][w.at : w.at+w.key : w.at+w.key]
}

func (r *Rows) value(w *row) []byte {
	from, to := w.at+w.key, w.at+w.key+w.value
	return r.chunks[w.chunk][from:to:to]
}

// Entry is change i of the sorted rows, counted in ascending order of the keys. The bytes are valid as long as the rows.
func (r *Rows) Entry(i int) (key, value []byte, kind Kind) {
	w := &r.rows[i]
	return r.key(w), r.value(w), w.kind
}

// Ranges are the deleted ranges; once the rows are sorted they ascend without overlapping.
func (r *Rows) Ranges() []Range { return r.ranges }

// After returns the least key that is greater than all keys that begin with prefix; nil if there is none.
func After(prefix []byte) []byte {
	after := slices.Clone(prefix)
	for i := len(after) - 1; i >= 0; i-- {
		if after[i]++; after[i] != 0 {
			return after[:i+1]
		}
	}
	return nil
}
