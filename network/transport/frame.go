package transport

import (
	"encoding/binary"
	"fmt"
)

// A frame is a header of twelve bytes and its payload, little-endian:
//
//	length of the payload: 3 | kind: 1 | channel: 4 | number: 4 | payload
//
// The channel is the number that the consuming end has given itself on this connection; the number counts the data and
// event frames of the channel from 0, so that one that was lost or doubled inside a process is found.
const (
	headerSize = 12
	// FrameSize bounds a frame with its header. Loopback and network cards do best with writes of this size.
	FrameSize = 32 << 10
	// PayloadSize bounds what a frame carries.
	PayloadSize = FrameSize - headerSize
)

// kind says what a frame is.
type kind uint8

const (
	// dataFrame carries records and takes a credit, eventFrame carries events only and takes one of the few that every
	// channel has for these.
	dataFrame kind = iota + 1
	eventFrame
	// openFrame says that the consuming end of a channel is there, creditFrame what it has room for again, closeFrame
	// that it is gone.
	openFrame
	creditFrame
	closeFrame
	// pingFrame shows that the sender lives.
	pingFrame
	// goodbyeFrame is the last one of a side that closes, with the reason as text.
	goodbyeFrame

	kinds // their number, and one more
)

// compressedFlag is set in the kind of a data frame whose payload is compressed.
const compressedFlag kind = 0x80

// maxEventPayload bounds an event frame: events are small, and their credit is to bound memory.
const maxEventPayload = 8 << 10

// maxGoodbye bounds the text of a goodbyeFrame.
const maxGoodbye = 512

// header is a frame without its payload.
type header struct {
	length     int
	kind       kind
	compressed bool
	channel    uint32
	number     uint32
}

func (h header) put(dst []byte) {
	k := h.kind
	if h.compressed {
		k |= compressedFlag
	}
	binary.LittleEndian.PutUint32(dst, uint32(h.length)|uint32(k)<<24)
	binary.LittleEndian.PutUint32(dst[4:], h.channel)
	binary.LittleEndian.PutUint32(dst[8:], h.number)
}

// parseHeader reads the header at the front of src, which has at least headerSize bytes.
func parseHeader(src []byte) (header, error) {
	first := binary.LittleEndian.Uint32(src)
	h := header{
		length:     int(first & 0xffffff),
		kind:       kind(first>>24) &^ compressedFlag,
		compressed: kind(first>>24)&compressedFlag != 0,
		channel:    binary.LittleEndian.Uint32(src[4:]),
		number:     binary.LittleEndian.Uint32(src[8:]),
	}
	return h, h.check()
}

// check reports what no peer sends.
func (h header) check() error {
	if h.kind == 0 || h.kind >= kinds {
		return malformed("a frame of kind %d", h.kind)
	}
	if h.compressed && h.kind != dataFrame {
		return malformed("a compressed frame of kind %d", h.kind)
	}
	if h.length > payloadLimits[h.kind] {
		return &protocolError{breach: oversized, text: fmt.Sprintf("a frame of kind %d with %d bytes, of which %d are the most", h.kind, h.length, payloadLimits[h.kind])}
	}
	return nil
}

var payloadLimits = [kinds]int{
	dataFrame: PayloadSize, eventFrame: maxEventPayload, openFrame: openSize, creditFrame: creditSize, goodbyeFrame: maxGoodbye,
}

const creditSize = 8

// appendFrame appends a frame of the connection itself.
func appendFrame(dst []byte, k kind, channel uint32, payload []byte) []byte {
	var h [headerSize]byte
	header{kind: k, channel: channel, length: len(payload)}.put(h[:])
	return append(append(dst, h[:]...), payload...)
}

func appendCredit(dst []byte, channel, data, events uint32) []byte {
	var payload [creditSize]byte
	binary.LittleEndian.PutUint32(payload[:], data)
	binary.LittleEndian.PutUint32(payload[4:], events)
	return appendFrame(dst, creditFrame, channel, payload[:])
}

func parseCredit(payload []byte) (data, events uint32, err error) {
	if len(payload) != creditSize {
		return 0, 0, malformed("a credit of %d bytes", len(payload))
	}
	return binary.LittleEndian.Uint32(payload), binary.LittleEndian.Uint32(payload[4:]), nil
}
