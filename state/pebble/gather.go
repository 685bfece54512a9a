package pebble

import "github.com/weir-stream/weir/state"

// gather adds the changes of the current entry to the rows that are to be written next. From then on the entry counts as
// unchanged, but for its own mark.
func (b *Backend[K]) gather() {
	b.writing()
	b.logging(b.gatherColumns)
}

func (b *Backend[K]) gatherColumns() {
	for i := range b.columns {
		c := &b.columns[i]
		switch c.Kind {
		case state.KindList:
			b.gatherList(c)
		case state.KindMap:
			b.gatherMap(c)
		default:
			b.gatherValue(c)
		}
	}
}

func (b *Backend[K]) gatherValue(c *column) {
	var note *uint64
	if b.noted {
		note = b.hot.Note()
	}
	r := &b.db.rows
	at := len(r.bytes)
	switch {
	case b.hot.Has(c.at):
		if note != nil && !c.inline && *note&changed(c.at) == 0 {
			return
		}
		r.bytes = b.appendRow(r.bytes, c)
		value := len(r.bytes)
		r.bytes = b.appendValue(r.bytes, c)
		r.add(set, at, value)
		if note != nil && !b.peeking {
			*note = *note&^changed(c.at) | stored(c.at)
		}
	case note == nil:
		b.remove(c)
	case *note&(changed(c.at)|stored(c.at)) == changed(c.at)|stored(c.at):
		b.remove(c)
		if !b.peeking {
			*note &^= changed(c.at) | stored(c.at)
		}
	}
}

// remove removes the current key's row in a column.
func (b *Backend[K]) remove(c *column) {
	r := &b.db.rows
	at := len(r.bytes)
	r.bytes = b.appendRow(r.bytes, c)
	r.add(remove, at, len(r.bytes))
}

// appendValue appends the encoded value that the current entry has.
func (b *Backend[K]) appendValue(dst []byte, c *column) []byte {
	if c.inline {
		p, transcoder := b.hot.Inlined(c.at)
		return transcoder.Append(dst, p)
	}
	encoded, _ := c.value.LoadBytes()
	return append(dst, encoded...)
}

func (b *Backend[K]) gatherList(c *column) {
	note := b.hot.Note()
	if *note&changed(c.at) == 0 {
		return
	}
	r := &b.db.rows
	at := len(r.bytes)
	if !b.hot.Has(c.at) {
		if *note&(stored(c.at)|unknown(c.at)) == stored(c.at) {
			b.remove(c)
		}
		if !b.peeking {
			if *note&unknown(c.at) == 0 {
				*note &^= stored(c.at)
			}
			*note &^= changed(c.at)
		}
		return
	}
	r.bytes = b.appendRow(r.bytes, c)
	value := len(r.bytes)
	r.bytes = appendChunks(r.bytes, c.list)
	joins := *note&unknown(c.at) != 0
	if joins {
		r.add(merge, at, value)
	} else {
		r.add(set, at, value)
	}
	if b.peeking {
		return
	}
	if joins {
		b.hot.Fill(func() {
			c.list.Clear()
			b.hot.Keep()
		})
	}
	*note = *note&^changed(c.at) | stored(c.at)
}

func appendChunks(dst []byte, list state.ListCell) []byte {
	for n := 0; ; n++ {
		chunk, ok := list.Chunk(n)
		if !ok {
			return dst
		}
		dst = append(dst, chunk...)
	}
}

// gatherMap adds the pairs that are changed.
func (b *Backend[K]) gatherMap(c *column) {
	note := b.hot.Note()
	if *note&changed(c.at) == 0 {
		return
	}
	r := &b.db.rows
	b.row = b.appendRow(b.row[:0], c)
	c.pairs.Each(func(key, value []byte) bool {
		if value[0]&pairChanged == 0 {
			return true
		}
		at := len(r.bytes)
		r.bytes = append(append(r.bytes, b.row...), key...)
		end := len(r.bytes)
		if value[0]&pairGone != 0 {
			r.add(remove, at, end)
		} else {
			r.bytes = append(r.bytes, value[1:]...)
			r.add(set, at, end)
		}
		if !b.peeking {
			value[0] &^= pairChanged
		}
		return true
	})
	if b.peeking {
		return
	}
	*note = *note&^changed(c.at) | stored(c.at)
}
