package snapshot

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
)

// Verifier compares the bytes that are written to it with what a reference says of them, without holding them. It is for one goroutine.
type Verifier struct {
	path   string
	ref    *FileRef
	length uint64
	crc    uint32
	sha    hash.Hash
}

// Verifier returns what takes the bytes that the reference names. Path names the file in the error.
func (f *FileRef) Verifier(path string) *Verifier {
	c := &Verifier{path: path, ref: f}
	if len(f.Sha256) > 0 {
		c.sha = sha256.New()
	}
	return c
}

// Write takes bytes in their order. It does not fail.
func (c *Verifier) Write(b []byte) (int, error) {
	c.length += uint64(len(b))
	c.crc = updateCRC(c.crc, b)
	if c.sha != nil {
		c.sha.Write(b)
	}
	return len(b), nil
}

// Done reports, as a *DamagedError, bytes that are not those of the reference.
func (c *Verifier) Done() error {
	switch {
	case c.length != c.ref.Length:
		return &DamagedError{Path: c.path, Reason: fmt.Sprintf("it has %d of %d bytes from %d on", c.length, c.ref.Length, c.ref.Offset)}
	case c.ref.Crc32C != nil && c.crc != *c.ref.Crc32C:
		return &DamagedError{Path: c.path, Reason: "its checksum is wrong"}
	case c.sha != nil && !bytes.Equal(c.sha.Sum(nil), c.ref.Sha256):
		return &DamagedError{Path: c.path, Reason: "its SHA-256 is wrong"}
	}
	return nil
}

// Verify compares bytes with what a reference says of them. Path names the file in the error, which is a *DamagedError.
func (f *FileRef) Verify(path string, data []byte) error {
	c := f.Verifier(path)
	_, _ = c.Write(data)
	return c.Done()
}
