// Package storage is where checkpoints, savepoints and the job's log are kept: named, immutable objects in a local folder, in S3 or
// MinIO, or in memory. The contract is as small as exactly-once needs it. What must be unique is made by [Store.Create], which
// exactly one writer wins; what is big goes through [Store.Put] under a name that nobody else uses; nothing is ever appended to or
// renamed. Packages below this one implement it, and package storagetest is the suite that all of them pass.
package storage

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// MaxBody is how many bytes [Store.Create] and [Store.Read] take: such objects are held in memory as a whole.
const MaxBody = 64 << 20

// PageSize is how many objects [Store.List] returns at most, as in S3.
const PageSize = 1000

// Store holds objects by name. Every method may be called from any goroutine, obeys its context and returns an [*Error] where it fails.
//
// What is written is there for all processes as soon as the method returns without an error, survives a crash of the machine (of the
// whole service, for a remote store), and is never seen in part: a name either has all its bytes or does not exist. List sees it at once.
//
// Names are those of [CheckName]. No name may be the folder of another one: not both a and a/b. Folders come and go by themselves.
type Store interface {
	// String is the place of the store, as [Parse] reads it, without credentials.
	String() string

	// Create makes the object with this body unless one of the name is there. Of any number of concurrent calls, in any number of
	// processes, exactly one succeeds; the others fail with [Exists], and what they found is durable. [Ambiguous] means that it may
	// or may not have been made, now or later: read it back and compare. That takes bodies that differ from any other writer's, so
	// put a random id into each. The body is not kept.
	Create(ctx context.Context, name string, body []byte) error

	// Put makes the object from the source and returns the checksum of its bytes. An object of that name is replaced: use names that
	// are unique. After an error the object may be there, whole or not at all; doing it again is safe. It needs memory for buffers
	// only, whatever the size.
	Put(ctx context.Context, name string, source Source) (Checksum, error)

	// Read returns the whole object, if it has at most [MaxBody] bytes.
	Read(ctx context.Context, name string) ([]byte, error)

	// Open makes the object's bytes readable, without loading them. The context governs the reader until it is closed.
	Open(ctx context.Context, name string) (Reader, error)

	// Stat tells whether the object is there ([NotFound] if not) and how big it is.
	Stat(ctx context.Context, name string) (Object, error)

	// List returns the objects whose names begin with prefix and are greater than after, both possibly empty, in the order of
	// the names' bytes, at most [PageSize] of them. [All] goes through all pages.
	List(ctx context.Context, prefix, after string) (Page, error)

	// Delete removes the objects. That some are not there is no error, so that it can be repeated. After an error each may or
	// may not be gone.
	Delete(ctx context.Context, names ...string) error
}

// Reader reads one object, as it was when it was opened. ReadAt may be called from any goroutine, and from many at once. Errors are
// [*Error]s but for io.EOF; an object that is shorter than it was, or another one by now, is [Damaged].
type Reader interface {
	io.ReaderAt
	io.Closer
	// Size is the number of bytes of the object.
	Size() int64
	// Stream returns length bytes from offset on, to be read by one goroutine and closed. It ends with io.EOF exactly after them; a range
	// that does not lie within the object is refused by the first Read. It goes on where it was after a lost connection.
	Stream(offset, length int64) io.ReadCloser
}

// Object is what is known of an object without reading it.
type Object struct {
	Name string
	// Size is in bytes.
	Size int64
	// Modified is when it was made, by the clock of the store, which may differ from that of this machine.
	Modified time.Time
}

// Page is a part of a listing.
type Page struct {
	Objects []Object
	// More means that there may be objects after the last one of the page. A page that has More is not empty.
	More bool
}

// Checksum is the CRC-32C of bytes: Castagnoli's polynomial, as in RFC 3720, which the stores of S3's kind verify too.
type Checksum uint32

// String returns eight hexadecimal digits.
func (c Checksum) String() string { return fmt.Sprintf("%08x", uint32(c)) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ChecksumOf returns the checksum of the bytes.
func ChecksumOf(b []byte) Checksum { return Checksum(crc32.Checksum(b, castagnoli)) }

// Update returns the checksum of what c covers followed by b. The zero Checksum covers nothing.
func (c Checksum) Update(b []byte) Checksum { return Checksum(crc32.Update(uint32(c), castagnoli, b)) }
