// Package sstable writes and reads the sorted tables that snapshots hold keyed state in: Pebble's sstables, so that the pebble
// backend can take them in as they are and any tool that knows the format can read them.
package sstable

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/objstorage"
	"github.com/cockroachdb/pebble/v2/sstable"

	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
)

// Format is the version of the tables' format. Tables of landed versions stay readable.
const Format = sstable.TableFormatPebblev6

// Writer makes one table. One goroutine owns it.
type Writer struct {
	table *sstable.Writer
	into  output
	last  []byte
	n     uint64
	// ranged is the end of the last deleted range.
	ranged []byte
	done   bool
}

// output is where a table is written to.
type output interface {
	objstorage.Writable
	// giveUp has the next Write or Finish fail, so that closing the table does not complete it.
	giveUp()
}

// NewWriter starts a table in memory.
func NewWriter() *Writer { return &Writer{into: &memory{}} }

// NewFileWriter starts a table in a new file, which Finish or Close closes. It is not synced: what counts is the copy that is made of it.
func NewFileWriter(file *os.File) *Writer {
	return &Writer{into: &disk{file: file, buffer: bufio.NewWriterSize(file, 256<<10)}}
}

func (w *Writer) begin() {
	if w.table == nil {
		w.table = sstable.NewWriter(w.into, options)
	}
}

// Add adds an entry, copying both. Its key is greater than that of the entry before.
func (w *Writer) Add(key, value []byte) error {
	if err := w.next(key); err != nil {
		return err
	}
	return wrap(w.table.Set(key, value))
}

// Delete adds that the entry of a key is deleted, in the order of the entries.
func (w *Writer) Delete(key []byte) error {
	if err := w.next(key); err != nil {
		return err
	}
	return wrap(w.table.Delete(key))
}

func (w *Writer) next(key []byte) error {
	w.begin()
	if w.n > 0 && bytes.Compare(key, w.last) <= 0 {
		return fmt.Errorf("snapshot table: key %x comes after %x, which is not less", key, w.last)
	}
	w.last = append(w.last[:0], key...)
	w.n++
	return nil
}

// DeleteRange adds that what older tables have from a key on and before another is deleted. The entries of this table stay. Ranges
// come in ascending order and do not overlap; they may come between entries or after them.
func (w *Writer) DeleteRange(from, to []byte) error {
	w.begin()
	if bytes.Compare(from, to) >= 0 || bytes.Compare(from, w.ranged) < 0 {
		return fmt.Errorf("snapshot table: the deleted range from %x to %x is out of order", from, to)
	}
	w.ranged = append(w.ranged[:0], to...)
	return wrap(w.table.DeleteRange(bytes.Clone(from), bytes.Clone(to)))
}

// AddRows sorts rows and adds them all, to an empty table, with their runs and what they are changes of.
func (w *Writer) AddRows(r *rows.Rows) error {
	ranges, err := mergeRows(r, w.add)
	if err != nil {
		return err
	}
	for _, deleted := range ranges {
		if err := w.DeleteRange(deleted.From, deleted.To); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) add(key, value []byte, kind rows.Kind) error {
	switch kind {
	case rows.Delete:
		return w.Delete(key)
	case rows.Merge:
		if err := w.next(key); err != nil {
			return err
		}
		return wrap(w.table.Merge(key, value))
	}
	return w.Add(key, value)
}

// Entries is how many entries were added, deletions among them.
func (w *Writer) Entries() uint64 { return w.n }

// Finish completes the table and returns it, or nil if it is in a file. That of no entries is empty. The writer is done for then,
// whatever it returns.
func (w *Writer) Finish() ([]byte, error) {
	w.done = true
	if w.table == nil {
		return nil, w.into.Finish()
	}
	err := w.table.Close()
	w.table = nil
	if err != nil {
		return nil, fmt.Errorf("snapshot table: %w", err)
	}
	if m, ok := w.into.(*memory); ok {
		return m.bytes, nil
	}
	return nil, nil
}

// Close gives up a table that is not wanted any more. After Finish it does nothing.
func (w *Writer) Close() error {
	if w.done {
		return nil
	}
	w.done = true
	if w.table == nil {
		w.into.Abort()
		return nil
	}
	w.into.giveUp()
	err := w.table.Close()
	w.table = nil
	if errors.Is(err, errAborted) {
		return nil
	}
	return err
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("snapshot table: %w", err)
	}
	return nil
}

// The tables are scanned, but for those that a restored database takes in as they are: it looks for single keys in all tables of a chain, of which
// the filters leave most out. So their blocks are small, as each look at one that is not in memory reads and checks all of it.
var options = sstable.WriterOptions{
	TableFormat:    Format,
	FilterPolicy:   bloom.FilterPolicy(10), // bits a key
	FilterType:     sstable.TableFilter,
	BlockSize:      8 << 10,
	IndexBlockSize: 128 << 10,
	Compression:    sstable.SnappyCompression,
}

var errAborted = errors.New("the table was given up")

// memory keeps a table.
type memory struct {
	bytes []byte
	// aborted is set as disk's is.
	aborted atomic.Bool
}

// Write keeps a copy, as what it is given is reused.
func (m *memory) Write(p []byte) error {
	if m.aborted.Load() {
		return errAborted
	}
	m.bytes = append(m.bytes, p...)
	return nil
}

// Finish does nothing: memory has nothing to flush.
func (m *memory) Finish() error { return nil }

// Abort forgets what was written.
func (m *memory) Abort() { m.bytes = nil }

func (m *memory) giveUp() { m.aborted.Store(true) }

// disk writes a table to a file, which is left incomplete if it is given up.
type disk struct {
	file   *os.File
	buffer *bufio.Writer
	// aborted is set by the owner of the table while a goroutine of Pebble's writer may still have blocks to write.
	aborted atomic.Bool
}

func (d *disk) Write(p []byte) error {
	if d.aborted.Load() {
		return errAborted
	}
	_, err := d.buffer.Write(p)
	return err
}

// Finish completes the file.
func (d *disk) Finish() error {
	if d.aborted.Load() {
		return errors.Join(errAborted, d.file.Close())
	}
	return errors.Join(d.buffer.Flush(), d.file.Close())
}

// Abort closes the file.
func (d *disk) Abort() { _ = d.file.Close() }

func (d *disk) giveUp() { d.aborted.Store(true) }
