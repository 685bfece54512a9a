package sstable

import (
	"bytes"
	"fmt"

	"github.com/cockroachdb/pebble/v2/sstable"
)

// cursor walks through the entries of a table.
type cursor struct {
	table *Table
	// age counts the tables of the chain from the oldest.
	age     int
	entries sstable.Iterator
	// from and to bound what counts of the table, nil standing for no bound.
	from, to []byte
	// ranges are the deleted ones that end behind the last key that was asked about.
	ranges []deleted

	key, value []byte
	deleted    bool
}

func (t *Table) cursor(age int, from, to []byte) (*cursor, error) {
	c := &cursor{table: t, age: age, from: from, to: to, ranges: t.ranges}
	if t.reader == nil {
		return c, nil
	}
	entries, err := t.reader.NewIter(sstable.NoTransforms, from, to, sstable.AssertNoBlobHandles)
	if err != nil {
		return nil, t.damaged(err)
	}
	c.entries = entries
	return c, nil
}

// first moves to the first entry, next to the next one; either reports whether there is one.
func (c *cursor) first() (bool, error) {
	if c.entries == nil {
		return false, nil
	}
	entry := c.entries.SeekGE(c.from, 0)
	if entry == nil {
		return false, c.ended()
	}
	value, _, err := entry.Value(nil)
	return c.take(entry.K.UserKey, value, entry.Kind() == sstable.InternalKeyKindSet, entry.Kind() == sstable.InternalKeyKindDelete, err)
}

func (c *cursor) next() (bool, error) {
	entry := c.entries.Next()
	if entry == nil {
		return false, c.ended()
	}
	value, _, err := entry.Value(nil)
	return c.take(entry.K.UserKey, value, entry.Kind() == sstable.InternalKeyKindSet, entry.Kind() == sstable.InternalKeyKindDelete, err)
}

func (c *cursor) ended() error {
	if err := c.entries.Error(); err != nil {
		return c.table.damaged(err)
	}
	return nil
}

func (c *cursor) take(key, value []byte, set, deleted bool, err error) (bool, error) {
	if err != nil {
		return false, c.table.damaged(err)
	}
	if !set && !deleted {
		return false, c.table.damaged(fmt.Errorf("entry %x is of a kind that does not belong there", key))
	}
	c.key, c.value, c.deleted = key, value, deleted
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
	if c.entries == nil {
		return nil
	}
	if err := c.entries.Close(); err != nil {
		return c.table.damaged(err)
	}
	return nil
}
