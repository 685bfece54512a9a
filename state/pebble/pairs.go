package pebble

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"

	"github.com/weir-stream/weir/state"
)

// mapCell is a map, of which the table has some pairs or all. In the table a byte stands before each value.
type mapCell[K any] struct {
	b *Backend[K]
	c *column
}

const (
	// pairChanged says that Pebble has yet to be told of a pair.
	pairChanged = 1 << iota
	// pairGone says that the map does not have the key.
	pairGone
)

// few is up to how many pairs of a map are removed one by one when it is cleared.
const few = 256

func (m *mapCell[K]) Get(key []byte) ([]byte, bool) {
	pair := m.pair(key)
	if pair == nil || pair[0]&pairGone != 0 {
		return nil, false
	}
	return pair[1:], true
}

// pair returns a pair's value with the byte before it, read from Pebble if need be; nil if there is none.
func (m *mapCell[K]) pair(key []byte) []byte {
	b := m.b
	if !b.cold || !b.settle() {
		pair, _ := m.c.pairs.Get(key)
		return pair
	}
	pair, ok := m.c.pairs.Get(key)
	if ok || *b.hot.Note()&unknown(m.c.at) == 0 {
		return pair
	}
	b.row = append(b.appendRow(b.row[:0], m.c), key...)
	if !b.db.get(b.row, b.written.seldom(), func(value []byte) { m.add(key, value, 0) }) {
		m.add(key, nil, pairGone)
	}
	pair, _ = m.c.pairs.Get(key)
	return pair
}

// add puts a pair as it is in Pebble into the table.
func (m *mapCell[K]) add(key, value []byte, flags byte) {
	m.b.hot.Fill(func() { m.put(key, value, flags) })
}

func (m *mapCell[K]) put(key, value []byte, flags byte) {
	m.c.scratch = append(append(m.c.scratch[:0], flags), value...)
	m.c.pairs.Put(key, m.c.scratch)
	if flags&pairGone != 0 {
		*m.b.hot.Note() |= graves(m.c.at)
	}
}

func (m *mapCell[K]) Put(key, value []byte) {
	m.b.settle()
	m.put(key, value, pairChanged)
	*m.b.hot.Note() |= changed(m.c.at)
	m.b.grow(len(key) + len(value))
}

func (m *mapCell[K]) Remove(key []byte) bool {
	if _, ok := m.Get(key); !ok {
		return false
	}
	m.b.hot.Change()
	if *m.b.hot.Note()&stored(m.c.at) == 0 {
		m.c.pairs.Remove(key)
		if m.b.cold {
			m.b.hot.Keep()
		}
		return true
	}
	m.put(key, nil, pairChanged|pairGone)
	*m.b.hot.Note() |= changed(m.c.at)
	return true
}

func (m *mapCell[K]) Len() int {
	b := m.b
	if !b.cold || !b.settle() {
		return m.c.pairs.Len()
	}
	m.complete()
	if *b.hot.Note()&(unknown(m.c.at)|graves(m.c.at)) == 0 {
		return m.c.pairs.Len()
	}
	n := 0
	m.Each(func(_, _ []byte) bool { n++; return true })
	return n
}

func (m *mapCell[K]) Each(f func(key, value []byte) bool) {
	b := m.b
	b.member.visited++
	defer func() { b.member.visited-- }()
	if b.cold && b.settle() && !m.complete() {
		m.eachStored(f)
		return
	}
	m.c.pairs.Each(func(key, value []byte) bool {
		return value[0]&pairGone != 0 || f(key, value[1:])
	})
}

// complete reads the pairs that the table does not have, and reports whether it has all now: a large map is left where it is.
func (m *mapCell[K]) complete() bool {
	b := m.b
	note := b.hot.Note()
	if *note&unknown(m.c.at) == 0 {
		return true
	}
	prefix := b.pairPrefix(m.c)
	it := b.db.lookup(b.written.seldom(), 1)
	room := b.db.budget.limit / 8
	found := m.c.pairs.Len() > 0
	for ok := it.SeekGE(prefix); ok && bytes.HasPrefix(it.Key(), prefix); ok = it.Next() {
		found = true
		key := it.Key()[len(prefix):]
		if _, has := m.c.pairs.Get(key); has {
			continue
		}
		value := valueOf(it)
		m.add(key, value, 0)
		if room -= int64(len(key) + len(value)); room < 0 {
			return false
		}
	}
	if err := it.Error(); err != nil {
		fail("read", err)
	}
	b.known(m.c, found)
	return true
}

func valueOf(it *pebble.Iterator) []byte {
	value, err := it.ValueAndErr()
	if err != nil {
		fail("read", err)
	}
	return value
}

// eachStored visits a large map in Pebble, with the changes that are not there yet in front of it.
func (m *mapCell[K]) eachStored(f func(key, value []byte) bool) {
	b := m.b
	b.logging(func() {
		b.writing()
		b.gatherMap(m.c)
	})
	b.write()
	prefix := b.pairPrefix(m.c)
	owner := len(prefix)
	it := b.db.iterator(prefix, after(prefix))
	defer done(it)
	for ok := it.First(); ok; ok = it.Next() {
		key := it.Key()[owner:]
		value := valueOf(it)
		if pair, has := m.c.pairs.Get(key); has {
			if pair[0]&pairGone != 0 {
				continue
			}
			value = pair[1:]
		} else if *b.hot.Note()&unknown(m.c.at) == 0 {
			continue // cleared meanwhile
		}
		if !f(key, value) {
			return
		}
	}
}

func (m *mapCell[K]) Clear() {
	b := m.b
	if !b.cold {
		m.c.pairs.Clear()
		return
	}
	if !b.settle() {
		return
	}
	b.hot.Change()
	note := b.hot.Note()
	if *note&(unknown(m.c.at)|stored(m.c.at)) != 0 {
		m.bury()
	} else {
		m.c.pairs.Clear()
	}
	b.hot.Keep()
	*note = *note&^unknown(m.c.at) | changed(m.c.at)
}

// bury removes a map that Pebble may have some of.
func (m *mapCell[K]) bury() {
	b := m.b
	prefix := b.pairPrefix(m.c)
	end := after(prefix)
	var keys [][]byte
	it := b.db.lookup(b.written.seldom(), 1)
	for ok := it.SeekGE(prefix); ok && len(keys) <= few && bytes.HasPrefix(it.Key(), prefix); ok = it.Next() {
		keys = append(keys, bytes.Clone(it.Key()[len(prefix):]))
	}
	if err := it.Error(); err != nil {
		fail("read", err)
	}
	m.c.pairs.Clear()
	b.hot.Keep()
	note := b.hot.Note()
	*note &^= graves(m.c.at)
	if len(keys) > few {
		batch := b.db.store().db.NewBatch()
		if err := batch.DeleteRange(prefix, end, nil); err != nil {
			fail("write", err)
		}
		b.db.finish(batch)
		b.marking.deleteRange(prefix, end)
		keys = nil
	}
	for _, key := range keys {
		m.put(key, nil, pairChanged|pairGone)
	}
	*note &^= stored(m.c.at)
	if len(keys) > 0 {
		*note |= stored(m.c.at)
	}
}

var _ state.MapCell = (*mapCell[int])(nil)
