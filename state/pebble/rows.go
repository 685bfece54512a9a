package pebble

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	changes "github.com/weir-stream/weir/checkpoint/snapshot/rows"
)

// rows gathers changes of Pebble's entries, to write them in order of their keys: twice to five times as fast as in any order.
type rows struct {
	bytes []byte
	rows  []row
	batch *pebble.Batch
	// logs are what else gets the changes.
	logs []*changes.Rows
}

// row is one change. Its key is bytes[at:value], its value bytes[value:end].
type row struct {
	// first and second are the first 16 bytes of the key, filled up with zeros.
	first, second  uint64
	at, value, end int
	change         change
}

type change uint8

const (
	set change = iota
	remove
	merge // what is there is followed by the value
)

const (
	// gatherBytes is how much is gathered before it is written.
	gatherBytes = 1 << 20
	// batchBytes is how much is given to Pebble at once.
	batchBytes = 256 << 10
)

func (r *rows) key(w *row) []byte { return r.bytes[w.at:w.value] }

// add adds a change. Its key has been appended to bytes from at on, and its value from value on.
func (r *rows) add(change change, at, value int) {
	var first [16]byte
	copy(first[:], r.bytes[at:value])
	for _, log := range r.logs {
		switch change {
		case set:
			log.Set(r.bytes[at:value], r.bytes[value:])
		case remove:
			log.Delete(r.bytes[at:value])
		case merge:
			log.Merge(r.bytes[at:value], r.bytes[value:])
		}
	}
	r.rows = append(r.rows, row{
		first: binary.BigEndian.Uint64(first[:]), second: binary.BigEndian.Uint64(first[8:]),
		at: at, value: value, end: len(r.bytes), change: change,
	})
}

// cut forgets the last changes, from the one at number on, whose bytes begin at.
func (r *rows) cut(number, at int) { r.rows, r.bytes = r.rows[:number], r.bytes[:at] }

func (r *rows) sort() {
	slices.SortFunc(r.rows, func(a, b row) int {
		if a.first != b.first {
			return cmp.Compare(a.first, b.first)
		}
		if a.second != b.second {
			return cmp.Compare(a.second, b.second)
		}
		return bytes.Compare(r.bytes[a.at:a.value], r.bytes[b.at:b.value])
	})
}

func (r *rows) reset() {
	if cap(r.bytes) > 8*gatherBytes {
		r.bytes = nil
	}
	if cap(r.rows) > gatherBytes/8 {
		r.rows = nil
	}
	r.bytes, r.rows = r.bytes[:0], r.rows[:0]
}

// write writes the changes to the store of d and forgets them.
func (r *rows) write(d *Database) {
	if len(r.rows) == 0 {
		return
	}
	store := d.store()
	if r.batch == nil {
		r.batch = store.db.NewBatchWithSize(batchBytes)
	}
	r.sort()
	for i := range r.rows {
		w := &r.rows[i]
		key, value := r.bytes[w.at:w.value], r.bytes[w.value:w.end]
		var err error
		switch w.change {
		case set:
			err = r.batch.Set(key, value, nil)
		case remove:
			err = r.batch.Delete(key, nil)
		case merge:
			err = r.batch.Merge(key, value, nil)
		}
		if err != nil {
			fail("write", err)
		}
		if r.batch.Len() >= batchBytes {
			store.apply(r.batch)
		}
	}
	if !r.batch.Empty() {
		store.apply(r.batch)
	}
	r.reset()
}
