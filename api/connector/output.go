package connector

import (
	"slices"

	"github.com/weir-stream/weir/runtime/element"
)

// Output takes what a reader emits in one Poll.
//
// A reader says with Split which split the records are from, so that each split has watermarks of its own and a slow
// one, or one that has not begun, holds event time back. One that never does so has a single stream of watermarks.
type Output[T any] struct {
	batch *element.Batch[T]
	limit int
	// split is what the records are from at the moment, "" before Split.
	split string
	notes []Note
}

// Note is what a reader says between two records of a Poll, see Output.
type Note struct {
	// At is the number of records of the batch that stand before it.
	At   int
	Kind NoteKind
	// Split is the split that begins or is finished.
	Split string
	// Watermark is in milliseconds.
	Watermark int64
}

// NoteKind tells notes apart.
type NoteKind uint8

// The kinds of Note.
const (
	SplitBegins NoteKind = iota + 1
	SplitFinished
	WatermarkReached
	SplitIdle
)

// NewOutput is for the runtime and for tests of readers: an output into batch with room for limit records.
func NewOutput[T any](batch *element.Batch[T], limit int) Output[T] {
	return Output[T]{batch: batch, limit: limit}
}

// Reset makes the output ready for another Poll, into batch, and keeps its memory. It is for the runtime.
func (o *Output[T]) Reset(batch *element.Batch[T], limit int) {
	*o = Output[T]{batch: batch, limit: limit, notes: o.notes[:0]}
}

// Notes are what the reader has said so far in this Poll. It is for the runtime and for tests.
func (o *Output[T]) Notes() []Note { return o.notes }

// Split says that the records that follow in this Poll are from the split with that id. It costs next to nothing when the split is
// the one it was.
func (o *Output[T]) Split(id string) {
	if id != o.split {
		o.split = id
		o.note(Note{Kind: SplitBegins, Split: id})
	}
}

// FinishSplit says that no record of the split follows, in this Poll or a later one: it holds event time back no longer. Readers
// that use Split say so of every split.
func (o *Output[T]) FinishSplit(id string) {
	o.note(Note{Kind: SplitFinished, Split: id})
	if id == o.split {
		o.split = ""
	}
}

// Watermark says that no record of the current split (of the reader, before any Split) with an event time at or before
// at follows. It is for sources that know, and say so as a WatermarkSource; others leave it to the program's strategy.
func (o *Output[T]) Watermark(at int64) { o.note(Note{Kind: WatermarkReached, Watermark: at}) }

// Idle says that the current split does not hold event time back until its next watermark.
func (o *Output[T]) Idle() { o.note(Note{Kind: SplitIdle}) }

func (o *Output[T]) note(n Note) {
	n.At = len(o.batch.Values)
	o.notes = append(o.notes, n)
}

// Room is how many more records this Poll may emit.
func (o *Output[T]) Room() int { return o.limit - len(o.batch.Values) }

// Emit adds a record without an event time.
func (o *Output[T]) Emit(value T) { o.batch.Append(value, element.NoTimestamp) }

// EmitAt adds a record with its event time in milliseconds since the epoch.
func (o *Output[T]) EmitAt(value T, timestamp int64) { o.batch.Append(value, timestamp) }

// Extend adds n records without event time, at most Room, and returns them for the caller to fill at once. What they
// hold before is not defined.
func (o *Output[T]) Extend(n int) []T {
	values := o.extend(n)
	if len(o.batch.Timestamps) > 0 {
		o.extendTimestamps()
	}
	return values
}

// ExtendAt is Extend for records with event times, in milliseconds since the epoch, which the caller fills likewise.
func (o *Output[T]) ExtendAt(n int) (values []T, timestamps []int64) {
	values = o.extend(n)
	return values, o.extendTimestamps()[len(o.batch.Values)-len(values):]
}

func (o *Output[T]) extend(n int) []T {
	from := len(o.batch.Values)
	to := from + min(n, o.Room())
	o.batch.Values = slices.Grow(o.batch.Values, to-from)[:to]
	return o.batch.Values[from:to]
}

// extendTimestamps gives each record that has no entry in Timestamps one that says so, and returns all of them.
func (o *Output[T]) extendTimestamps() []int64 {
	had := len(o.batch.Timestamps)
	o.batch.Timestamps = slices.Grow(o.batch.Timestamps, len(o.batch.Values)-had)[:len(o.batch.Values)]
	for i := had; i < len(o.batch.Timestamps); i++ {
		o.batch.Timestamps[i] = element.NoTimestamp
	}
	return o.batch.Timestamps
}
