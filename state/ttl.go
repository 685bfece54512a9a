package state

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// WithTTL returns the descriptor of the same state with a time to live: each of its values, elements or map values is kept
// with the time of its last access before it.
func (d Descriptor) WithTTL(ttl TTL) Descriptor {
	d.TTL = ttl
	if d.Inline > 0 {
		d.Inline += timeBytes
		d.Transcoder = timedTranscoder{d.Transcoder}
	}
	return d
}

// timedTranscoder is for values that stand in memory behind their time of last access.
type timedTranscoder struct{ value Transcoder }

func (t timedTranscoder) Append(dst []byte, p unsafe.Pointer) []byte {
	return t.value.Append(appendTime(dst, *(*int64)(p)), unsafe.Add(p, timeBytes))
}

func (t timedTranscoder) Decode(src []byte, p unsafe.Pointer) ([]byte, error) {
	if len(src) < timeBytes {
		return nil, errNoTime
	}
	*(*int64)(p) = timeOf(src)
	return t.value.Decode(src[timeBytes:], unsafe.Add(p, timeBytes))
}

func appendTime(dst []byte, at int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(at)) }

// timeOf is the time at the front of encoded, which is one of the engine's own.
func timeOf(encoded []byte) int64 { return int64(binary.BigEndian.Uint64(encoded)) }

// lifetime judges the times of one state. What is accessed at t lives until t + ttl, exclusively.
type lifetime struct {
	millis int64
	// renewed says that reading prolongs a life, seen that what has expired is seen once more.
	renewed, seen bool
	now           func() int64
	// size is the bytes of an inline value with its time.
	size int
}

// lifetimeOf returns nil for a state whose values live for ever.
func lifetimeOf(d Descriptor, now func() int64) *lifetime {
	if d.TTL.Duration == 0 {
		return nil
	}
	if now == nil {
		panic(fmt.Sprintf("state %q has a time to live and was bound without a clock", d.Name))
	}
	return &lifetime{
		millis:  max(d.TTL.Duration.Milliseconds(), 1),
		renewed: d.TTL.Update == OnReadAndWrite, seen: d.TTL.Visibility == ReturnExpiredIfNotCleanedUp,
		now: now, size: d.Inline,
	}
}

// over reports whether what was last accessed then has expired.
func (l *lifetime) over(last, now int64) bool {
	end := last + l.millis
	if end < last {
		end = math.MaxInt64
	}
	return now >= end
}
