// Package codec turns values into bytes and back, for exchanges between processes, keyed state and snapshots.
// Codecs are derived from Go types once per type (For, ForKey) and carry a self-describing schema; Resolve reads what an
// older version of a type has written. FORMAT.md specifies the bytes.
package codec

import "github.com/weir-stream/weir/api/codec/schema"

// Codec encodes values of T. A codec is immutable and safe for concurrent use.
type Codec[T any] interface {
	// Append appends the encoding of *v to dst. It panics with a *ValueError if this one value cannot be encoded although
	// its type can: too deeply nested, an unregistered type in an interface, a failing marshaler of its own.
	Append(dst []byte, v *T) []byte
	// Decode reads one value from the front of src into *v, overwriting all of it, and returns what follows it.
	// The decoded value shares no memory with src; strings of it may share one allocation of up to a kilobyte, so a program that keeps
	// one of them for long and drops the others should clone it. A malformed src is a *FormatError, never a panic,
	// and allocates no more than a small multiple of len(src). After an error the contents of *v are not specified.
	Decode(src []byte, v *T) (rest []byte, err error)
	// Schema describes the encoding.
	Schema() *schema.Schema
	// Flat reports whether T's memory holds no pointers, so that state tables may keep values of T as they are.
	Flat() bool
}

// Key is the codec of a key type: its encoding is stable across builds and machines, equal keys encode equally, and
// bytes.Compare of two encodings is a total order.
type Key[K any] interface {
	Codec[K]
	// Hash writes the stable hash of each key to hashes, which has the length of keys: keygroup.HashWords of its words
	// or, where Words() == 0, keygroup.HashBytes of its view. It returns the position of the first key that may not be
	// one (a NaN), with hashes undefined from there on, or -1. A key that it reports must not reach the other methods.
	Hash(keys []K, hashes []uint64) int
	// Words is how many 64-bit words hold any key of K, or 0 where keys vary in length (strings) or need more than 4.
	Words() int
	// Pack writes the Words() words of each key one after the other; the words of different keys differ.
	// It may be called only where Words() > 0.
	Pack(keys []K, words []uint64)
	// Unpack is the inverse of Pack for one key.
	Unpack(words []uint64) K
	// View returns the bytes of a key that varies in length without copying where it can (a string's own bytes);
	// otherwise it appends them to scratch. Only where Words() == 0. Injective; not necessarily the encoding. The view
	// must not be written to, and is valid as long as key and scratch are.
	View(key K, scratch []byte) []byte
	// FromView is the inverse of View; the key shares no memory with view.
	FromView(view []byte) (K, error)
}
