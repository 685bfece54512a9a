package pebble

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	changes "github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// prefixBytes is the length of the key group and the state's number at the front of an entry's key.
const prefixBytes = 4

// groupsAtOnce is how many key groups' entries of memory an export sorts at once.
const groupsAtOnce = 16

// Export writes the entries. As long as the table has all, it sorts those of one key group after the other; else it reads Pebble's together
// with what is to be written there yet.
func (b *Backend[K]) Export(groups keygroup.Range, put func(key, value []byte) error) error {
	common, ok := b.db.options.Groups.Intersect(groups)
	if !ok {
		return nil
	}
	key, hash, current := b.current()
	if current {
		defer func() { b.hot.Seek(key, hash) }()
	}
	if b.cold {
		return exportStored(b.db, common, b.numbers(), put, b.peek)
	}
	for group := int(common.First); group <= int(common.Last); group++ {
		if err := b.exportHot(keygroup.Range{First: uint16(group), Last: uint16(group)}, put); err != nil {
			return err
		}
	}
	return nil
}

// exportStored writes what Pebble has together with the changes that peek adds.
func exportStored(db *Database, groups keygroup.Range, numbers []uint16, put func(key, value []byte) error, peek func(groups keygroup.Range, to *changes.Rows)) error {
	for first := int(groups.First); first <= int(groups.Last); first += groupsAtOnce {
		some := keygroup.Range{First: uint16(first), Last: uint16(min(first+groupsAtOnce-1, int(groups.Last)))}
		var rows changes.Rows
		peek(some, &rows)
		rows.Over(db.freeze(some, numbers))
		err := sstable.ReadRows(&rows, put)
		rows.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// peek adds to rows what entries of the table are to write to Pebble, and leaves them as they are.
func (b *Backend[K]) peek(groups keygroup.Range, to *changes.Rows) {
	rows := &b.db.rows
	b.peeking, rows.logs = true, []*changes.Rows{to}
	defer func() { b.peeking, rows.logs = false, nil }()
	b.hot.EachEntry(groups, func() {
		switch {
		case !b.cold:
			b.copyRows()
		case b.hot.Changed():
			b.gatherColumns()
		}
		rows.reset()
	})
}

// exportHot writes the entries of some groups from the table, which has all there is.
func (b *Backend[K]) exportHot(groups keygroup.Range, put func(key, value []byte) error) error {
	rows := &b.db.rows
	rows.write(b.db) // nothing, but for a failure in between
	defer rows.reset()
	b.hot.EachEntry(groups, b.copyRows)
	rows.sort()
	for i := range rows.rows {
		row := &rows.rows[i]
		if err := put(rows.key(row), rows.bytes[row.value:row.end]); err != nil {
			return err
		}
	}
	return nil
}

// copyRows adds the rows of the current entry, of which Pebble has nothing.
func (b *Backend[K]) copyRows() {
	r := &b.db.rows
	for i := range b.columns {
		c := &b.columns[i]
		if !b.hot.Has(c.at) {
			continue
		}
		at := len(r.bytes)
		if c.Kind == state.KindMap {
			b.copyPairs(c)
			continue
		}
		r.bytes = b.appendRow(r.bytes, c)
		value := len(r.bytes)
		if c.Kind == state.KindList {
			r.bytes = appendChunks(r.bytes, c.list)
		} else {
			r.bytes = b.appendValue(r.bytes, c)
		}
		r.add(set, at, value)
	}
}

func (b *Backend[K]) copyPairs(c *column) {
	r := &b.db.rows
	b.row = b.appendRow(b.row[:0], c)
	c.pairs.Each(func(key, value []byte) bool {
		at := len(r.bytes)
		r.bytes = append(append(r.bytes, b.row...), key...)
		end := len(r.bytes)
		r.bytes = append(r.bytes, value[1:]...)
		r.add(set, at, end)
		return true
	})
}

// byNumber returns the columns in order of their states' numbers.
func (b *Backend[K]) byNumber() []*column {
	columns := make([]*column, len(b.columns))
	for i := range b.columns {
		columns[i] = &b.columns[i]
	}
	slices.SortFunc(columns, func(a, b *column) int { return int(a.Number) - int(b.Number) })
	return columns
}

// Import adds an entry of a snapshot to the table, without reading what is there.
func (b *Backend[K]) Import(key, value []byte) error {
	if len(key) < prefixBytes {
		return fmt.Errorf("the entry's key %x is too short for a key group and a state", key)
	}
	group, number := binary.BigEndian.Uint16(key), binary.BigEndian.Uint16(key[2:])
	i := slices.IndexFunc(b.columns, func(c column) bool { return c.Number == number })
	if i < 0 {
		return fmt.Errorf("entry %x is of state number %d, which is not one of this operator's", key, number)
	}
	err := b.importRow(&b.columns[i], group, key[prefixBytes:], value)
	b.hot.Leave()
	if err != nil {
		return fmt.Errorf("state %q: entry %x: %w", b.columns[i].Name, key, err)
	}
	return nil
}

// importRow adds a value under an encoded key, which that of a map follows; a pane's was taken off.
func (b *Backend[K]) importRow(c *column, group uint16, encoded, value []byte) error {
	var key [1]K
	rest, err := b.keys.Codec.Decode(encoded, &key[0])
	if err != nil {
		return err
	}
	if len(rest) > 0 && c.Kind != state.KindMap {
		return fmt.Errorf("%d bytes after the key", len(rest))
	}
	if canonical := b.keys.Codec.Append(b.row[:0], &key[0]); !bytes.Equal(canonical, encoded[:len(encoded)-len(rest)]) {
		return errors.New("the key is not encoded as it should be")
	}
	hash, err := b.own(&key, group)
	if err != nil {
		return err
	}
	if err := b.checkValue(c, value); err != nil {
		return err
	}
	b.Seek(key[0], hash)
	b.settle()
	switch {
	case c.Kind == state.KindMap:
		(&mapCell[K]{b, c}).Put(rest, value)
	case c.Kind == state.KindList:
		(&listCell[K]{b, c}).Append(value)
	case c.inline:
		return b.importInline(c, value)
	default:
		(&bytesCell[K]{b, c}).StoreBytes(value)
	}
	return nil
}

// checkValue reports an error if a value from outside is not whole; that of inline columns is decoded at once.
func (b *Backend[K]) checkValue(c *column, value []byte) error {
	switch {
	case c.Kind == state.KindList:
		for rest := value; len(rest) > 0; {
			next, err := c.check.Next(rest)
			if err != nil {
				return err
			}
			if len(next) >= len(rest) {
				return errors.New("an element takes no bytes")
			}
			rest = next
		}
		return nil
	case c.inline:
		return nil
	}
	return c.check.Value(value)
}

func (b *Backend[K]) importInline(c *column, value []byte) error {
	p, _ := c.value.Store()
	rest, err := c.Transcoder.Decode(value, p)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes after the value", len(rest))
	}
	if err != nil {
		c.value.Clear()
	}
	if b.noted {
		*b.hot.Note() &^= unknown(c.at)
	}
	return err
}
