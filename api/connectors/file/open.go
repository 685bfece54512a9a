package file

import (
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory that a zstd file may ask of its reader. It is what the zstd program allows without --long.
const maxWindow = 128 << 20

// opener opens one file at a time and keeps the decompressors, which are costly to make.
type opener struct {
	file *os.File
	gzip *gzip.Reader
	zstd *zstd.Decoder
}

// open returns the text of a file. The text of a plain file begins at offset, that of a compressed one at its start.
func (o *opener) open(path string, offset int64) (io.Reader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, failure(path, "cannot open it", err)
	}
	o.file = file
	text, err := o.text(path, offset)
	if err != nil {
		o.close()
		return nil, readFailure(path, err)
	}
	return text, nil
}

func (o *opener) text(path string, offset int64) (text io.Reader, err error) {
	switch compressionOf(path) {
	case gzipped:
		if o.gzip == nil {
			o.gzip, err = gzip.NewReader(o.file)
		} else {
			err = o.gzip.Reset(o.file)
		}
		return o.gzip, err
	case zstandard:
		if o.zstd == nil { // with a concurrency of 1 it starts no goroutine
			o.zstd, err = zstd.NewReader(o.file, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		} else {
			err = o.zstd.Reset(o.file)
		}
		return o.zstd, err
	}
	if offset > 0 {
		_, err = o.file.Seek(offset, io.SeekStart)
	}
	return o.file, err
}

// close closes the file, if one is open.
func (o *opener) close() {
	if o.file != nil {
		o.file.Close() // nothing was written
		o.file = nil
	}
}

// release closes the decompressors too.
func (o *opener) release() {
	o.close()
	if o.zstd != nil {
		o.zstd.Close()
		o.zstd = nil
	}
}

// readFailure says what a compressed file's error means.
func readFailure(path string, cause error) *Error {
	e := failure(path, "cannot read it", cause)
	if e.advice() == "" && compressionOf(path) != plain {
		e.Advice = "it is compressed, by its name, and is damaged, cut short or something else"
	}
	return e
}
