package pebble

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"

	"github.com/weir-stream/weir/state"
)

// walk visits the keys that have rows in Pebble in some columns, in order of group and encoded key. Changes after the walk began
// are not seen.
type walk[K any] struct {
	b       *Backend[K]
	columns []*column
	// iterators has one for each column, standing at its next row.
	iterators []*pebble.Iterator
	// group, key and found are where the walk stands: found has the columns that have the key.
	group uint16
	key   []byte
	found []bool
	lower []byte
	one   [1]K
}

// newWalk begins behind a place, which is a group and an encoded key; a nil key is before all others of the group.
func (b *Backend[K]) newWalk(c state.Column, group uint16, key []byte) *walk[K] {
	w := &walk[K]{b: b, group: group, key: bytes.Clone(key)}
	for i := range b.columns {
		if c == state.AnyColumn || c == state.Column(i) {
			w.columns = append(w.columns, &b.columns[i])
		}
	}
	groups := b.db.options.Groups
	for range w.columns {
		w.iterators = append(w.iterators, b.db.iterator(b.appendGroup(nil, groups.First), groupEnd(groups.Last)))
	}
	w.found = make([]bool, len(w.columns))
	w.enter(group, key)
	return w
}

func (b *Backend[K]) appendGroup(dst []byte, group uint16) []byte {
	return append(dst, byte(group>>8), byte(group))
}

// enter positions the iterators in a group, behind a key unless that is nil.
func (w *walk[K]) enter(group uint16, key []byte) {
	w.group = group
	for i, c := range w.columns {
		w.lower = append(w.b.appendPrefix(w.lower[:0], group, c), key...)
		if key != nil {
			w.lower = after(w.lower)
		}
		w.iterators[i].SeekGE(w.lower)
	}
}

// rest returns what follows the prefix of a column's rows in the row at which its iterator stands, nil if that is
// another column's or group's.
func (w *walk[K]) rest(i int) []byte {
	it := w.iterators[i]
	if !it.Valid() {
		if err := it.Error(); err != nil {
			fail("read", err)
		}
		return nil
	}
	w.lower = w.b.appendPrefix(w.lower[:0], w.group, w.columns[i])
	rest, ours := bytes.CutPrefix(it.Key(), w.lower)
	if !ours {
		return nil
	}
	return rest
}

// next moves to the next key.
func (w *walk[K]) next() bool {
	for {
		if w.advance() {
			return true
		}
		if w.group >= w.b.db.options.Groups.Last {
			return false
		}
		w.enter(w.group+1, nil)
	}
}

// advance moves to the next key of the group.
func (w *walk[K]) advance() bool {
	var least []byte
	for i := range w.columns {
		if w.found[i] {
			w.pass(i)
		}
		rest := w.rest(i)
		if rest == nil {
			continue
		}
		key := w.ownKey(w.columns[i], rest)
		if least == nil || bytes.Compare(key, least) < 0 {
			least = key
		}
	}
	if least == nil {
		return false
	}
	w.key = append(w.key[:0], least...)
	for i := range w.columns {
		rest := w.rest(i)
		w.found[i] = rest != nil && bytes.Equal(w.ownKey(w.columns[i], rest), w.key)
	}
	return true
}

// steps is how many rows of a map are passed one by one before the rest is jumped over.
const steps = 16

// pass moves a column's iterator behind the rows of the walk's key.
func (w *walk[K]) pass(i int) {
	it := w.iterators[i]
	w.found[i] = false
	if w.columns[i].Kind != state.KindMap {
		it.Next()
		return
	}
	for range steps {
		it.Next()
		if rest := w.rest(i); rest == nil || !bytes.HasPrefix(rest, w.key) {
			return
		}
	}
	w.lower = append(w.b.appendPrefix(w.lower[:0], w.group, w.columns[i]), w.key...)
	it.SeekGE(after(w.lower))
}

// ownKey returns the key at the front of what follows a row's prefix: all of it, but for a map.
func (w *walk[K]) ownKey(c *column, rest []byte) []byte {
	if c.Kind != state.KindMap {
		return rest
	}
	behind, err := w.b.keys.Codec.Decode(rest, &w.one[0])
	if err != nil {
		panic(&state.Failure{State: c.Name, Action: "decode a key of", Cause: err})
	}
	return rest[:len(rest)-len(behind)]
}

// decoded returns the walk's key.
func (w *walk[K]) decoded() (K, uint64) {
	_, err := w.b.keys.Codec.Decode(w.key, &w.one[0])
	var hash uint64
	if err == nil {
		hash, err = w.b.own(&w.one, w.group)
	}
	if err != nil {
		panic(&state.Failure{Action: "decode a key of", Cause: err})
	}
	return w.one[0], hash
}

func (w *walk[K]) close() {
	for _, it := range w.iterators {
		done(it)
	}
}

// Each visits the keys that have state in a column: from the table as long as that has all, or else by a walk.
func (b *Backend[K]) Each(c state.Column, f func(key K) bool) {
	if !b.cold {
		b.member.visited++
		defer func() { b.member.visited-- }()
		b.hot.Each(c, f)
		return
	}
	b.flush()
	defer b.hot.Leave()
	w := b.newWalk(c, b.db.options.Groups.First, nil)
	defer w.close()
	for w.next() {
		key, hash := w.decoded()
		b.Seek(key, hash)
		if !b.hot.Resident() && !b.noted {
			b.settle()
			b.fill(&b.columns[0], valueOf(w.iterators[0]))
		}
		if !f(key) {
			return
		}
	}
}

// Len counts the keys; it goes through all rows unless everything is in memory.
func (b *Backend[K]) Len() (n int64) {
	if !b.cold {
		return b.hot.Len()
	}
	key, hash, current := b.current()
	b.flush()
	w := b.newWalk(state.AnyColumn, b.db.options.Groups.First, nil)
	defer w.close()
	for w.next() {
		n++
	}
	if current {
		b.hot.Seek(key, hash)
	}
	return n
}

func (b *Backend[K]) current() (key K, hash uint64, ok bool) {
	if !b.hot.Current() {
		return key, 0, false
	}
	return b.hot.CurrentKey(), b.hot.CurrentHash(), true
}

// scanning is where the next Scan goes on.
type scanning struct {
	// stored says that the table was gone through, and that the rows in Pebble follow.
	stored bool
	group  uint16
	key    []byte
}

// Scan visits the keys of the table and then those of Pebble. What goes from one to the other meanwhile goes forward, or
// has its place behind.
func (b *Backend[K]) Scan(limit int, f func()) (end bool) {
	s := &b.scan
	if !s.stored {
		b.member.visited++
		end := b.hot.Scan(limit, func() {
			if !b.cold || b.any() {
				f()
			}
		})
		b.member.visited--
		if !end || !b.cold {
			return end
		}
		*s = scanning{stored: true, group: b.db.options.Groups.First}
		return false
	}
	defer b.hot.Leave()
	w := b.newWalk(state.AnyColumn, s.group, s.key)
	defer w.close()
	for range limit {
		if !w.next() {
			*s = scanning{}
			return true
		}
		key, hash := w.decoded()
		b.Seek(key, hash)
		if b.any() {
			f()
		}
	}
	s.group, s.key = w.group, append(s.key[:0], w.key...)
	return false
}

// any reports whether the current key has any state.
func (b *Backend[K]) any() bool {
	for i := range b.columns {
		c := &b.columns[i]
		switch c.Kind {
		case state.KindList:
			if _, has := (&listCell[K]{b, c}).Chunk(0); has {
				return true
			}
		case state.KindMap:
			if (&mapCell[K]{b, c}).Len() > 0 {
				return true
			}
		default:
			if b.know(c); b.hot.Has(c.at) {
				return true
			}
		}
	}
	return false
}
