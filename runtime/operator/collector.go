package operator

import (
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
)

// batchLimit is how many records an operator gathers before it hands them on.
const batchLimit = 1024

// Collector takes what a user's function emits. It is a small value, valid during the call that it is passed to, and
// must be used by the goroutine of that call only.
type Collector[T any] struct{ buffer *Buffer[T] }

// Collect emits a record with the event time of the record that the function is working on.
func (c Collector[T]) Collect(value T) {
	b := c.buffer
	if b.timestamp == element.NoTimestamp && len(b.batch.Timestamps) == 0 {
		b.batch.Values = append(b.batch.Values, value)
		if len(b.batch.Values) >= batchLimit {
			b.spill()
		}
		return
	}
	c.CollectAt(value, b.timestamp)
}

// CollectAt emits a record with an event time of its own, in milliseconds since the epoch.
func (c Collector[T]) CollectAt(value T, timestamp int64) {
	b := c.buffer
	b.batch.Append(value, timestamp)
	if len(b.batch.Values) >= batchLimit {
		b.spill()
	}
}

// Buffer gathers what an operator emits and hands it on in batches.
type Buffer[T any] struct {
	next  Input[T]
	count *metrics.Counter
	batch element.Batch[T]
	// timestamp is the event time of the record being worked on.
	timestamp int64
	// err is the first error of the operators further down: a function that goes on emitting emits nowhere.
	err error
}

// NewBuffer emits to next and counts what it emits.
func NewBuffer[T any](next Input[T], count *metrics.Counter) *Buffer[T] {
	return &Buffer[T]{next: next, count: count, timestamp: element.NoTimestamp}
}

// Collector returns the user's side of the buffer.
func (b *Buffer[T]) Collector() Collector[T] { return Collector[T]{b} }

// At sets the event time that Collect gives to records.
func (b *Buffer[T]) At(timestamp int64) { b.timestamp = timestamp }

// Batch returns the batch being gathered, for operators that fill it themselves and then call Flush.
func (b *Buffer[T]) Batch() *element.Batch[T] { return &b.batch }

// Err is the first error of the operators further down.
func (b *Buffer[T]) Err() error { return b.err }

// Flush hands on what was gathered and returns the first error that this buffer met.
func (b *Buffer[T]) Flush() error {
	b.spill()
	return b.err
}

func (b *Buffer[T]) spill() {
	if n := len(b.batch.Values); n > 0 && b.err == nil {
		b.count.Add(uint64(n))
		b.err = b.next.Process(&b.batch)
	}
	b.batch.Reset()
}

// Resize sets the length of a slice that is about to be overwritten, keeping its memory where it is large enough.
func Resize[T any](slice *[]T, n int) []T {
	if cap(*slice) < n {
		*slice = make([]T, n, max(n, 2*cap(*slice)))
	}
	*slice = (*slice)[:n]
	return *slice
}
