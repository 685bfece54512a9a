package pebble

import (
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/weir-stream/weir/state"
)

// chunk is the rows that are read of each group, from its part of the horizon on.
type chunk struct {
	rows [][]byte
	// more says that there are others, the first of which has the time next.
	more bool
	next int64
}

// approach brings the timers that are next in Pebble into memory and moves the horizon behind them.
func (t *timers[K]) approach() {
	t.moved = true
	quota := int(t.db.budget.limit / nearPart / timerBytes)
	groups := t.db.options.Groups
	it := t.db.iterator(t.appendPrefix(nil, groups.First), groupEnd(groups.Last))
	defer done(it)
	chunks := make([]chunk, groups.Size())
	first, end := int64(math.MaxInt64), position{math.MaxInt64, math.MaxInt}
	for i := range chunks {
		c := &chunks[i]
		*c = t.readChunk(it, int(groups.First)+i, max(quota/len(chunks), 4))
		if len(c.rows) > 0 {
			first = min(first, timeOf(c.rows[0]))
		}
		if c.more {
			end.at, end.group = min(end.at, c.next), 0
		}
	}
	if end.at > first || end.group > 0 {
		t.bring(chunks, end)
	} else {
		t.bringTime(it, first, quota)
	}
	t.note()
}

// readChunk reads up to so many rows of a group.
func (t *timers[K]) readChunk(it *pebble.Iterator, group, limit int) (c chunk) {
	from := t.horizon
	if group < from.group {
		if from.at == math.MaxInt64 {
			return c
		}
		from.at++
	}
	prefix := t.appendTime(nil, uint16(group), from.at)
	for ok := it.SeekGE(prefix); ok && string(it.Key()[:prefixBytes]) == string(prefix[:prefixBytes]); ok = it.Next() {
		if len(c.rows) == limit {
			c.more, c.next = true, timeOf(it.Key())
			return c
		}
		c.rows = append(c.rows, append([]byte(nil), it.Key()...))
	}
	return c
}

// bring moves the rows before a position, all of which the chunks have.
func (t *timers[K]) bring(chunks []chunk, end position) {
	batch := t.db.store().db.NewBatch()
	for _, c := range chunks {
		taken := 0
		for taken < len(c.rows) && (timeOf(c.rows[taken]) < end.at || end.group > 0) {
			t.take(c.rows[taken])
			taken++
		}
		t.forget(batch, c.rows[:taken])
	}
	t.db.finish(batch)
	t.horizon = end
}

// bringTime moves the timers of one time, of which there are many, group by group.
func (t *timers[K]) bringTime(it *pebble.Iterator, at int64, quota int) {
	groups := t.db.options.Groups
	batch := t.db.store().db.NewBatch()
	group := int(groups.First)
	if at == t.horizon.at {
		group = max(group, t.horizon.group)
	}
	for ; group <= int(groups.Last) && quota > 0; group++ {
		prefix := t.appendTime(nil, uint16(group), at)
		var rows [][]byte
		for ok := it.SeekGE(prefix); ok && len(it.Key()) >= len(prefix) && string(it.Key()[:len(prefix)]) == string(prefix); ok = it.Next() {
			t.take(it.Key())
			quota--
			if len(rows) <= few {
				rows = append(rows, append([]byte(nil), it.Key()...))
			}
		}
		if len(rows) <= few {
			t.forget(batch, rows)
		} else if err := batch.DeleteRange(prefix, after(prefix), nil); err != nil {
			fail("write", err)
		}
	}
	t.db.finish(batch)
	t.horizon = position{at, group}
	if group > int(groups.Last) {
		t.horizon = behind(at)
	}
}

// take puts a timer from Pebble into memory.
func (t *timers[K]) take(row []byte) {
	key, at := t.decode(row)
	t.one[0] = key
	if err := t.keys.HashesOf(t.one[:], t.hash[:]); err != nil {
		panic(&state.Failure{Action: "hash a key of", Cause: err})
	}
	t.near.Register(key, t.hash[0], at)
	t.far--
}

// forget removes rows of one group that follow one another.
func (t *timers[K]) forget(batch *pebble.Batch, rows [][]byte) {
	var err error
	switch {
	case len(rows) == 0:
	case len(rows) <= 8:
		for _, row := range rows {
			if err == nil {
				err = batch.Delete(row, nil)
			}
		}
	default:
		err = batch.DeleteRange(rows[0], append(rows[len(rows)-1], 0), nil)
	}
	if err != nil {
		fail("write", err)
	}
}

// finish writes a batch for the last time.
func (d *Database) finish(batch *pebble.Batch) {
	if !batch.Empty() {
		d.store().apply(batch)
	}
	if err := batch.Close(); err != nil {
		fail("write", err)
	}
}
