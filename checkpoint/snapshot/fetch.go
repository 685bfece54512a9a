package snapshot

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// CopyTo copies the bytes that a reference to a file of the store names, and compares them with what it says of them: bytes that are not
// those that were once written are a *DamagedError.
func (f *FileRef) CopyTo(ctx context.Context, store storage.Store, to io.Writer) error {
	object, err := store.Open(ctx, f.Name)
	if err != nil {
		return err
	}
	defer object.Close()
	path := store.String() + "/" + f.Name
	if end := f.Offset + f.Length; uint64(object.Size()) < end {
		return &DamagedError{Path: path, Reason: fmt.Sprintf("it has %d of %d bytes", object.Size(), end)}
	}
	stream := object.Stream(int64(f.Offset), int64(f.Length))
	defer stream.Close()
	sum := storage.NewSummer(stream)
	hash := sha256.New()
	if len(f.Sha256) > 0 {
		to = io.MultiWriter(to, hash)
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{to}, sum, make([]byte, min(f.Length+1, 256<<10))); err != nil {
		return err
	}
	switch {
	case f.Crc32C != nil && uint32(sum.Sum()) != *f.Crc32C:
		return &DamagedError{Path: path, Reason: "its checksum is wrong"}
	case len(f.Sha256) > 0 && [sha256.Size]byte(hash.Sum(nil)) != [sha256.Size]byte(f.Sha256):
		return &DamagedError{Path: path, Reason: "its SHA-256 is wrong"}
	}
	return nil
}

// Check reads the bytes that a reference names, and compares them with what it says of them.
func (f *FileRef) Check(ctx context.Context, store storage.Store) error {
	return f.CopyTo(ctx, store, io.Discard)
}
