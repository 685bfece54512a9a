package codec

import (
	"encoding/binary"
	"math"
	"sync/atomic"
	"time"
	"unsafe"
)

// A time is its instant, exact to the nanosecond, and the offset of its zone from UTC; the zone's name and rules and
// the monotonic reading are not kept. UTC stays UTC.
const (
	timeWidth = 16
	utcMark   = math.MinInt32 // in place of an offset
	maxOffset = 48 * 3600     // seconds; no zone of the world is further away
)

func appendTime(dst []byte, q unsafe.Pointer) []byte {
	t := (*time.Time)(q)
	offset := int32(utcMark)
	if t.Location() != time.UTC {
		_, seconds := t.Zone()
		offset = int32(seconds)
	}
	dst = binary.LittleEndian.AppendUint64(dst, uint64(t.Unix()))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(t.Nanosecond()))
	return binary.LittleEndian.AppendUint32(dst, uint32(offset))
}

func decodeTime(src []byte, q unsafe.Pointer) ([]byte, *FormatError) {
	if len(src) < timeWidth {
		return nil, cut()
	}
	seconds := int64(binary.LittleEndian.Uint64(src))
	nanoseconds := binary.LittleEndian.Uint32(src[8:])
	offset := int32(binary.LittleEndian.Uint32(src[12:]))
	if nanoseconds >= 1e9 {
		return nil, malformed("a time has %d nanoseconds", nanoseconds)
	}
	t := time.Unix(seconds, int64(nanoseconds))
	switch {
	case offset == utcMark:
		t = t.UTC()
	case offset < -maxOffset || offset > maxOffset:
		return nil, malformed("a time is %d s off UTC", offset)
	default:
		t = t.In(zone(int(offset)))
	}
	*(*time.Time)(q) = t
	return src[timeWidth:], nil
}

// zones holds one Location for each quarter of an hour, so that decoding allocates none for them and equal times are
// equal under ==.
var zones [2*maxOffset/900 + 1]atomic.Pointer[time.Location]

func zone(offset int) *time.Location {
	if offset%900 != 0 {
		return time.FixedZone("", offset)
	}
	slot := &zones[(offset+maxOffset)/900]
	if known := slot.Load(); known != nil {
		return known
	}
	slot.CompareAndSwap(nil, time.FixedZone("", offset))
	return slot.Load()
}
