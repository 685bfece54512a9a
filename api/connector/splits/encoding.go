package splits

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/weir-stream/weir/api/connector"
)

// version stands first in an encoded list.
const version = 1

// Encode writes a list of splits as a version byte, their number, and for each its id and its state, both with their
// lengths before them. Numbers are unsigned varints.
func Encode(splits []connector.Split) []byte {
	size := 1 + binary.MaxVarintLen64
	for _, split := range splits {
		size += 2*binary.MaxVarintLen64 + len(split.ID) + len(split.State)
	}
	to := append(make([]byte, 0, size), version)
	to = binary.AppendUvarint(to, uint64(len(splits)))
	for _, split := range splits {
		to = binary.AppendUvarint(to, uint64(len(split.ID)))
		to = append(to, split.ID...)
		to = binary.AppendUvarint(to, uint64(len(split.State)))
		to = append(to, split.State...)
	}
	return to
}

// Decode reads what Encode wrote and nothing else. The result does not share the memory of encoded.
func Decode(encoded []byte) ([]connector.Split, error) {
	d := decoder{rest: encoded}
	if got := d.bytes(1); d.failed || got[0] != version {
		return nil, d.fail(encoded)
	}
	n := d.length(2) // each split takes at least its two lengths
	splits := make([]connector.Split, 0, n)
	for range n {
		id := string(d.bytes(d.length(1)))
		splits = append(splits, connector.Split{ID: id, State: bytes.Clone(d.bytes(d.length(1)))})
	}
	if d.failed || len(d.rest) > 0 || !bytes.Equal(Encode(splits), encoded) {
		return nil, d.fail(encoded)
	}
	return splits, nil
}

// decoder reads a list from the front. After a failure it yields zeros.
type decoder struct {
	rest   []byte
	failed bool
}

// length reads a number of things that take at least size bytes each in what follows.
func (d *decoder) length(size int) int {
	n, width := binary.Uvarint(d.rest)
	if d.failed || width <= 0 || n > uint64((len(d.rest)-width)/size) {
		d.failed = true
		return 0
	}
	d.rest = d.rest[width:]
	return int(n)
}

func (d *decoder) bytes(n int) []byte {
	if d.failed || n > len(d.rest) {
		d.failed = true
		return nil
	}
	read := d.rest[:n]
	d.rest = d.rest[n:]
	return read
}

func (d *decoder) fail(encoded []byte) error {
	return fmt.Errorf("%d bytes that should be a list of splits (version %d), %d of them not understood: %w", len(encoded), version, len(d.rest), errMalformed)
}
