// Package connector has the contracts of sources and sinks. A Source is split: an Enumerator, one per job, finds the
// splits and assigns them; a Reader, one per subtask, reads them. A Sink has a Writer per subtask.
package connector

import (
	"context"
	"log/slog"
	"slices"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Source makes the two halves of a source of records of type T. It is built once with the graph and must be safe for
// concurrent use.
type Source[T any] interface {
	// Name is the name of the operator unless the program gives another.
	Name() string
	// Bounded says that the source ends.
	Bounded() bool
	NewEnumerator(ctx EnumeratorContext) (Enumerator, error)
	NewReader(ctx ReaderContext) (Reader[T], error)
}

// ParallelismLimit is a Source that cannot be read by more than so many subtasks at once.
type ParallelismLimit interface{ MaxReaders() int }

// Split is a part of a source, and how much of it was read. It travels between enumerator and readers and into snapshots.
type Split struct {
	// ID is unique among the splits of a source.
	ID string
	// State is the source's own encoding of the range and of the position in it. It is input from outside:
	// decoders check it.
	State []byte
}

// EnumeratorFactory makes the enumerator of a source.
type EnumeratorFactory func(ctx EnumeratorContext) (Enumerator, error)

// Enumerator finds splits and assigns them to readers. One goroutine calls it; none of its methods blocks for long.
type Enumerator interface {
	// Start is called once, before anything else.
	Start() error
	// AddReader says that the reader of a subtask has come up, perhaps not for the first time.
	AddReader(subtask int) error
	// RequestSplit is the answer to ReaderContext.RequestSplit: assign a split or say that there are no more.
	RequestSplit(subtask int) error
	// AddSplitsBack returns what was assigned to a subtask that failed before a checkpoint held it.
	AddSplitsBack(subtask int, splits []Split) error
	// Snapshot returns what is needed to go on from here: the splits not yet assigned, above all.
	Snapshot() ([]byte, error)
	// Restore is called instead of Start with what Snapshot returned.
	Restore(snapshot []byte) error
	Close() error
}

// EnumeratorContext is what an enumerator can do. Its methods may be called by the enumerator's goroutine only, save
// Run's done.
type EnumeratorContext interface {
	Context() context.Context
	Parallelism() int
	Logger() *slog.Logger
	// Assign sends splits to a reader.
	Assign(subtask int, splits ...Split)
	// NoMoreSplits tells a reader that it has been sent the last one.
	NoMoreSplits(subtask int)
}

// Status is what a reader has found.
type Status uint8

// The states of a reader after Poll.
const (
	// More says that Poll may be called again at once.
	More Status = iota
	// Waiting says that nothing is there now; the reader calls Wake or WakeAt when Poll is worth calling.
	Waiting
	// Ended says that all splits are read and none will come.
	Ended
)

// Reader reads the splits assigned to one subtask. One goroutine, the subtask's, calls it, and no method may block
// for longer than reading a block of a local file takes: what waits for others reads in a goroutine of its own into a
// bounded buffer and calls Wake.
type Reader[T any] interface {
	// Open is called once before anything else; the usual reader asks for a first split here.
	Open() error
	AddSplits(splits []Split) error
	// NoMoreSplits says that AddSplits will not be called again.
	NoMoreSplits()
	// Poll emits at most out.Room() records.
	Poll(out *Output[T]) (Status, error)
	// Snapshot returns the splits that are not finished, with their positions.
	Snapshot() ([]Split, error)
	Close() error
}

// ReaderContext is what a reader can do.
type ReaderContext struct {
	operator.RuntimeContext
	Clock clock.Clock
	// RequestSplit asks the enumerator for one more split; the answer is AddSplits or NoMoreSplits.
	RequestSplit func()
	// Wake has Poll called again soon. Any goroutine may call it.
	Wake func()
	// WakeAt has Poll called again when the clock's Nanos reach nanos. Only the subtask's goroutine may call it.
	WakeAt func(nanos int64)
}

// Output takes what a reader emits in one Poll.
type Output[T any] struct {
	batch *element.Batch[T]
	limit int
}

// NewOutput is for the runtime and for tests of readers: an output into batch with room for limit records.
func NewOutput[T any](batch *element.Batch[T], limit int) Output[T] {
	return Output[T]{batch: batch, limit: limit}
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
