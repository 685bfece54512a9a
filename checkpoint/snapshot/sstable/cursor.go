package sstable

import (
	"bytes"
	"fmt"

	"github.com/cockroachdb/pebble/v2/sstable"

	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
)

// cursor walks through the entries of a table, or of what else has entries in order: rows, or a source of them.
type cursor struct {
	table *Table
	// age counts the tables of the chain from the oldest.
	age     int
	entries sstable.Iterator
	rows    *rows.Rows
	at      int
	source  rows.Cursor
	// from and to bound what counts of the table, nil standing for no bound.
	from, to []byte
	// ranges are the deleted ones that end behind the last key that was asked about.
	ranges []deleted

	key, value []byte
	kind       rows.Kind
}

func (t *Table) cursor(age int, from, to []byte) (*cursor, error) {
	c := &cursor{table: t, age: age, from: from, to: to, ranges: t.ranges}
	if t.reader == nil {
		return c, nil
	}
	if err := t.filter(); err != nil {
		return nil, t.damaged(err)
	}
	entries, err := t.reader.NewIter(sstable.NoTransforms, from, to, sstable.AssertNoBlobHandles)
	if err != nil {
		return nil, t.damaged(err)
	}
	c.entries = entries
	return c, nil
}

// rowsCursor is a cursor of sorted rows.
func rowsCursor(age int, r *rows.Rows) *cursor {
	c := &cursor{age: age, rows: r}
	for _, gone := range r.Ranges() {
		c.ranges = append(c.ranges, deleted{gone.From, gone.To})
	}
	return c
}

// first moves to the first entry, next to the next one; either reports whether there is one.
func (c *cursor) first() (bool, error) {
	if c.entries == nil {
		return c.next()
	}
	entry := c.entries.SeekGE(c.from, 0)
	if entry == nil {
		return false, c.ended()
	}
	value, _, err := entry.Value(nil)
	return c.take(entry.K.UserKey, value, uint8(entry.Kind()), err)
}

func (c *cursor) next() (ok bool, err error) {
	switch {
	case c.entries != nil:
		entry := c.entries.Next()
		if entry == nil {
			return false, c.ended()
		}
		value, _, err := entry.Value(nil)
		return c.take(entry.K.UserKey, value, uint8(entry.Kind()), err)
	case c.source != nil:
		c.key, c.value, ok, err = c.source.Next()
		return ok, err
	case c.rows != nil && c.at < c.rows.Len():
		c.key, c.value, c.kind = c.rows.Entry(c.at)
		c.at++
		return true, nil
	}
	return false, nil
}

func (c *cursor) ended() error {
	if err := c.entries.Error(); err != nil {
		return c.table.damaged(err)
	}
	return nil
}

func (c *cursor) take(key, value []byte, kind uint8, err error) (bool, error) {
	if err != nil {
		return false, c.table.damaged(err)
	}
	switch kind {
	case uint8(sstable.InternalKeyKindSet):
		c.kind = rows.Set
	case uint8(sstable.InternalKeyKindDelete):
		c.kind = rows.Delete
	case uint8(sstable.InternalKeyKindMerge):
		c.kind = rows.Merge
	default:
		return false, c.table.damaged(fmt.Errorf("entry %x is of a kind that does not belong there", key))
	}
	c.key, c.value = key, value
	return true, nil
}

// deletes reports whether the table deletes a range with the key in it. The keys asked about ascend.
func (c *cursor) deletes(key []byte) bool {
	for len(c.ranges) > 0 && bytes.Compare(c.ranges[0].to, key) <= 0 {
		c.ranges = c.ranges[1:]
	}
	return len(c.ranges) > 0 && bytes.Compare(c.ranges[0].from, key) <= 0 &&
		bytes.Compare(c.from, key) <= 0 && (c.to == nil || bytes.Compare(key, c.to) < 0)
}

func (c *cursor) close() error {
	if c.source != nil {
		return c.source.Close()
	}
	if c.entries == nil {
		return nil
	}
	if err := c.entries.Close(); err != nil {
		return c.table.damaged(err)
	}
	return nil
}
