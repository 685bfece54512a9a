package transport

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// Compression is how the data frames of a connection are compressed, if that makes them smaller.
type Compression uint8

// The compressions.
const (
	NoCompression Compression = iota
	S2
	Zstd
)

// ParseCompression reads NONE, S2 or ZSTD.
func ParseCompression(name string) (Compression, error) {
	switch name {
	case "", "NONE", "none":
		return NoCompression, nil
	case "S2", "s2":
		return S2, nil
	case "ZSTD", "zstd":
		return Zstd, nil
	}
	return 0, fmt.Errorf("compression %q: want NONE, S2 or ZSTD", name)
}

// String returns the name that ParseCompression reads.
func (c Compression) String() string {
	switch c {
	case S2:
		return "S2"
	case Zstd:
		return "ZSTD"
	}
	return "NONE"
}

// choose is what the dialed side makes of the dialer's wishes: its own if both have it.
func (c Compression) choose(offered []Compression) Compression {
	for _, o := range offered {
		if o == c {
			return c
		}
	}
	return NoCompression
}

func (c Compression) offer() []Compression {
	if c == NoCompression {
		return nil
	}
	return []Compression{c}
}

// leastCompressed is the payload below which compression is not tried.
const leastCompressed = 512

// zstdCoder is made when the first connection needs it; both ends are safe for concurrent use.
var zstdCoder = sync.OnceValues(func() (*zstd.Encoder, *zstd.Decoder) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithWindowSize(32<<10))
	if err != nil {
		panic("transport: zstd: " + err.Error()) // the options are constants
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(1<<20), zstd.WithDecoderConcurrency(0))
	if err != nil {
		panic("transport: zstd: " + err.Error())
	}
	return encoder, decoder
})

// compress returns a buffer with b's payload compressed and recycles b, or b if that saves less than an eighth.
func (c Compression) compress(b *Buffer) *Buffer {
	payload := b.Payload()
	if c == NoCompression || len(payload) < leastCompressed {
		return b
	}
	into := newBuffer(fullBuffer)
	room := into.memory[headerSize:]
	var out []byte
	switch c {
	case S2:
		if s2.MaxEncodedLen(len(payload)) <= len(room) {
			out = s2.Encode(room, payload)
		}
	case Zstd:
		encoder, _ := zstdCoder()
		out = encoder.EncodeAll(payload, room[:0])
	}
	if len(out) == 0 || len(out) > len(payload)-len(payload)/8 {
		into.recycle()
		return b
	}
	into.data, into.compressed = into.memory[:headerSize+len(out)], true
	b.recycle()
	return into
}

// expand returns a buffer with the payload as it was before compress.
func (c Compression) expand(payload []byte) (*Buffer, error) {
	into := newBuffer(fullBuffer)
	plain, err := c.decode(into.memory[headerSize:headerSize+PayloadSize], payload)
	if err != nil {
		into.recycle()
		return nil, malformed("a compressed frame that cannot be read: %v", err)
	}
	into.data = into.memory[:headerSize+len(plain)]
	return into, nil
}

func (c Compression) decode(room, payload []byte) ([]byte, error) {
	switch c {
	case S2:
		n, err := s2.DecodedLen(payload)
		if err != nil {
			return nil, err
		}
		if n > len(room) {
			return nil, fmt.Errorf("%d bytes, of which %d are the most", n, len(room))
		}
		return s2.Decode(room, payload)
	case Zstd:
		var h zstd.Header
		if err := h.Decode(payload); err != nil {
			return nil, err
		}
		if !h.HasFCS || h.FrameContentSize > uint64(len(room)) {
			return nil, fmt.Errorf("%d bytes, of which %d are the most", h.FrameContentSize, len(room))
		}
		_, decoder := zstdCoder()
		plain, err := decoder.DecodeAll(payload, room[:0])
		if err == nil && len(plain) > len(room) {
			err = fmt.Errorf("%d bytes, of which %d are the most", len(plain), len(room))
		}
		return plain, err
	}
	return nil, fmt.Errorf("this connection has no compression")
}
