package table

import (
	"unsafe"

	"github.com/weir-stream/weir/state"
)

// batch is the keys of a batch in words.
type batch struct {
	words []uint64
	// longs has the bytes of the long keys, by position in the batch; empty if no key is long.
	longs  [][]byte
	copies []byte // of long keys whose bytes cannot be viewed in place
	hashes []uint64
}

func (b *batch) key(i, keyWords int) wordKey {
	key := wordKey{words: &b.words[i*keyWords]}
	if len(b.longs) > 0 {
		key.long = b.longs[i]
	}
	return key
}

// upsert resolves a batch: a first pass guesses all entries from the tags, a second one checks the guesses and corrects
// the wrong ones one by one. The common guess is right, so the second pass does not wait for one entry's memory before it
// asks for the next.
func (c *core) upsert(col *column, b *batch, cells []unsafe.Pointer, fresh []bool) {
	n := len(b.hashes)
	cells = cells[:n]
	clear(fresh)
	c.index.watched = c.index.watched[:0]
	c.guess(b, cells)
	mask, want := state.EpochMask|col.present, c.cursor.Epoch|col.present
	switch c.form {
	case oneWord:
		offset := headerBytes + col.offset
		words := b.words[:n]
		for i, e := range cells {
			if *(*uint64)(e) == words[i] && *(*uint64)(unsafe.Add(e, 8))&mask == want {
				cells[i] = unsafe.Add(e, offset)
				continue
			}
			c.correct(col, b, i, cells, fresh)
		}
	case twoWords, varying:
		offset := 2*headerBytes + col.offset
		words := b.words[:2*n]
		for i, e := range cells {
			if *(*uint64)(e) == words[2*i] && *(*uint64)(unsafe.Add(e, 8)) == words[2*i+1] && *(*uint64)(unsafe.Add(e, 16))&mask == want {
				cells[i] = unsafe.Add(e, offset)
				continue
			}
			c.correct(col, b, i, cells, fresh)
		}
	default:
		offset := c.keyBytes + col.offset
		for i, e := range cells {
			if *c.header(e)&mask == want && c.same(e, b.key(i, c.index.keyWords)) {
				cells[i] = unsafe.Add(e, offset)
				continue
			}
			c.correct(col, b, i, cells, fresh)
		}
	}
}

// guess finds probable entries for a batch.
func (c *core) guess(b *batch, entries []unsafe.Pointer) {
	ix := c.index
	ix.homes(b.hashes, entries)
	c.fetched += ix.fetch(entries)
	switch c.form {
	case oneWord:
		ix.chooseOne(b.words, entries)
	case twoWords, varying:
		ix.chooseTwo(b.words, entries)
	}
}

// correct resolves key i of a batch whose guess was wrong, or whose entry lacks the column.
func (c *core) correct(col *column, b *batch, i int, cells []unsafe.Pointer, fresh []bool) {
	entry, moved := c.obtain(b.key(i, c.index.keyWords), b.hashes[i])
	if moved.size > 0 {
		c.follow(col, b, i, cells, moved)
	}
	if c.mark(c.header(entry), col.present, b.hashes[i]) && fresh != nil {
		fresh[i] = true
	}
	cells[i] = unsafe.Add(entry, c.keyBytes+col.offset)
}

// follow corrects the addresses of a batch, of which the first done are resolved and those behind i are guesses, after
// entries have moved.
func (c *core) follow(col *column, b *batch, done int, cells []unsafe.Pointer, moved span) {
	for j := range done {
		if moved.contains(cells[j]) {
			entry := c.find(b.key(j, c.index.keyWords), b.hashes[j])
			cells[j] = unsafe.Add(entry, c.keyBytes+col.offset)
		}
	}
	for j := done + 1; j < len(cells); j++ {
		if moved.contains(cells[j]) {
			cells[j] = c.index.void
		}
	}
}
