// Package sstable writes and reads the sorted tables that snapshots hold keyed state in: Pebble's sstables, so that the pebble
// backend can take them in as they are and any tool that knows the format can read them. All of it happens in memory.
package sstable

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/sstable"
)

// Format is the version of the tables' format. Tables of landed versions stay readable.
const Format = sstable.TableFormatPebblev6

// Writer makes one table. One goroutine owns it.
type Writer struct {
	table *sstable.Writer
	file  file
	last  []byte
}

// NewWriter starts a table.
func NewWriter() *Writer { return &Writer{} }

// Add adds an entry, copying both. Its key is greater than that of the entry before.
func (w *Writer) Add(key, value []byte) error {
	if w.table == nil {
		w.table = sstable.NewWriter(&w.file, options)
	} else if bytes.Compare(key, w.last) <= 0 {
		return fmt.Errorf("snapshot table: key %x comes after %x, which is not less", key, w.last)
	}
	w.last = append(w.last[:0], key...)
	if err := w.table.Set(key, value); err != nil {
		return fmt.Errorf("snapshot table: %w", err)
	}
	return nil
}

// Finish returns the table. That of no entries is empty. The writer is done for then, whatever it returns.
func (w *Writer) Finish() ([]byte, error) {
	if w.table == nil {
		return nil, nil
	}
	err := w.table.Close()
	w.table = nil
	if err != nil {
		return nil, fmt.Errorf("snapshot table: %w", err)
	}
	return w.file.bytes, nil
}

// Close gives up a table that is not wanted any more. After Finish it does nothing.
func (w *Writer) Close() error {
	if w.table == nil {
		return nil
	}
	w.file.aborted = true
	err := w.table.Close()
	w.table = nil
	if errors.Is(err, errAborted) {
		return nil
	}
	return err
}

// Small restart intervals and filters are for random reads; these tables are scanned.
var options = sstable.WriterOptions{
	TableFormat: Format,
	BlockSize:   32 << 10,
	Compression: sstable.SnappyCompression,
}

// file is where a table is written to.
type file struct {
	bytes   []byte
	aborted bool
}

var errAborted = errors.New("the table was given up")

// Write keeps a copy, as what it is given is reused.
func (f *file) Write(p []byte) error {
	if f.aborted {
		return errAborted
	}
	f.bytes = append(f.bytes, p...)
	return nil
}

// Finish does nothing: memory has nothing to flush.
func (f *file) Finish() error { return nil }

// Abort forgets what was written.
func (f *file) Abort() { f.bytes = nil }
