package storage

import (
	"errors"
	"fmt"
	"io"
)

// StreamOf returns the [Reader.Stream] of a store in which ReadAt is cheap.
func StreamOf(r Reader, store, object string, offset, length int64) io.ReadCloser {
	if err := CheckRange(store, object, r.Size(), offset, length); err != nil {
		return FailedStream(err)
	}
	return &section{SectionReader: io.NewSectionReader(r, offset, length), store: store, object: object}
}

// CheckRange refuses a range that does not lie within an object of that size.
func CheckRange(store, object string, size, offset, length int64) error {
	if offset < 0 || length < 0 || offset > size-length {
		return &Error{
			Kind: Damaged, Op: "read", Store: store, Object: object,
			Err: fmt.Errorf("bytes %d to %d of an object that has %d", offset, offset+length, size),
		}
	}
	return nil
}

// FailedStream returns a stream whose first Read fails with the error.
func FailedStream(err error) io.ReadCloser { return failed{err} }

type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }
func (f failed) Close() error             { return nil }

// section finds an object that ends too early.
type section struct {
	*io.SectionReader
	store, object string
	read          int64
}

func (s *section) Read(p []byte) (int, error) {
	n, err := s.SectionReader.Read(p)
	s.read += int64(n)
	if errors.Is(err, io.EOF) && s.read < s.Size() {
		err = &Error{
			Kind: Damaged, Op: "read", Store: s.store, Object: s.object,
			Err: fmt.Errorf("it ends after %d of %d bytes", s.read, s.Size()),
		}
	}
	return n, err
}

func (s *section) Close() error { return nil }
