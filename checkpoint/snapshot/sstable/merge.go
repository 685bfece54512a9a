package sstable

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/state/keygroup"
)

// Part is a table, or the keys of it that are at or after From and before To; nil stands for no bound.
type Part struct {
	Table    *Table
	From, To []byte
}

// Merge calls f with the entries that parts, oldest first, have together, in ascending order of their keys: of entries with a key
// that of the newest part counts, behind those that it continues, and nothing that a newer one deletes. The bytes are valid during the call.
// It stops at the first error of f and returns it; any other error says that a table is damaged, and which.
func Merge(parts []Part, f func(key, value []byte) error) (err error) {
	m := merge{}
	defer func() { err = errors.Join(err, m.close()) }()
	for age, p := range parts {
		c, err := p.Table.cursor(age, p.From, p.To)
		if err != nil {
			return err
		}
		if err := m.add(c); err != nil {
			return err
		}
	}
	return m.run(func(key, value []byte, kind rows.Kind) error {
		if kind == rows.Delete {
			return nil
		}
		return f(key, value)
	})
}

// ReadRows sorts rows and calls f with the entries that they, their runs and what they are changes of have together, as Merge does.
func ReadRows(r *rows.Rows, f func(key, value []byte) error) error {
	_, err := mergeRows(r, func(key, value []byte, kind rows.Kind) error {
		if kind == rows.Delete {
			return nil
		}
		return f(key, value)
	})
	return err
}

// mergeRows sorts rows and calls f with what they, their runs and what they are changes of come to. It returns the ranges that are deleted
// in older tables.
func mergeRows(r *rows.Rows, f func(key, value []byte, kind rows.Kind) error) (ranges []rows.Range, err error) {
	r.Sort()
	m := merge{}
	defer func() { err = errors.Join(err, m.close()) }()
	for _, source := range r.Sources() {
		opened, err := source.Open()
		if err != nil {
			return nil, err
		}
		if err := m.add(&cursor{age: len(m.all), source: opened}); err != nil {
			return nil, err
		}
	}
	var all rows.Rows
	for _, run := range r.Runs() {
		table, err := OpenLocal(snapshot.LocalTable{Path: run.Path, Ref: snapshot.Inline(run.Bytes)})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, table.Close()) }()
		for _, gone := range table.ranges {
			all.DeleteRange(gone.from, gone.to)
		}
		c, err := table.cursor(len(m.all), nil, nil)
		if err != nil {
			return nil, err
		}
		if err := m.add(c); err != nil {
			return nil, err
		}
	}
	if err := m.add(rowsCursor(len(m.all), r)); err != nil {
		return nil, err
	}
	for _, gone := range r.Ranges() {
		all.DeleteRange(gone.From, gone.To)
	}
	all.Sort()
	return all.Ranges(), m.run(f)
}

// merge is a Merge under way.
type merge struct {
	// all are by age; heap has those with an entry, that of the least key first, and of one key the newest.
	all, heap []*cursor
	// key and value are those of the entry that is put together, of a kind, unless a newer table deletes it.
	key, value []byte
	kind       rows.Kind
	// parts are what a value is continued by, the newest first, one behind the other; ends are where each begins.
	parts []byte
	ends  []int
}

// add adds a cursor, which is newer than those before.
func (m *merge) add(c *cursor) error {
	m.all = append(m.all, c)
	more, err := c.first()
	if more {
		m.push(c)
	}
	return err
}

func (m *merge) close() (err error) {
	for _, c := range m.all {
		err = errors.Join(err, c.close())
	}
	return err
}

// run calls f with what all entries of each key come to: a deletion too, and a continuation if there is nothing that it continues.
func (m *merge) run(f func(key, value []byte, kind rows.Kind) error) error {
	for len(m.heap) > 0 {
		m.key = append(m.key[:0], m.heap[0].key...)
		open, said := true, false // whether older entries count, and whether any did
		m.parts, m.ends, m.kind = m.parts[:0], m.ends[:0], rows.Merge
		for len(m.heap) > 0 && bytes.Equal(m.heap[0].key, m.key) {
			c := m.heap[0]
			if open && m.deleted(c) {
				open = false
				if said && m.kind == rows.Merge {
					m.kind = rows.Set // of which nothing older is left
				}
			}
			if open {
				said = true
				open = m.take(c)
			}
			if err := m.advance(); err != nil {
				return err
			}
		}
		if !said {
			continue
		}
		if err := f(m.key, m.joined(), m.kind); err != nil {
			return err
		}
	}
	return nil
}

// take adds an older entry of the key, and reports whether still older ones count.
func (m *merge) take(c *cursor) (open bool) {
	if c.kind == rows.Delete {
		if len(m.ends) == 0 {
			m.kind = rows.Delete
		} else {
			m.kind = rows.Set
		}
		return false
	}
	m.ends = append(m.ends, len(m.parts))
	m.parts = append(m.parts, c.value...)
	m.kind = c.kind
	return c.kind == rows.Merge
}

// joined is the value, oldest part first.
func (m *merge) joined() []byte {
	if len(m.ends) <= 1 {
		return m.parts
	}
	m.value = m.value[:0]
	end := len(m.parts)
	for i := len(m.ends) - 1; i >= 0; i-- {
		m.value = append(m.value, m.parts[m.ends[i]:end]...)
		end = m.ends[i]
	}
	return m.value
}

// advance moves on the cursor in front.
func (m *merge) advance() error {
	more, err := m.heap[0].next()
	if err != nil {
		return err
	}
	if !more {
		last := len(m.heap) - 1
		m.heap[0] = m.heap[last]
		m.heap = m.heap[:last]
	}
	m.sink()
	return nil
}

// deleted reports whether a table that is newer than the entry's deletes a range with it. Sources of rows know of what was deleted.
func (m *merge) deleted(c *cursor) bool {
	if c.source != nil {
		return false
	}
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
		table, err := OpenLocal(local)
		if err != nil {
			return err
		}
		part := Part{Table: table}
		part.From, part.To = Bounds(narrow)
		parts = append(parts, part)
	}
	return Merge(parts, f)
}

// OpenLocal opens a table of a chain.
func OpenLocal(t snapshot.LocalTable) (*Table, error) {
	if t.Path != "" {
		return Open(t.Path)
	}
	if t.Content != nil {
		return OpenBytes(t.Ref.GetName(), t.Content)
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
