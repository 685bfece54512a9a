package exchange

import (
	"fmt"
	"unsafe"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/element"
)

// sending is the producer's end of a channel to another process. It has one shell, which is encoded when it is published, so that what
// is filled next is always in the cache.
type sending[T any] struct {
	to     *transport.Sender
	remote Remote[T]
	shell  slot[T]
	// perRecord is how many bytes a record takes: guessed from its memory until some were seen. Varies says that they differ.
	perRecord    int
	seen, varies bool
	// bytes and frames are what was sent.
	bytes, frames uint64
}

func newSending[T any](to *transport.Sender, r Remote[T]) *sending[T] {
	var zero T
	return &sending[T]{to: to, remote: r, perRecord: max(1, int(unsafe.Sizeof(zero)))}
}

// frameRecords is about how many records fill a frame.
func (s *sending[T]) frameRecords() int {
	const carried = 8 + 2 // hash, event time
	return max(1, (mostPayload-payloadHeader-mostEventBytes/16)/(s.estimate()+carried))
}

// estimate is how many bytes a record will take, a little more than the mean if that differs from record to record.
func (s *sending[T]) estimate() int {
	if s.varies {
		return s.perRecord + s.perRecord/8 + 1
	}
	return s.perRecord
}

// publish encodes the shell into as many frames as it takes.
func (s *sending[T]) publish() {
	defer s.nameInPanic()
	from, mark := 0, 0
	for from < len(s.shell.batch.Values) || mark < len(s.shell.marks) {
		from, mark = s.sendFrame(from, mark)
	}
	s.shell.reset()
}

// nameInPanic names the edge where a value cannot be encoded.
func (s *sending[T]) nameInPanic() {
	switch r := recover().(type) {
	case nil:
	case *EncodingError:
		panic(r)
	case error:
		panic(&EncodingError{Edge: s.remote.Edge, Cause: r})
	default:
		panic(&EncodingError{Edge: s.remote.Edge, Cause: fmt.Errorf("%v", r)})
	}
}

// sendFrame sends what fits in one frame of the records from the given one on and of the events from mark on, and returns what comes next.
func (s *sending[T]) sendFrame(from, mark int) (nextRecord, nextMark int) {
	batch, marks := &s.shell.batch, s.shell.marks[mark:]
	upTo, eventBytes := len(batch.Values), 0
	for i, m := range marks {
		size := eventSize(m.Event)
		if b := m.Event.Barrier; b != nil && len(b.Folder) > mostFolder {
			panic(fmt.Errorf("the name of the savepoint's folder %q is longer than %d bytes", b.Folder[:80], mostFolder))
		}
		if eventBytes += size; eventBytes > mostEventBytes || i == mostEvents {
			marks, upTo, eventBytes = marks[:i], m.At, eventBytes-size
			break
		}
	}
	f := frame[T]{sending: s, batch: batch, from: from, upTo: upTo, eventBytes: eventBytes}
	f.begin()
	f.fill()
	events := 0
	for _, m := range marks {
		if m.At > from+f.records {
			break
		}
		events++
	}
	f.end(marks[:events])
	return from + f.records, mark + events
}

// frame is one that is being filled.
type frame[T any] struct {
	*sending[T]
	batch *element.Batch[T]
	// from is the first record, upTo the end of those that may be in it.
	from, upTo int
	// room is for records and what they carry, beside eventBytes; carried is what that takes for each.
	room, carried, eventBytes int

	buffer *transport.Buffer
	// data is the payload so far: the place of its header, and records.
	data    []byte
	records int
	flags   byte
	times   timeForm
	least   int64
}

// begin takes a buffer that should do, which is known if records do not vary.
func (f *frame[T]) begin() {
	if len(f.batch.Timestamps) > 0 && f.from < f.upTo {
		f.times, f.least = timeFormOf(f.batch.Timestamps[f.from:f.upTo])
		f.carried = timeWidths[f.times]
	}
	if len(f.batch.Hashes) > 0 && f.from < f.upTo {
		f.flags |= flagHashes
		f.carried += 8
	}
	records := (f.upTo - f.from) * (f.estimate() + f.carried)
	if f.varies {
		records *= 2
	}
	f.use(transport.NewBufferFor(payloadHeader + f.eventBytes + leastTime + records))
}

// leastTime is what event times take once for all records of a frame.
const leastTime = 8

// use has the frame begin in a buffer.
func (f *frame[T]) use(b *transport.Buffer) {
	f.buffer, f.data = b, b.Room()[:payloadHeader]
	f.room = b.Capacity() - payloadHeader - f.eventBytes - leastTime
}

// left is the room that is left.
func (f *frame[T]) left() int { return f.room - (len(f.data) - payloadHeader) - f.records*f.carried }

// fill encodes records while they are thought to fit: as many at once as by their estimate, and fewer if they turn out larger.
func (f *frame[T]) fill() {
	most := f.upTo
	for f.from+f.records < f.upTo {
		n := min(f.left()/(f.estimate()+f.carried), f.upTo-f.from-f.records, most)
		if n <= 0 {
			if f.records > 0 {
				return
			}
			n = 1
		}
		first := f.from + f.records
		grown := codec.AppendBatch(f.remote.Codec, f.data, f.batch.Values[first:first+n])
		size := len(grown) - len(f.data)
		switch {
		case size+n*f.carried <= f.left():
			if unsafe.SliceData(grown) != unsafe.SliceData(f.data) { // a codec that has taken memory that it did not need
				grown = append(f.data, grown[len(f.data):]...)
			}
			f.data, f.records = grown, f.records+n
			f.learn(size, n)
		case n > 1:
			f.learn(size, n)
			most = n / 2
		case f.records > 0:
			f.varies = true
			return
		case f.buffer.Capacity() < mostPayload:
			f.buffer.Discard()
			f.use(transport.NewBuffer())
		default:
			f.varies = true
			f.sendPieces(grown[payloadHeader:])
			return
		}
	}
}

// learn notes how large records were.
func (s *sending[T]) learn(size, n int) {
	mean := (size + n - 1) / n
	if mean*n != size || s.seen && mean != s.perRecord {
		s.varies = true
	}
	s.perRecord, s.seen = mean, true
}

// sendPieces sends all of a record that is larger than a frame but for its end, which becomes the frame's one record.
func (f *frame[T]) sendPieces(record []byte) {
	if limit := f.remote.maxRecord(); len(record) > limit {
		panic(fmt.Errorf("it takes %d bytes, of which %d are the most (weir.network.max-record-size): send a reference to large data instead, or split it", len(record), limit))
	}
	last := min(len(record), f.left()-f.carried)
	for len(record) > last {
		piece := record[:min(len(record)-last, mostPayload-1)]
		record = record[len(piece):]
		b := transport.NewBuffer()
		data := append(append(b.Room(), flagPiece), piece...)
		b.SetLength(len(data))
		f.sending.bytes, f.frames = f.sending.bytes+uint64(len(data)), f.frames+1
		f.to.Send(b, false)
	}
	f.flags |= flagPieces
	f.data = append(f.data[:payloadHeader], record...)
	f.records = 1
}

// end adds what the records carry, and the events, and sends the frame.
func (f *frame[T]) end(marks []element.Mark) {
	p := payload{flags: f.flags, events: len(marks), records: f.records, bytes: len(f.data) - payloadHeader}
	to := f.from + f.records
	if f.records > 0 {
		p.times = f.times
		if f.times != noTimes {
			f.data = appendTimes(f.data, f.times, f.least, f.batch.Timestamps[f.from:to])
		}
		if f.flags&flagHashes != 0 {
			f.data = appendHashes(f.data, f.batch.Hashes[f.from:to])
		}
	} else {
		p.flags = 0
	}
	for _, m := range marks {
		f.data = appendEvent(f.data, m.At-f.from, m.Event)
	}
	p.put(f.data)
	f.buffer.SetLength(len(f.data))
	f.sending.bytes, f.frames = f.sending.bytes+uint64(len(f.data)), f.frames+1
	f.to.Send(f.buffer, f.records == 0)
}
