package pebble

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// settle gives the current key an entry, to which Pebble's part is yet unknown, unless there is none. It reports whether a key is
// current.
func (b *Backend[K]) settle() bool {
	if b.hot.Resident() {
		return true
	}
	if !b.hot.Current() {
		return false // the table's cell has something to say about that
	}
	b.hot.Settle()
	if b.cold && b.noted && !b.absent() {
		note := b.hot.Note()
		for i := range b.columns {
			*note |= unknown(state.Column(i)) | stored(state.Column(i))
		}
	}
	return true
}

// absent reports whether it is known that Pebble has nothing of the current key.
func (b *Backend[K]) absent() bool { return b.written.lacks(b.mark(b.hot.CurrentHash())) }

// know reads the current key's value in a column, unless the table has it or it is known that there is none.
func (b *Backend[K]) know(c *column) {
	if !b.cold {
		return
	}
	if b.hot.Resident() {
		if !b.noted || *b.hot.Note()&unknown(c.at) == 0 {
			return
		}
	} else if !b.settle() {
		return
	}
	if b.missed > 0 {
		b.lazily[c.at]++
	}
	if b.noted && *b.hot.Note()&unknown(c.at) == 0 || !b.noted && b.absent() {
		return // the entry is new, and so is the key
	}
	b.row = b.appendRow(b.row[:0], c)
	if !b.db.get(b.row, b.written.seldom(), func(value []byte) { b.fill(c, value) }) {
		b.known(c, false)
	}
}

// fill puts a value from Pebble into the current entry.
func (b *Backend[K]) fill(c *column, value []byte) {
	b.hot.Fill(func() {
		if !c.inline {
			c.value.StoreBytes(value)
			return
		}
		p, _ := c.value.Store()
		rest, err := c.Transcoder.Decode(value, p)
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("%d bytes after the value", len(rest))
		}
		if err != nil {
			panic(&state.Failure{State: c.Name, Action: "decode", Cause: err})
		}
	})
	b.known(c, true)
}

// known notes what Pebble was found to have in a column.
func (b *Backend[K]) known(c *column, has bool) {
	b.written.looked(has)
	if b.noted {
		note := b.hot.Note()
		*note &^= unknown(c.at) | stored(c.at)
		if has {
			*note |= stored(c.at)
		}
	}
}

// wanted is the rows that a batch lacks.
type wanted struct {
	bytes []byte
	rows  []wantedRow
}

type wantedRow struct {
	first, second uint64
	at, end       int
	// index is that of the key in the batch.
	index int
}

// fetch reads the rows of the missing keys of a batch, in order of the rows. seek makes a key of the batch current.
func (b *Backend[K]) fetch(c *column, keys []K, hashes []uint64, missing []int, seek func(i int)) {
	w := &b.wanted
	w.bytes, w.rows = w.bytes[:0], w.rows[:0]
	for _, i := range missing {
		at := len(w.bytes)
		w.bytes = b.appendRowOf(w.bytes, c, &keys[i], hashes[i])
		var first [16]byte
		copy(first[:], w.bytes[at:])
		w.rows = append(w.rows, wantedRow{binary.BigEndian.Uint64(first[:]), binary.BigEndian.Uint64(first[8:]), at, len(w.bytes), i})
	}
	slices.SortFunc(w.rows, func(x, y wantedRow) int {
		if x.first != y.first {
			return cmpUint(x.first, y.first)
		}
		if x.second != y.second {
			return cmpUint(x.second, y.second)
		}
		return bytes.Compare(w.bytes[x.at:x.end], w.bytes[y.at:y.end])
	})
	it := b.db.lookup(b.written.seldom(), len(w.rows))
	for i := range w.rows {
		row := &w.rows[i]
		seek(row.index)
		if b.hot.Resident() && (!b.noted || *b.hot.Note()&unknown(c.at) == 0) {
			continue // the same key again
		}
		b.settle()
		key := w.bytes[row.at:row.end]
		if it.SeekPrefixGE(key) && bytes.Equal(it.Key(), key) {
			b.fill(c, valueOf(it))
			continue
		}
		if err := it.Error(); err != nil {
			fail("read", err)
		}
		b.known(c, false)
	}
	b.hot.Leave()
}

// divide returns those of the missing keys of a batch of which Pebble may have something, and leaves the others in fresh.
func (b *Backend[K]) divide(hashes []uint64, missing []int) []int {
	b.fresh = b.fresh[:0]
	others := missing[:0]
	b.marks = b.marks[:0]
	for _, i := range missing {
		b.marks = append(b.marks, b.mark(hashes[i]))
	}
	b.written.touch(b.marks)
	for at, i := range missing {
		if b.written.lacks(b.marks[at]) {
			b.fresh = append(b.fresh, i)
		} else {
			others = append(others, i)
		}
	}
	b.marks = b.marks[:0]
	return others
}

func cmpUint(a, b uint64) int {
	if a < b {
		return -1
	}
	return 1
}

// prefetch reads, for the keys of the prepared batch that have no entry, the columns of values that most such keys were
// asked for before.
func (b *Backend[K]) prefetch(keys []K, hashes []uint64) {
	for i, n := range b.lazily {
		if 2*n > b.missed {
			b.eager |= 1 << i
		}
		b.lazily[i] = 0
	}
	b.missing = b.hot.Missing(b.missing[:0])
	b.missed = len(b.missing)
	if b.missed == 0 || b.eager == 0 {
		return
	}
	b.missing = b.divide(hashes, b.missing)
	for _, i := range b.fresh {
		b.hot.SeekAt(i)
		b.settle()
	}
	b.hot.Leave()
	if len(b.missing) == 0 {
		return
	}
	for i := range b.columns {
		if c := &b.columns[i]; b.eager&(1<<i) != 0 && c.value != nil {
			b.fetch(c, keys, hashes, b.missing, b.hot.SeekAt)
		}
	}
}

// pairPrefix is the key of the current key's row in a column without the map's key, valid until the next row is made.
func (b *Backend[K]) pairPrefix(c *column) []byte {
	b.row = b.appendRow(b.row[:0], c)
	return b.row
}

// after returns the least bytes that are greater than all that begin with prefix, nil if there are none.
func after(prefix []byte) []byte {
	end := slices.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// groupEnd is the prefix of the rows behind those of a group.
func groupEnd(group uint16) []byte {
	return binary.BigEndian.AppendUint32(nil, (uint32(group)+1)<<16)
}

// own returns the hash of a key from outside, which must belong to the key group and that to the subtask.
func (b *Backend[K]) own(key *[1]K, group uint16) (uint64, error) {
	var hash [1]uint64
	if err := b.keys.HashesOf(key[:], hash[:]); err != nil {
		return 0, err
	}
	o := &b.db.options
	if actual := keygroup.Group(hash[0], o.MaxParallelism); actual != group || !o.Groups.Contains(group) {
		return 0, fmt.Errorf("it stands in key group %d, its key belongs to %d, and this subtask owns %s", group, actual, o.Groups)
	}
	return hash[0], nil
}
