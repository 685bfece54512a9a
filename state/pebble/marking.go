package pebble

import (
	"errors"
	"os"
	"path/filepath"

	changes "github.com/weir-stream/weir/checkpoint/snapshot/rows"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/state/table"
)

// marking is what a backend, or all panes together, know of their marks.
//
// Whatever is written to Pebble is also an addition to the last mark, if synced: then the tables of the snapshots up to that mark, with the log
// behind them, say the same as Pebble does together with what the tables of memory owe it. A mark of changes hands the log over and has copied, little
// by little, what is changed in the tables of memory. A mark of everything has that written to Pebble, with what is owed, and copied on its way, and
// adds what Pebble had at the mark.
type marking struct {
	// synced is false as long as there was no mark, and after one that was copied from memory as a whole.
	synced bool
	// log has what was changed since the last mark that was not canonical and is not in memory any more.
	log changes.Rows
	// to are the rows of the capture under way; nil if there is none, or it was dropped.
	to *changes.Rows
	// kept says that what the capture copies counts as changed for the next one, too.
	kept bool
	// logs is a buffer.
	logs []*changes.Rows
}

// begin begins a capture.
func (m *marking) begin(kind snapshot.MarkKind, to *changes.Rows) {
	if kind != snapshot.MarkCanonical {
		if kind == snapshot.MarkChanges && m.synced {
			to.Take(&m.log)
		}
		m.log.Release()
		m.synced = true
	}
	m.to, m.kept = to, kind == snapshot.MarkCanonical
}

// of are the rows that the changes of an entry go to, which was, or was not, changed before the mark of the capture under way, and which captures of
// changes were, or were not, told of.
func (m *marking) of(before, told bool) []*changes.Rows {
	m.logs = m.logs[:0]
	if before && m.to != nil {
		m.logs = append(m.logs, m.to)
	}
	if m.synced && !told && (!before || m.kept) {
		m.logs = append(m.logs, &m.log)
	}
	return m.logs
}

// deleteRange notes that a range of what Pebble has was deleted. What was changed in it before the mark of the capture under way has been copied.
func (m *marking) deleteRange(from, to []byte) {
	if m.synced {
		m.log.DeleteRange(from, to)
	}
}

// most is about how many bytes the log may take before it is written to a run.
func (d *Database) most() int64 { return max(d.options.Memory/32, leastLog) }

const leastLog = 64 << 10

// trim writes the log to a run if it has become large.
func (m *marking) trim(d *Database) {
	if m.log.Bytes() <= d.most() {
		return
	}
	m.log.Compact()
	if 2*m.log.Bytes() <= d.most() {
		return
	}
	run, err := d.run(m.log.Cut())
	if err != nil {
		fail("write", err)
	}
	m.log.Behind(run)
}

// run writes changes to a file of its own, or keeps them if the database has no files.
func (d *Database) run(r *changes.Rows) (changes.Run, error) {
	run := changes.Run{Entries: r.Len(), Done: func() {}}
	w := sstable.NewWriter()
	if _, onDisk := d.options.files.(disposable); onDisk {
		file, err := os.CreateTemp(d.options.Folder, "log-*.sst")
		if err != nil {
			return run, err
		}
		w, run.Path = sstable.NewFileWriter(file), filepath.Clean(file.Name())
		run.Done = func() { _ = os.Remove(run.Path) }
	}
	err := w.AddRows(r)
	if err == nil {
		run.Bytes, err = w.Finish()
	}
	if err != nil {
		err = errors.Join(err, w.Close())
		run.Done()
	}
	return run, err
}

// logging calls f, which gathers rows of the current entry, so that they are additions to the marks too.
func (b *Backend[K]) logging(f func()) {
	rows := &b.db.rows
	if !b.peeking {
		rows.logs = b.marking.of(b.hot.Unswept(), b.hot.Owed())
		defer func() { rows.logs = nil }()
	}
	f()
}

// rescue copies the current entry, which was changed before the last mark and is about to be changed again.
func (b *Backend[K]) rescue() {
	row := b.row
	b.row = b.rescued
	if b.cold && !b.owing {
		b.gather()
		b.write()
	} else {
		b.copyOut()
	}
	b.rescued = b.row[:0]
	b.row = row
}

// copyOut adds the current entry to the capture's rows. It goes on to count as changed, or is owed to Pebble, so nothing of it is logged.
func (b *Backend[K]) copyOut() (bytes int) {
	rows := &b.db.rows
	number, at := len(rows.rows), len(rows.bytes)
	rows.logs = b.marking.of(true, true)
	if b.cold {
		b.gatherColumns()
	} else {
		b.copyRows()
	}
	rows.logs = nil
	bytes = len(rows.bytes) - at
	rows.cut(number, at)
	return bytes
}

// sweep copies entries that were changed before the last mark, for about work bytes, and reports whether none is left.
func (b *Backend[K]) sweep(work int) (done bool) {
	if b.hot == nil || !b.hot.Sweeping() {
		return true
	}
	if !b.cold {
		return b.hot.Sweep(work, table.StillChanged, b.copyOut)
	}
	if b.owing {
		return b.hot.Sweep(work, table.Owed, b.copyOut)
	}
	rows := &b.db.rows
	done = b.hot.Sweep(work, table.Unchanged, func() (bytes int) {
		at := len(rows.bytes)
		b.gather()
		bytes = len(rows.bytes) - at
		if len(rows.bytes) >= gatherBytes {
			b.write()
		}
		return bytes
	})
	b.write()
	return done
}

// fewBytes is the size of state up to which it is copied as a whole by a mark, as long as Pebble has nothing of it.
const fewBytes = 64 << 10

// capture copies the entries of a backend, or of panes, that were changed before a mark. It is done when there are none left.
type capture struct {
	marking *marking
	// sweeps has for each table that is yet to be copied what copies on.
	sweeps []func(work int) (done bool)
	// rows are those of the database.
	rows *changes.Rows
}

// Copy copies one table after the other.
func (c *capture) Copy(work int) (done bool) {
	for len(c.sweeps) > 0 {
		before := c.rows.Bytes()
		if !c.sweeps[0](work) {
			return false
		}
		c.sweeps = c.sweeps[1:]
		if work -= int(c.rows.Bytes()-before) + tableCost; work <= 0 && len(c.sweeps) > 0 {
			return false
		}
	}
	if c.marking.to == c.rows {
		c.marking.to = nil
	}
	return true
}

// tableCost is what it counts to look at a table, in bytes.
const tableCost = 64

// Drop has what is left copied nowhere, before the next mark.
func (c *capture) Drop() {
	if c.marking.to == c.rows {
		c.marking.to = nil
	}
}
