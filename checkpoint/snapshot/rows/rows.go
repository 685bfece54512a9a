// Package rows gathers changes of keyed state, in any order, for a sorted table of a snapshot.
package rows

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// Rows is a buffer of changes: entries that are set or deleted, and ranges of keys that are deleted as a whole. A deleted range is
// about what older tables have: entries that are set in the same buffer stay, before or after.
//
//	empty --Set, Delete, DeleteRange--> filled --Sort--> sorted --Each, Ranges--> ...
//
// One goroutine owns it at a time; whoever fills it hands it over when it is filled. The zero value is empty.
type Rows struct {
	chunks [][]byte
	rows   []row
	ranges []Range
	bytes  int64
	sorted bool
}

// Range is the keys from From on and before To.
type Range struct{ From, To []byte }

// row is one change. Its key is at the beginning of its bytes, its value behind.
type row struct {
	// head and next are the first 12 bytes of the key, filled up with zeros.
	next   uint64
	head   uint32
	chunk  uint32
	at     uint32
	key    uint32
	value  uint32
	delete bool
}

const (
	leastChunk = 4 << 10
	mostChunk  = 1 << 20
	rowBytes   = 40
)

// Set sets an entry. Both are copied.
func (r *Rows) Set(key, value []byte) { r.add(key, value, false) }

// Delete deletes an entry, which need not be there. The key is copied.
func (r *Rows) Delete(key []byte) { r.add(key, nil, true) }

// DeleteRange deletes the entries that older tables have in a range of keys. The keys are copied. An empty range is left out.
func (r *Rows) DeleteRange(from, to []byte) {
	if bytes.Compare(from, to) >= 0 {
		return
	}
	r.ranges = append(r.ranges, Range{slices.Clone(from), slices.Clone(to)})
	r.bytes += int64(len(from) + len(to))
	r.sorted = false
}

func (r *Rows) add(key, value []byte, deleted bool) {
	chunk := r.room(len(key) + len(value))
	c := &r.chunks[chunk]
	at := len(*c)
	*c = append(append(*c, key...), value...)
	head, next := first(key)
	r.rows = append(r.rows, row{
		head: head, next: next, chunk: uint32(chunk), at: uint32(at), key: uint32(len(key)), value: uint32(len(value)), delete: deleted,
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
func (r *Rows) Len() int { return len(r.rows) }

// Empty reports whether there is nothing in it.
func (r *Rows) Empty() bool { return len(r.rows)+len(r.ranges) == 0 }

// Bytes is the memory held, about.
func (r *Rows) Bytes() int64 { return r.bytes }

// Take adds all that other has, as if it came now, and leaves it empty. Little is copied.
func (r *Rows) Take(other *Rows) {
	base := uint32(len(r.chunks))
	r.chunks = append(r.chunks, other.chunks...)
	if len(r.rows) == 0 {
		r.rows = other.rows
	} else {
		r.rows = append(r.rows, other.rows...)
	}
	for i := len(r.rows) - len(other.rows); base > 0 && i < len(r.rows); i++ {
		r.rows[i].chunk += base
	}
	r.ranges = append(r.ranges, other.ranges...)
	r.bytes += other.bytes
	r.sorted = false
	*other = Rows{}
}

// Sort brings the changes in order of their keys, and keeps the last of each.
func (r *Rows) Sort() {
	if r.sorted {
		return
	}
	slices.SortFunc(r.rows, r.compare)
	r.rows = slices.CompactFunc(r.rows, func(newer, older row) bool {
		return newer.head == older.head && newer.next == older.next && bytes.Equal(r.key(&newer), r.key(&older))
	})
	r.joinRanges()
	r.sorted = true
}

// Compact sorts, and gives back the memory of changes that do not count any more.
func (r *Rows) Compact() {
	r.Sort()
	compact := Rows{ranges: r.ranges, sorted: true}
	for i := range r.rows {
		w := &r.rows[i]
		from, to := w.at+w.key, w.at+w.key+w.value
		compact.add(r.key(w), r.chunks[w.chunk][from:to], w.delete)
	}
	for _, deleted := range r.ranges {
		compact.bytes += int64(len(deleted.From) + len(deleted.To))
	}
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
}

func (r *Rows) key(w *row) []byte {
	return r.chunks[w.chunk][w.at : w.at+w.key : w.at+w.key]
}

// Each calls set and deleted with the changes in ascending order of their keys, until one returns an error, which it returns. The rows
// are sorted. The bytes are valid as long as the rows.
func (r *Rows) Each(set func(key, value []byte) error, deleted func(key []byte) error) error {
	for i := range r.rows {
		w := &r.rows[i]
		var err error
		if w.delete {
			err = deleted(r.key(w))
		} else {
			from, to := w.at+w.key, w.at+w.key+w.value
			err = set(r.key(w), r.chunks[w.chunk][from:to:to])
		}
		if err != nil {
			return err
		}
	}
	return nil
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
