package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// blockSize is how much is read at once. Lines are pieces of a block's text, so whoever keeps a line keeps a block: it must
// not be large; and it should stay in the cache while its lines are found.
const blockSize = 128 << 10

// blocks cuts what a reader yields into blocks of whole lines.
type blocks struct {
	in io.Reader
	// buffer[:have] was read and not returned; offset is the place of its first byte in the text.
	buffer []byte
	have   int
	offset int64
	// skip is how many bytes are dropped first, then, with inLine, what is left of a line.
	skip   int64
	inLine bool
	// longest is how long a line may be.
	longest int
}

// start begins with what in yields. The first byte of it stands at offset in the text.
func (b *blocks) start(in io.Reader, offset, skip int64, inLine bool) {
	b.in, b.offset, b.skip, b.inLine, b.have = in, offset, skip, inLine, 0
	if len(b.buffer) != blockSize {
		b.buffer = make([]byte, blockSize)
	}
}

// next reads once and returns the lines that this completes, perhaps none. At the end of the text the last line may lack its
// line end.
func (b *blocks) next() (text string, ended bool, err error) {
	if b.have == len(b.buffer) {
		if err := b.enlarge(); err != nil {
			return "", false, err
		}
	}
	fresh := b.have
	n, err := b.in.Read(b.buffer[fresh:min(len(b.buffer), fresh+blockSize)])
	b.have += n
	if err != nil && err != io.EOF {
		return "", false, err
	}
	b.drop()
	switch {
	case err == io.EOF && b.skip > 0:
		return "", false, io.ErrUnexpectedEOF
	case err == io.EOF:
		return b.take(b.have), true, nil
	}
	// What stood there before has no line end, and what is dropped is dropped while nothing stands there.
	if end := bytes.LastIndexByte(b.buffer[fresh:max(fresh, b.have)], '\n'); end >= 0 {
		return b.take(fresh + end + 1), false, nil
	}
	return "", false, nil
}

// drop forgets what is to be skipped of what was read.
func (b *blocks) drop() {
	if b.skip > 0 {
		n := min(b.skip, int64(b.have))
		b.skip -= n
		b.forget(int(n))
	}
	if b.skip == 0 && b.inLine {
		if end := bytes.IndexByte(b.buffer[:b.have], '\n'); end >= 0 {
			b.inLine = false
			b.forget(end + 1)
		} else {
			b.forget(b.have)
		}
	}
}

func (b *blocks) take(n int) string {
	text := string(b.buffer[:n])
	b.forget(n)
	return text
}

func (b *blocks) forget(n int) {
	if n == 0 {
		return
	}
	rest := b.buffer[n:b.have]
	if len(b.buffer) > blockSize && len(rest) < blockSize { // a long line is over
		b.buffer = make([]byte, blockSize)
	}
	b.have = copy(b.buffer, rest)
	b.offset += int64(n)
}

// enlarge makes room for a line that is longer than the buffer.
func (b *blocks) enlarge() error {
	if b.have > b.longest {
		return tooLong(b.offset, b.longest)
	}
	larger := make([]byte, min(2*len(b.buffer), b.longest+blockSize))
	copy(larger, b.buffer[:b.have])
	b.buffer = larger
	return nil
}

var errTooLong = errors.New("the line is too long")

func tooLong(offset int64, longest int) error {
	return fmt.Errorf("%w: it begins at byte %d and has more than %d bytes", errTooLong, offset, longest)
}
