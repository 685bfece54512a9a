package sstable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/sstable/block/blockkind"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Table is an opened table. It is safe for concurrent use.
type Table struct {
	name   string
	reader *sstable.Reader
	ranges []deleted
	// filter checks the filter once, when the table is first read.
	filter func() error
}

// deleted is a range of keys that the table deletes from older ones.
type deleted struct{ from, to []byte }

// Open opens the table in a file. Errors name it, and those about the content say that it is damaged.
func Open(path string) (*Table, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("snapshot table: %w", err)
	}
	info, err := file.Stat()
	if err == nil && info.Size() == 0 {
		return &Table{name: path}, file.Close()
	}
	readable, err := sstable.NewSimpleReadable(localFile{file})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("snapshot table: %w", err), file.Close())
	}
	reader, err := sstable.NewReader(context.Background(), readable, sstable.ReaderOptions{})
	if err != nil {
		return nil, errors.Join((&Table{name: path}).damaged(err), readable.Close())
	}
	return newTable(path, reader)
}

// localFile is a file as Pebble wants one.
type localFile struct{ *os.File }

func (f localFile) Stat() (vfs.FileInfo, error) {
	info, err := f.File.Stat()
	return fileInfo{info}, err
}

// fileInfo tells nothing of the device.
type fileInfo struct{ os.FileInfo }

func (fileInfo) DeviceID() (id vfs.DeviceID) { return id }

// OpenBytes opens the table that bytes are, which stay as they are. Name is for errors.
func OpenBytes(name string, table []byte) (*Table, error) {
	if len(table) == 0 {
		return &Table{name: name}, nil
	}
	reader, err := sstable.NewMemReader(table, sstable.ReaderOptions{})
	if err != nil {
		return nil, (&Table{name: name}).damaged(err)
	}
	return newTable(name, reader)
}

func newTable(name string, reader *sstable.Reader) (*Table, error) {
	t := &Table{name: name, reader: reader}
	t.filter = sync.OnceValue(t.checkFilter)
	if err := t.readRanges(); err != nil {
		return nil, errors.Join(t.damaged(err), t.Close())
	}
	return t, nil
}

// readRanges reads the deleted ranges, of which there are few.
func (t *Table) readRanges() error {
	spans, err := t.reader.NewRawRangeDelIter(context.Background(), sstable.NoFragmentTransforms, sstable.NoReadEnv)
	if err != nil || spans == nil {
		return err
	}
	defer spans.Close()
	span, err := spans.First()
	for ; span != nil && err == nil; span, err = spans.Next() {
		last := len(t.ranges) - 1
		if bytes.Compare(span.Start, span.End) >= 0 || last >= 0 && bytes.Compare(t.ranges[last].to, span.Start) > 0 {
			return errors.New("its deleted ranges are out of order")
		}
		t.ranges = append(t.ranges, deleted{bytes.Clone(span.Start), bytes.Clone(span.End)})
	}
	return err
}

// checkFilter reads the table's filter, which verifies its checksum. A scan needs nothing of it, but a database that takes the table in would
// miss keys by a filter that has lost bits. Pebble verifies it too when it loads it; this finds the damage wherever the table is read.
func (t *Table) checkFilter() error {
	layout, err := t.reader.Layout()
	if err != nil {
		return err
	}
	for _, f := range layout.Filter {
		found, err := t.reader.BlockReader().Read(context.Background(), block.NoReadEnv, nil, f.Handle, blockkind.Filter, asItIs)
		if err != nil {
			return err
		}
		found.Release()
	}
	return nil
}

func asItIs(*block.Metadata, []byte) error { return nil }

// Span returns keys such that all that the table has, deleted ranges included, is at or after the first and at or before the last. An empty
// table has none.
func (t *Table) Span() (first, last []byte, some bool, err error) {
	if t.reader == nil {
		return nil, nil, false, nil
	}
	entries, err := t.reader.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		return nil, nil, false, t.damaged(err)
	}
	if entry := entries.First(); entry != nil {
		first, some = bytes.Clone(entry.K.UserKey), true
	}
	if entry := entries.Last(); entry != nil {
		last = bytes.Clone(entry.K.UserKey)
	}
	if err := errors.Join(entries.Error(), entries.Close()); err != nil {
		return nil, nil, false, t.damaged(err)
	}
	for _, gone := range t.ranges {
		if !some || bytes.Compare(gone.from, first) < 0 {
			first = gone.from
		}
		if !some || bytes.Compare(gone.to, last) > 0 {
			last = gone.to
		}
		some = true
	}
	return first, last, some, nil
}

// Name is what the table is called in errors: its path, if it has one.
func (t *Table) Name() string { return t.name }

// Close closes the table's file.
func (t *Table) Close() error {
	if t.reader == nil {
		return nil
	}
	err := t.reader.Close()
	t.reader = nil
	if err != nil {
		return t.damaged(err)
	}
	return nil
}

func (t *Table) damaged(err error) error {
	if t.name == "" {
		return damaged(err)
	}
	return fmt.Errorf("snapshot table %s is damaged: %w", t.name, err)
}
