package exchange

import (
	"encoding/binary"
	"fmt"

	"github.com/weir-stream/weir/network/transport"
)

// The payload of a frame, little-endian, is a slot of the channel or a part of one:
//
//	flags: 1 | form of the event times: 1 | events: 2 | records: 4 | bytes of records: 4
//	records, one after the other, by their codec
//	event times: the least one in 8 bytes, then for each record how far it is above that, in 0, 1, 2, 4 or 8 bytes
//	key hashes: 8 bytes each, if the flag says so
//	events, each at its place
//
// A record larger than a frame is sent in pieces: payloads of the flag flagPiece and bytes, and then one that has flagPieces and
// begins with the last bytes of that one record.
const payloadHeader = 12

const (
	flagHashes byte = 1 << iota
	flagPiece
	flagPieces
	flagsKnown = flagHashes | flagPiece | flagPieces
)

// mostRecords bounds the records of a payload, whatever their size: it is the largest batch there is.
const mostRecords = 1 << 16

// payload is the fixed part of one.
type payload struct {
	flags   byte
	times   timeForm
	events  int
	records int
	bytes   int
}

func (p payload) put(dst []byte) {
	dst[0], dst[1] = p.flags, byte(p.times)
	binary.LittleEndian.PutUint16(dst[2:], uint16(p.events))
	binary.LittleEndian.PutUint32(dst[4:], uint32(p.records))
	binary.LittleEndian.PutUint32(dst[8:], uint32(p.bytes))
}

// parsePayload reads the fixed part and cuts the rest into its parts. pieces is how many bytes of the first record have come before.
func parsePayload(src []byte, pieces int) (p payload, records, times, hashes, events []byte, err error) {
	if len(src) < payloadHeader {
		return p, nil, nil, nil, nil, fmt.Errorf("it has %d bytes", len(src))
	}
	p = payload{
		flags: src[0], times: timeForm(src[1]), events: int(binary.LittleEndian.Uint16(src[2:])),
		records: int(binary.LittleEndian.Uint32(src[4:])), bytes: int(binary.LittleEndian.Uint32(src[8:])),
	}
	rest := src[payloadHeader:]
	hashBytes := 0
	if p.flags&flagHashes != 0 {
		hashBytes = 8 * p.records
	}
	switch {
	case p.flags&^flagsKnown != 0 || p.flags&flagPiece != 0:
		err = fmt.Errorf("it has the flags %#x", p.flags)
	case p.times >= timeForms:
		err = fmt.Errorf("its event times have the form %d", p.times)
	case p.records > mostRecords || p.bytes > 0 && p.records > p.bytes+pieces:
		err = fmt.Errorf("%d records in %d bytes", p.records, p.bytes)
	case p.records == 0 && (p.bytes > 0 || p.events == 0):
		err = fmt.Errorf("it has no records, %d bytes of them and %d events", p.bytes, p.events)
	case (p.flags&flagPieces != 0) != (pieces > 0) || pieces > 0 && p.records != 1:
		err = fmt.Errorf("it has %d records behind %d bytes in pieces", p.records, pieces)
	case p.bytes+p.times.size(p.records)+hashBytes > len(rest):
		err = fmt.Errorf("%d records and what they carry are cut off after %d bytes", p.records, len(rest))
	}
	if err != nil {
		return p, nil, nil, nil, nil, err
	}
	records, rest = rest[:p.bytes], rest[p.bytes:]
	n := p.times.size(p.records)
	times, rest = rest[:n], rest[n:]
	return p, records, times, rest[:hashBytes], rest[hashBytes:], nil
}

// timeForm says how the event times of a payload lie.
type timeForm byte

const (
	noTimes timeForm = iota
	sameTime
	times1
	times2
	times4
	times8

	timeForms
)

var timeWidths = [timeForms]int{times1: 1, times2: 2, times4: 4, times8: 8}

// size is how many bytes the times of n records take.
func (f timeForm) size(n int) int {
	if f == noTimes {
		return 0
	}
	return 8 + n*timeWidths[f]
}

// timeFormOf finds the shortest form and the least of the times.
func timeFormOf(times []int64) (f timeForm, least int64) {
	if len(times) == 0 {
		return noTimes, 0
	}
	least, most := times[0], times[0]
	for _, t := range times[1:] {
		least, most = min(least, t), max(most, t)
	}
	switch span := uint64(most) - uint64(least); {
	case span == 0:
		return sameTime, least
	case span < 1<<8:
		return times1, least
	case span < 1<<16:
		return times2, least
	case span < 1<<32:
		return times4, least
	}
	return times8, least
}

// appendTimes appends the times in a form that can hold them.
func appendTimes(dst []byte, f timeForm, least int64, times []int64) []byte {
	if f == noTimes {
		return dst
	}
	dst = binary.LittleEndian.AppendUint64(dst, uint64(least))
	switch f {
	case times1:
		for _, t := range times {
			dst = append(dst, byte(t-least))
		}
	case times2:
		for _, t := range times {
			dst = binary.LittleEndian.AppendUint16(dst, uint16(t-least))
		}
	case times4:
		for _, t := range times {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(t-least))
		}
	case times8:
		for _, t := range times {
			dst = binary.LittleEndian.AppendUint64(dst, uint64(t-least))
		}
	}
	return dst
}

// parseTimes reads what appendTimes has written for len(times) records; src has the size of the form.
func parseTimes(src []byte, f timeForm, times []int64) {
	least := int64(binary.LittleEndian.Uint64(src))
	src = src[8:]
	switch f {
	case sameTime:
		for i := range times {
			times[i] = least
		}
	case times1:
		for i := range times {
			times[i] = least + int64(src[i])
		}
	case times2:
		for i := range times {
			times[i] = least + int64(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case times4:
		for i := range times {
			times[i] = least + int64(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case times8:
		for i := range times {
			times[i] = least + int64(binary.LittleEndian.Uint64(src[8*i:]))
		}
	}
}

// appendHashes and parseHashes move the hashes of keys.
func appendHashes(dst []byte, hashes []uint64) []byte {
	for _, h := range hashes {
		dst = binary.LittleEndian.AppendUint64(dst, h)
	}
	return dst
}

func parseHashes(src []byte, hashes []uint64) {
	for i := range hashes {
		hashes[i] = binary.LittleEndian.Uint64(src[8*i:])
	}
}

// mostPayload is what a frame of the transport carries.
const mostPayload = transport.PayloadSize
