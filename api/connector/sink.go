package connector

import (
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Sink makes the writers of a sink for records of type T. It is built once with the graph and must be safe for
// concurrent use.
type Sink[T any] interface {
	// Name is the name of the operator unless the program gives another.
	Name() string
	// NewWriter makes the writer of one subtask. Nothing outside may be touched before Open.
	NewWriter(ctx WriterContext) (Writer[T], error)
}

// Writer writes the records of one subtask. One goroutine calls it.
type Writer[T any] interface {
	Open() error
	// Write takes a batch of records; it may keep the records, not the batch's slices.
	Write(batch *element.Batch[T]) error
	// Flush makes everything written so far visible outside or durable, as the sink promises; endOfInput says that
	// no record follows.
	Flush(endOfInput bool) error
	// Close releases what Open took. Records that were not flushed may be lost: Close alone means failure or cancellation.
	Close() error
}

// WriterContext is what a writer knows.
type WriterContext struct {
	operator.RuntimeContext
	Clock clock.Clock
	// Wake has the subtask look at the writer again, see Throttled. Any goroutine may call it.
	Wake func()
}
