// Package element has what flows between operators: batches of records, and the events that keep their place among them.
package element

import (
	"fmt"
	"math"

	"github.com/weir-stream/weir/runtime/ident"
)

// NoTimestamp stands in Batch.Timestamps for a record that has no event time.
const NoTimestamp int64 = math.MinInt64

// Watermarks in milliseconds of event time.
const (
	// NoWatermark is the watermark before the first one arrived.
	NoWatermark int64 = math.MinInt64
	// MaxWatermark says that event time has ended: no record will follow.
	MaxWatermark int64 = math.MaxInt64
)

// Batch is the unit of work: records of one type in their order, as a struct of slices.
//
// Whoever is handed a batch may read it until it returns, and must neither change it nor keep its slices; the records
// themselves are immutable and may be kept. Timestamps and Hashes are either empty or as long as Values.
type Batch[T any] struct {
	Values []T
	// Timestamps is the event time of each record in milliseconds since the epoch, NoTimestamp where a record has
	// none; empty when no record of the batch has one.
	Timestamps []int64
	// Hashes is the stable hash of each record's key; empty on streams that are not keyed.
	Hashes []uint64
}

// Len is the number of records.
func (b *Batch[T]) Len() int { return len(b.Values) }

// Reset empties the batch and keeps its memory.
func (b *Batch[T]) Reset() {
	b.Values, b.Timestamps, b.Hashes = b.Values[:0], b.Timestamps[:0], b.Hashes[:0]
}

// Room is how many elements each slice of a batch has.
type Room struct{ Values, Timestamps, Hashes int }

// Cover makes r at least what a batch takes.
func (r *Room) Cover(values, timestamps, hashes int) {
	r.Values, r.Timestamps, r.Hashes = max(r.Values, values), max(r.Timestamps, timestamps), max(r.Hashes, hashes)
}

// Reserve gives an empty batch memory for r, as far as it has less.
func (b *Batch[T]) Reserve(r Room) {
	if cap(b.Values) < r.Values {
		b.Values = make([]T, 0, r.Values)
	}
	if cap(b.Timestamps) < r.Timestamps {
		b.Timestamps = make([]int64, 0, r.Timestamps)
	}
	if cap(b.Hashes) < r.Hashes {
		b.Hashes = make([]uint64, 0, r.Hashes)
	}
}

// View makes into a window on the records [from, to) of b, sharing its memory.
func (b *Batch[T]) View(from, to int, into *Batch[T]) {
	into.Values = b.Values[from:to]
	into.Timestamps, into.Hashes = nil, nil
	if len(b.Timestamps) > 0 {
		into.Timestamps = b.Timestamps[from:to]
	}
	if len(b.Hashes) > 0 {
		into.Hashes = b.Hashes[from:to]
	}
}

// TimestampAt is the event time of record i, NoTimestamp where it has none.
func (b *Batch[T]) TimestampAt(i int) int64 {
	if len(b.Timestamps) == 0 {
		return NoTimestamp
	}
	return b.Timestamps[i]
}

// Append adds one record. A batch gets its Timestamps with the first record that has one: those before it are given
// NoTimestamp.
func (b *Batch[T]) Append(value T, timestamp int64) {
	b.Values = append(b.Values, value)
	if timestamp != NoTimestamp || len(b.Timestamps) > 0 {
		b.appendTimestamp(timestamp)
	}
}

func (b *Batch[T]) appendTimestamp(timestamp int64) {
	for len(b.Timestamps) < len(b.Values)-1 {
		b.Timestamps = append(b.Timestamps, NoTimestamp)
	}
	b.Timestamps = append(b.Timestamps, timestamp)
}

// AppendRange adds the records [from, to) of other, with what they carry.
func (b *Batch[T]) AppendRange(other *Batch[T], from, to int) {
	had := len(b.Values)
	b.Values = append(b.Values, other.Values[from:to]...)
	switch {
	case len(other.Timestamps) > 0:
		for len(b.Timestamps) < had {
			b.Timestamps = append(b.Timestamps, NoTimestamp)
		}
		b.Timestamps = append(b.Timestamps, other.Timestamps[from:to]...)
	case len(b.Timestamps) > 0:
		for len(b.Timestamps) < len(b.Values) {
			b.Timestamps = append(b.Timestamps, NoTimestamp)
		}
	}
	if len(other.Hashes) > 0 {
		b.Hashes = append(b.Hashes, other.Hashes[from:to]...)
	}
}

// Kind tells the events of a stream apart.
type Kind uint8

// The kinds of Event.
const (
	// Watermark says that no record with an event time at or before Event.Time follows.
	Watermark Kind = iota + 1
	// Idle says that this channel no longer holds event time back; Active that it does again.
	Idle
	Active
	// CheckpointBarrier separates the records before a checkpoint from those after it.
	CheckpointBarrier
	// Drain says that no record follows because the job is being stopped, though its input has not ended.
	Drain
	// EndOfInput is the last event of a channel.
	EndOfInput
	// LatencyMarker was sent by a source at Event.Time, to tell whoever it meets how long records take to come there.
	LatencyMarker
)

// String names the kind for logs.
func (k Kind) String() string {
	switch k {
	case Watermark:
		return "watermark"
	case Idle:
		return "idle"
	case Active:
		return "active"
	case CheckpointBarrier:
		return "barrier"
	case Drain:
		return "drain"
	case EndOfInput:
		return "end of input"
	case LatencyMarker:
		return "latency marker"
	}
	return fmt.Sprintf("event %d", uint8(k))
}

// Event is what flows between records.
type Event struct {
	Kind Kind
	// Time is the event time of a Watermark in milliseconds, and when a LatencyMarker was sent, by the wall clock.
	Time int64
	// Barrier is that of a CheckpointBarrier. An EndOfInput has it if the input was ended by a savepoint that drains the job.
	Barrier *Barrier
	// Origin is who sent a LatencyMarker.
	Origin *Origin
}

// Origin is the subtask of a source.
type Origin struct {
	Source  ident.OperatorID
	Subtask ident.SubtaskIndex
}

// Barrier marks the place of one checkpoint in a stream. It is shared by all channels and never changed.
type Barrier struct {
	Checkpoint ident.CheckpointID
	// Savepoint says that the snapshot is canonical, has all its files in a folder of its own and is kept by its owner until
	// disposed of; Full that it names no file of an earlier one.
	Savepoint, Full bool
	// ExactlyOnce says that inputs wait for each other.
	ExactlyOnce bool
	// Stop says that nothing follows: the job ends with this checkpoint, or goes on if it fails. Drain says that sources have
	// ended their input before it, as if for good.
	Stop, Drain bool
	// Folder is where a savepoint's files go.
	Folder string
	// Millis is when the checkpoint was triggered, since the epoch.
	Millis int64
}

// Mark is an event at its place in a batch: before record At.
type Mark struct {
	At    int
	Event Event
}
