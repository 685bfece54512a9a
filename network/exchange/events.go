package exchange

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
)

// An event is its place (the number of records before it in its payload), its kind and whether it has a barrier, the time of a watermark or of a latency
// marker, the source's id and subtask of the latter, and the barrier: checkpoint, time of the trigger, flags, folder. Numbers are varints.

// mostEventBytes bounds the events of a payload, mostFolder the folder of a savepoint, so that events fit a frame of their own.
const (
	mostEventBytes = 4 << 10
	mostFolder     = 2 << 10
	mostEvents     = 256
	// eventOverhead is more than an event takes without its folder.
	eventOverhead = 64
)

const barrierFlag = 0x80

// eventSize is at least what the event will take.
func eventSize(e element.Event) int {
	switch {
	case e.Barrier != nil:
		return eventOverhead + len(e.Barrier.Folder)
	case e.Origin != nil:
		return eventOverhead
	}
	return eventOverhead / 2
}

func appendEvent(dst []byte, at int, e element.Event) []byte {
	dst = binary.AppendUvarint(dst, uint64(at))
	k := byte(e.Kind)
	if e.Barrier != nil {
		k |= barrierFlag
	}
	dst = append(dst, k)
	if e.Kind == element.Watermark || e.Kind == element.LatencyMarker {
		dst = binary.AppendVarint(dst, e.Time)
	}
	if e.Kind == element.LatencyMarker {
		dst = append(dst, e.Origin.Source[:]...)
		dst = binary.AppendUvarint(dst, uint64(e.Origin.Subtask))
	}
	if b := e.Barrier; b != nil {
		dst = binary.AppendUvarint(dst, uint64(b.Checkpoint))
		dst = binary.AppendVarint(dst, b.Millis)
		var flags byte
		for i, set := range []bool{b.Savepoint, b.Full, b.ExactlyOnce, b.Stop, b.Drain} {
			if set {
				flags |= 1 << i
			}
		}
		dst = append(dst, flags)
		dst = binary.AppendUvarint(dst, uint64(len(b.Folder)))
		dst = append(dst, b.Folder...)
	}
	return dst
}

var errEventCut = errors.New("an event is cut off")

// parseEvents reads n events behind at most records records and appends them to marks.
func parseEvents(src []byte, n, records int, marks []element.Mark) ([]element.Mark, error) {
	before := 0
	for range n {
		at, size := binary.Uvarint(src)
		if size <= 0 || len(src) < size+1 {
			return marks, errEventCut
		}
		if at > uint64(records) || int(at) < before {
			return marks, fmt.Errorf("an event stands at %d of %d records, behind one at %d", at, records, before)
		}
		before = int(at)
		k := src[size]
		src = src[size+1:]
		mark := element.Mark{At: int(at), Event: element.Event{Kind: element.Kind(k &^ barrierFlag)}}
		var err error
		if src, err = parseEvent(&mark.Event, k&barrierFlag != 0, src); err != nil {
			return marks, err
		}
		marks = append(marks, mark)
	}
	if len(src) > 0 {
		return marks, fmt.Errorf("%d bytes follow the events", len(src))
	}
	return marks, nil
}

func parseEvent(e *element.Event, hasBarrier bool, src []byte) (rest []byte, err error) {
	switch e.Kind {
	case element.Watermark, element.LatencyMarker:
		time, size := binary.Varint(src)
		if size <= 0 {
			return nil, errEventCut
		}
		e.Time, src = time, src[size:]
		if e.Kind == element.LatencyMarker {
			if e.Origin, src, err = parseOrigin(src); err != nil {
				return nil, err
			}
		}
	case element.Idle, element.Active, element.CheckpointBarrier, element.Drain, element.EndOfInput:
	default:
		return nil, fmt.Errorf("an event of kind %d", e.Kind)
	}
	if may := e.Kind == element.CheckpointBarrier || e.Kind == element.EndOfInput; hasBarrier && !may || !hasBarrier && e.Kind == element.CheckpointBarrier {
		return nil, fmt.Errorf("a %s event with a barrier: %v", e.Kind, hasBarrier)
	}
	if hasBarrier {
		e.Barrier, src, err = parseBarrier(src)
	}
	return src, err
}

func parseOrigin(src []byte) (*element.Origin, []byte, error) {
	o := new(element.Origin)
	if len(src) < len(o.Source) {
		return nil, nil, errEventCut
	}
	src = src[copy(o.Source[:], src):]
	subtask, size := binary.Uvarint(src)
	if size <= 0 || subtask > math.MaxInt32 {
		return nil, nil, errEventCut
	}
	o.Subtask = ident.SubtaskIndex(subtask)
	return o, src[size:], nil
}

func parseBarrier(src []byte) (*element.Barrier, []byte, error) {
	checkpoint, size := binary.Uvarint(src)
	if size <= 0 {
		return nil, nil, errEventCut
	}
	src = src[size:]
	millis, size := binary.Varint(src)
	if size <= 0 || len(src) < size+1 {
		return nil, nil, errEventCut
	}
	flags := src[size]
	if flags >= 1<<5 {
		return nil, nil, fmt.Errorf("a barrier with the flags %#x", flags)
	}
	src = src[size+1:]
	length, size := binary.Uvarint(src)
	if size <= 0 || length > uint64(len(src)-size) || length > mostFolder {
		return nil, nil, errEventCut
	}
	b := &element.Barrier{
		Checkpoint: ident.CheckpointID(checkpoint), Millis: millis, Folder: string(src[size : size+int(length)]),
		Savepoint: flags&1 != 0, Full: flags&2 != 0, ExactlyOnce: flags&4 != 0, Stop: flags&8 != 0, Drain: flags&16 != 0,
	}
	return b, src[size+int(length):], nil
}
