package storage

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// Source is the bytes of an object that is to be [Store.Put]: of known number, readable more than once, unchanged meanwhile. It is a value.
type Source struct {
	path     string
	at       io.ReaderAt
	size     int64
	checksum Checksum
	summed   bool
}

// File is the contents of a local file. It is opened by Put.
func File(path string) Source { return Source{path: path} }

// Bytes is what b holds.
func Bytes(b []byte) Source { return Section(bytes.NewReader(b), int64(len(b))) }

// Section is the first size bytes of r, which must be safe for concurrent use.
func Section(r io.ReaderAt, size int64) Source { return Source{at: r, size: size} }

// Summed declares the checksum of the source, known to whoever wrote it. Put then fails with [Damaged] if the bytes do not have it.
func (s Source) Summed(c Checksum) Source {
	s.checksum, s.summed = c, true
	return s
}

// Size is the number of bytes; for a file the one that it has now, and 0 if it cannot be told.
func (s Source) Size() int64 {
	if s.path == "" {
		return s.size
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// Content is an opened [Source].
type Content struct {
	source Source
	size   int64
	at     io.ReaderAt
	closer io.Closer
}

// Open opens the source for a store that implements Put.
func (s Source) Open() (*Content, error) {
	if s.path == "" {
		return &Content{source: s, size: s.size, at: s.at}, nil
	}
	file, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", s.path)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Content{source: s, size: info.Size(), at: file, closer: file}, nil
}

// Size is the number of bytes.
func (c *Content) Size() int64 { return c.size }

// Section reads length bytes from offset on. Each call returns a reader of its own.
func (c *Content) Section(offset, length int64) *io.SectionReader {
	return io.NewSectionReader(c.at, offset, length)
}

// Close closes the file that Open opened.
func (c *Content) Close() error {
	if c.closer == nil {
		return nil
	}
	return c.closer.Close()
}

// Agree compares what was read with what the source promised.
func (c *Content) Agree(size int64, sum Checksum) error {
	switch {
	case size != c.size:
		return fmt.Errorf("%s has %d bytes instead of %d", c.source, size, c.size)
	case c.source.summed && sum != c.source.checksum:
		return fmt.Errorf("%s has the checksum %s instead of %s", c.source, sum, c.source.checksum)
	}
	return nil
}

// String names the source for messages.
func (s Source) String() string {
	if s.path != "" {
		return s.path
	}
	return "the source"
}
