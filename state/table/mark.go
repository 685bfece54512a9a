package table

import (
	"encoding/binary"
	"math"
	"slices"
	"unsafe"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// keeper is the part of a table's marks that depends on the type of its keys. Groups are the job's.
type keeper interface {
	// copyOut adds the rows of an entry to those of the capture under way.
	copyOut(entry unsafe.Pointer, group int)
	// noteGone adds to the deletions since the last mark a column that an entry loses, or a pair of it.
	noteGone(entry unsafe.Pointer, group int, col *column, mapKey []byte)
}

// marking is what a table has for its marks, once there was one.
type marking[K any] struct {
	// to are the rows of the capture under way; out writes to them.
	to  *rows.Rows
	out exporting
	// pane is set if entries' keys have one.
	pane   int64
	inPane bool
	// gone are the deletions since the last mark.
	gone rows.Rows
	// goneLeast is their size after which they are looked through for keys that come twice.
	goneLeast int64
	key       [1]K
	hash      [1]uint64
	encoded   []byte
}

// changing prepares an entry for its first change in this epoch: a capture that wants it copies it as it was.
func (c *core) changing(header *uint64, hash uint64) {
	ix := c.index
	tr := ix.track
	if had := *header; had&state.PresentMask != 0 {
		if tr.capture != nil && tr.wanted(had) && ix.ahead(hash) {
			c.keeper.copyOut(unsafe.Add(unsafe.Pointer(header), -int(c.keyBytes)), ix.groupOf(hash))
		}
		if !tr.changed(had) {
			*header &^= bornBit
		}
	}
	if tr.on {
		ix.note(hash)
	}
}

// groupOf is the group of a hash, among all groups of the index's layout.
func (ix *index) groupOf(hash uint64) int { return int((hash >> 32) * ix.maxGroups >> 32) }

// gone notes that the current entry, which was touched, loses a column, or a pair of it.
func (c *core) gone(col *column, mapKey []byte) {
	if tr := c.index.track; tr == nil || !tr.on || *(*uint64)(c.cursor.Entry)&bornBit != 0 {
		return
	}
	c.keeper.noteGone(unsafe.Add(c.cursor.Entry, -int(c.keyBytes)), c.index.groupOf(c.current.hash), col, mapKey)
}

// goneLeast is up to how many bytes of deletions nobody looks for keys that come twice.
const goneLeast = 1 << 20

func (t *Table[K]) noteGone(entry unsafe.Pointer, group int, col *column, mapKey []byte) {
	m := t.marking
	m.encoded = t.appendRowKey(m.encoded[:0], entry, group, col.number)
	switch {
	case col.kind != kindMap:
		m.gone.Delete(m.encoded)
	case mapKey != nil:
		m.encoded = append(m.encoded, mapKey...)
		m.gone.Delete(m.encoded)
	default:
		m.gone.DeleteRange(m.encoded, rows.After(m.encoded))
	}
	if m.gone.Bytes() > max(m.goneLeast, goneLeast) {
		m.gone.Compact() // state that is set and cleared again and again takes no more than once
		m.goneLeast = 2 * m.gone.Bytes()
	}
}

// appendRowKey begins a row's key with key group, number and pane, and ends it with the entry's key.
func (t *Table[K]) appendRowKey(dst []byte, entry unsafe.Pointer, group int, number uint16) []byte {
	m := t.marking
	key, err := t.packer.view(unsafe.Slice((*uint64)(entry), t.packer.words), t.longKey)
	if err != nil {
		panic(&state.Failure{Action: "decode a key of", Cause: err})
	}
	m.key[0] = key
	if t.whole {
		if err := t.named.HashesOf(m.key[:], m.hash[:]); err != nil {
			panic(&state.Failure{Action: "hash a key of", Cause: err})
		}
		group = int(keygroup.Group(m.hash[0], t.maxGroups))
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(group))
	dst = binary.BigEndian.AppendUint16(dst, number)
	if m.inPane {
		dst = binary.BigEndian.AppendUint64(dst, uint64(m.pane)^signFlip)
	}
	dst = t.packer.codec.Append(dst, &m.key[0])
	m.key = [1]K{}
	return dst
}

// copyOut leaves the cursor where it is.
func (t *Table[K]) copyOut(entry unsafe.Pointer, group int) {
	out, stood := &t.marking.out, t.cursor.Entry
	defer func() { t.cursor.Entry = stood }()
	t.cursor.Entry = unsafe.Pointer(t.header(entry))
	first := true
	for i := range t.columns {
		col := &t.columns[i]
		if *t.header(entry)&col.present == 0 {
			continue
		}
		if first {
			out.key = t.appendRowKey(out.key[:0], entry, group, col.number)
			out.prefix, first = len(out.key), false
		}
		binary.BigEndian.PutUint16(out.key[2:], col.number)
		out.key = out.key[:out.prefix]
		if err := t.exportValue(out, col); err != nil {
			panic(err)
		}
	}
}

// Mark begins a capture.
func (t *Table[K]) Mark(kind snapshot.MarkKind, to *rows.Rows) state.Capture {
	if kind == snapshot.MarkChanges && !t.tracked() {
		kind = snapshot.MarkFull
		state.DeleteAll(t.groups, t.numbers(), to)
	}
	return t.begin(kind, to)
}

// tracked reports whether changes can be told.
func (t *Table[K]) tracked() bool { return t.index.track != nil && t.index.track.on }

func (c *core) numbers() []uint16 {
	all := make([]uint16, len(c.columns))
	for i := range c.columns {
		all[i] = c.columns[i].number
	}
	return slices.Compact(all)
}

// track has the table ready for marks.
func (t *Table[K]) track() *tracker {
	if t.index.track == nil {
		t.index.track = newTracker()
		t.marking = &marking[K]{}
		t.marking.out.put = func(key, value []byte) error {
			t.marking.to.Set(key, value)
			return nil
		}
		t.keeper = t
	}
	return t.index.track
}

// begin marks, and returns the capture.
func (t *Table[K]) begin(kind snapshot.MarkKind, to *rows.Rows) *tableCapture[K] {
	t.leave()
	tr, m := t.track(), t.marking
	if t.capture != nil {
		t.capture.Copy(math.MaxInt)
	}
	if kind == snapshot.MarkChanges {
		to.Take(&m.gone)
	}
	tr.mark(kind)
	if kind != snapshot.MarkCanonical || !tr.on {
		m.gone, m.goneLeast = rows.Rows{}, 0
	}
	t.cursor.Epoch = tr.epoch << epochShift
	m.to = to
	t.capture = &tableCapture[K]{t: t}
	return t.capture
}

// tableCapture is what a mark of a table has to copy; t is nil when it is done.
type tableCapture[K any] struct{ t *Table[K] }

// Copy copies entries, by key group and hash.
func (c *tableCapture[K]) Copy(work int) (done bool) {
	t := c.t
	if t == nil {
		return true
	}
	t.leave()
	to := t.marking.to
	first := int(t.index.firstGroup)
	done = t.index.advance(int64(work), func(entry unsafe.Pointer, group int) int64 {
		before := to.Bytes()
		t.copyOut(entry, first+group)
		return to.Bytes() - before
	})
	if done {
		c.Drop()
	}
	return done
}

// Drop ends the capture.
func (c *tableCapture[K]) Drop() {
	if t := c.t; t != nil {
		t.index.settle()
		t.marking.to, t.capture = nil, nil
		c.t = nil
	}
}
