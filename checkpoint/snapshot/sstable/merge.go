package sstable

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/state/keygroup"
)

// Part is a table, or the keys of it that are at or after From and before To; nil stands for no bound.
type Part struct {
	Table    *Table
	From, To []byte
}

// Merge calls f with the entries that parts, oldest first, have together, in ascending order of their keys: of entries with a key
// that of the newest part counts, and nothing that a newer one deletes. The bytes are valid during the call. It stops at the first
// error of f and returns it; any other error says that a table is damaged, and which.
func Merge(parts []Part, f func(key, value []byte) error) (err error) {
	m := merge{}
	defer func() {
		for _, c := range m.all {
			err = errors.Join(err, c.close())
		}
	}()
	for age, p := range parts {
		c, err := p.Table.cursor(age, p.From, p.To)
		if err != nil {
			return err
		}
		m.all = append(m.all, c)
		more, err := c.first()
		if err != nil {
			return err
		}
		if more {
			m.push(c)
		}
	}
	return m.run(f)
}

// merge is a Merge under way.
type merge struct {
	// all are by age; heap has those with an entry, that of the least key first, and of one key the newest.
	all, heap []*cursor
	last      []byte
}

func (m *merge) run(f func(key, value []byte) error) error {
	for first := true; len(m.heap) > 0; {
		c := m.heap[0]
		if first || !bytes.Equal(c.key, m.last) {
			first = false
			m.last = append(m.last[:0], c.key...)
			if !c.deleted && !m.deleted(c) {
				if err := f(c.key, c.value); err != nil {
					return err
				}
			}
		}
		more, err := c.next()
		if err != nil {
			return err
		}
		if !more {
			last := len(m.heap) - 1
			m.heap[0] = m.heap[last]
			m.heap = m.heap[:last]
		}
		m.sink()
	}
	return nil
}

// deleted reports whether a table that is newer than the entry's deletes a range with it.
func (m *merge) deleted(c *cursor) bool {
	for _, newer := range m.all[c.age+1:] {
		if newer.deletes(c.key) {
			return true
		}
	}
	return false
}

func before(a, b *cursor) bool {
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c < 0
	}
	return a.age > b.age
}

func (m *merge) push(c *cursor) {
	m.heap = append(m.heap, c)
	for at := len(m.heap) - 1; at > 0 && before(m.heap[at], m.heap[(at-1)/2]); at = (at - 1) / 2 {
		m.heap[at], m.heap[(at-1)/2] = m.heap[(at-1)/2], m.heap[at]
	}
}

func (m *merge) sink() {
	for at := 0; ; {
		least := at
		for child := 2*at + 1; child <= 2*at+2 && child < len(m.heap); child++ {
			if before(m.heap[child], m.heap[least]) {
				least = child
			}
		}
		if least == at {
			return
		}
		m.heap[at], m.heap[least] = m.heap[least], m.heap[at]
		at = least
	}
}

// ReadChain calls f with the entries that a chain of a snapshot has of some key groups, as Merge does.
func ReadChain(chain snapshot.Chain, groups keygroup.Range, f func(key, value []byte) error) (err error) {
	common, some := chain.Groups.Intersect(groups)
	if !some {
		return nil
	}
	var parts []Part
	defer func() {
		for _, p := range parts {
			err = errors.Join(err, p.Table.Close())
		}
	}()
	for _, local := range chain.Tables {
		narrow, some := local.Groups.Intersect(common)
		if !some {
			continue
		}
		table, err := open(local)
		if err != nil {
			return err
		}
		part := Part{Table: table}
		part.From, part.To = Bounds(narrow)
		parts = append(parts, part)
	}
	return Merge(parts, f)
}

// open opens a table of a chain.
func open(t snapshot.LocalTable) (*Table, error) {
	if t.Path != "" {
		return Open(t.Path)
	}
	if t.Ref.GetName() != "" {
		return nil, &snapshot.DamagedError{Path: t.Ref.Name, Reason: "it was not brought to this machine"}
	}
	return OpenBytes("in the snapshot's metadata", t.Ref.GetInline())
}

// Bounds are the bounds of the keys of some key groups, the latter exclusive.
func Bounds(groups keygroup.Range) (from, to []byte) {
	return binary.BigEndian.AppendUint16(nil, groups.First), binary.BigEndian.AppendUint32(nil, uint32(groups.Last)+1)[2:]
}
