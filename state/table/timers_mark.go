package table

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/state"
)

// timersMarking is what a set of timers has for its marks.
type timersMarking[K any] struct {
	// to are the rows of the capture under way, which is nil if there is none.
	to      *rows.Rows
	capture *timersCapture[K]
	// gone are the deletions since the last mark, without those of timers that were taken: all up to takenAt are gone then, if any
	// was, but for those registered since and, while taking says so, for some of that time.
	gone     rows.Rows
	taken    bool
	takenAt  uint64
	taking   bool
	takingAt uint64
	row      []byte
	key      [1]K
}

// touch prepares a timer for a change: a capture that wants it copies it as it was. Alive says that it is there and not dead, fresh
// that its entry was just made. There was a mark.
func (t *timers[K]) touch(entry unsafe.Pointer, hash uint64, alive, fresh bool) {
	tr, header := t.index.track, t.header(entry)
	if epochOf(*header) == tr.epoch {
		return
	}
	if alive {
		t.keep(entry, hash)
	}
	if fresh {
		*header |= bornBit
	} else if !tr.changed(*header) {
		*header &^= bornBit
	}
	*header = *header&^state.EpochMask | tr.epoch<<epochShift
	if tr.on {
		t.index.note(hash)
	}
}

// keep copies a timer that is about to go or to change, if a capture wants it.
func (t *timers[K]) keep(entry unsafe.Pointer, hash uint64) {
	if tr := t.index.track; tr.capture != nil && tr.wanted(*t.header(entry)) && t.index.ahead(hash) {
		t.marking.to.Set(t.rowKey(entry, t.index.groupOf(hash)), nil)
	}
}

// noteTaken notes that timers of a time were taken; more says that some may be left.
func (t *timers[K]) noteTaken(at uint64, more bool) {
	if tr := t.index.track; tr == nil || !tr.on {
		return
	}
	m := &t.marking
	if !m.taken || at > m.takenAt {
		m.taken, m.takenAt = true, at
	}
	switch {
	case more:
		if !m.taking || at > m.takingAt {
			m.taking, m.takingAt = true, at
		}
	case m.taking && at >= m.takingAt:
		m.taking = false
	}
}

// noteDeleted notes that a timer, which was touched, was deleted.
func (t *timers[K]) noteDeleted(entry unsafe.Pointer, hash uint64) {
	if t.index.track.on && *t.header(entry)&bornBit == 0 {
		t.marking.gone.Delete(t.rowKey(entry, t.index.groupOf(hash)))
	}
}

// rowKey is the key of a timer's row, valid until the next call.
func (t *timers[K]) rowKey(entry unsafe.Pointer, group int) []byte {
	m := &t.marking
	key, err := t.packer.view(unsafe.Slice((*uint64)(entry), t.packer.words), t.longKey)
	if err != nil {
		panic(&state.Failure{Action: "decode a timer's key of", Cause: err})
	}
	m.row = binary.BigEndian.AppendUint16(m.row[:0], uint16(group))
	m.row = binary.BigEndian.AppendUint16(m.row, t.number)
	m.row = binary.BigEndian.AppendUint64(m.row, t.at(entry))
	m.key[0] = key
	m.row = t.packer.codec.Append(m.row, &m.key[0])
	m.key = [1]K{}
	return m.row
}

// Mark begins a capture.
func (t *timers[K]) Mark(kind snapshot.MarkKind, to *rows.Rows) state.Capture {
	m := &t.marking
	if m.capture != nil {
		m.capture.Copy(math.MaxInt)
	}
	if t.index.track == nil {
		t.index.track = newTracker()
	}
	if kind == snapshot.MarkChanges {
		if t.index.track.on && !m.taking {
			t.deleteTaken(to)
			to.Take(&m.gone)
		} else {
			kind = snapshot.MarkFull
			state.DeleteAll(t.groups, []uint16{t.number}, to)
		}
	}
	t.index.track.mark(kind)
	if kind != snapshot.MarkCanonical || !t.index.track.on {
		m.gone, m.taken = rows.Rows{}, false
	}
	m.to, m.capture = to, &timersCapture[K]{t}
	return m.capture
}

// deleteTaken deletes the timers up to the time of the last that was taken.
func (t *timers[K]) deleteTaken(to *rows.Rows) {
	if !t.marking.taken {
		return
	}
	for group := int(t.groups.First); group <= int(t.groups.Last); group++ {
		from, end := state.Prefix(uint16(group), t.number)
		if last := t.marking.takenAt; last < math.MaxUint64 {
			end = binary.BigEndian.AppendUint64(append([]byte(nil), from...), last+1)
		}
		to.DeleteRange(from, end)
	}
}

// timersCapture is what a mark of timers has to copy; t is nil when it is done.
type timersCapture[K any] struct{ t *timers[K] }

// Copy copies timers, by key group and hash.
func (c *timersCapture[K]) Copy(work int) (done bool) {
	t := c.t
	if t == nil {
		return true
	}
	first := int(t.index.firstGroup)
	done = t.index.advance(int64(work), func(entry unsafe.Pointer, group int) int64 {
		if *t.header(entry)&timerDead != 0 {
			return 0
		}
		before := t.marking.to.Bytes()
		t.marking.to.Set(t.rowKey(entry, first+group), nil)
		return t.marking.to.Bytes() - before
	})
	if done {
		c.Drop()
	}
	return done
}

// Drop ends the capture.
func (c *timersCapture[K]) Drop() {
	if t := c.t; t != nil {
		t.index.settle()
		t.marking.to, t.marking.capture = nil, nil
		c.t = nil
	}
}
