package exchange

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/network/transport"
)

// receiving is the consumer's end of a channel from another process.
type receiving[T any] struct {
	from   *transport.Receiver
	remote Remote[T]
	// shell is the frame in front, decoded, or nil; event says whose credit it has.
	shell  *slot[T]
	shells *shells[T]
	event  bool
	// pieces are those that came of a large record.
	pieces []byte
	// bytes and frames are what came, frontBytes how many bytes of them the frame in front had.
	bytes, frames uint64
	frontBytes    int
}

// shells are what frames are decoded into, shared by the channels that one task reads: it works on one of them at a time, so the same memory, which is in
// the cache, serves all.
type shells[T any] struct{ free []*slot[T] }

// keepShells is how many are kept; more are in use only while frames wait half consumed, as for a checkpoint.
const keepShells = 2

func (s *shells[T]) take() *slot[T] {
	n := len(s.free)
	if n == 0 {
		return new(slot[T])
	}
	shell := s.free[n-1]
	s.free = s.free[:n-1]
	return shell
}

func (s *shells[T]) give(shell *slot[T]) {
	if len(s.free) < keepShells {
		s.free = append(s.free, shell)
	}
}

// front returns the oldest frame, decoded, or nil.
func (r *receiving[T]) front() *slot[T] {
	for r.shell == nil {
		frame, event, err := r.from.Next()
		if err != nil {
			return r.fail(err)
		}
		if frame == nil {
			return nil
		}
		r.event = event
		r.frontBytes = len(frame.Payload())
		r.bytes, r.frames = r.bytes+uint64(r.frontBytes), r.frames+1
		shell := r.shells.take()
		whole, err := r.decode(frame.Payload(), shell)
		r.from.Done(frame)
		if err != nil {
			return r.fail(&DecodingError{Edge: r.remote.Edge, Cause: err})
		}
		if !whole {
			r.shells.give(shell)
			r.from.Release(event)
			continue
		}
		r.shell = shell
	}
	return r.shell
}

// fail makes the error what stands in front, for good.
func (r *receiving[T]) fail(err error) *slot[T] {
	r.shell = &slot[T]{failure: err}
	return r.shell
}

// release gives the credit of the frame in front back.
func (r *receiving[T]) release() {
	r.shells.give(r.shell)
	r.shell = nil
	r.from.Release(r.event)
}

func (r *receiving[T]) queued() int {
	n := r.from.Queued()
	if r.shell != nil {
		n++
	}
	return n
}

func (r *receiving[T]) fill() Fill {
	f := Fill{Batches: r.queued(), Room: r.from.Room(), Bytes: r.from.QueuedBytes(), RoomBytes: r.from.Room() * mostPayload}
	if r.shell != nil {
		f.Bytes += r.frontBytes
	}
	return f
}

// keepPieces is how much memory for pieces is kept for the next large record.
const keepPieces = 1 << 20

// decode reads a payload into a shell. It reports whether there is something in it, or only a piece of a record.
func (r *receiving[T]) decode(src []byte, s *slot[T]) (whole bool, err error) {
	if len(src) > 0 && src[0] == flagPiece {
		if r.event || len(r.pieces)+len(src)-1 > r.remote.maxRecord() || len(src) == 1 {
			return false, fmt.Errorf("a piece of %d bytes of a record behind %d", len(src)-1, len(r.pieces))
		}
		r.pieces = append(r.pieces, src[1:]...)
		return false, nil
	}
	p, records, times, hashes, events, err := parsePayload(src, len(r.pieces))
	if err != nil {
		return false, err
	}
	if r.event != (p.records == 0) {
		return false, fmt.Errorf("%d records in a frame of events: %v", p.records, r.event)
	}
	s.batch.Values = resized(s.batch.Values, p.records)
	s.batch.Timestamps = s.batch.Timestamps[:0]
	s.batch.Hashes = s.batch.Hashes[:0]
	if p.times != noTimes && p.records > 0 {
		s.batch.Timestamps = resized(s.batch.Timestamps, p.records)
		parseTimes(times, p.times, s.batch.Timestamps)
	}
	if len(hashes) > 0 {
		s.batch.Hashes = resized(s.batch.Hashes, p.records)
		parseHashes(hashes, s.batch.Hashes)
	}
	if s.marks, err = parseEvents(events, p.events, p.records, s.marks[:0]); err != nil {
		return false, err
	}
	return true, r.decodeRecords(records, s.batch.Values)
}

func (r *receiving[T]) decodeRecords(src []byte, into []T) error {
	if len(r.pieces) > 0 {
		src = append(r.pieces, src...)
		r.pieces = src[:0]
		if cap(r.pieces) > keepPieces {
			r.pieces = nil
		}
	}
	rest, err := codec.DecodeBatch(r.remote.Codec, src, into)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes follow the records", len(rest))
	}
	return err
}

// resized returns a slice of n elements over the memory of s if that has room. What is in it is to be overwritten.
func resized[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]T, n, max(n, 2*cap(s)))
}
