// Package collect has a sink that hands the records of a job to the process that started it, for tests and embedding. It
// works where the job runs in that process.
package collect

import (
	"context"
	"fmt"
	"iter"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
)

// Sink is a sink and the client's side of it. Records of one subtask come in their order. It holds about capacity records: when they are not
// taken, the job waits (see connector.Throttled). A Sink is for one run of one job.
//
// A subtask that is restarted begins anew. As long as none of its records was taken, what its earlier attempt wrote is dropped; else
// they would come twice, and Next returns a RestartedError instead.
type Sink[T any] struct{ queue *queue[T] }

// New makes a sink that holds about capacity records.
func New[T any](capacity int) Sink[T] { return Sink[T]{newQueue[T](capacity)} }

// Name is the name of the operator.
func (s Sink[T]) Name() string { return "Collect" }

// Kind names the connector.
func (s Sink[T]) Kind() string { return "collect" }

// NewWriter makes the writer of one subtask.
func (s Sink[T]) NewWriter(ctx connector.WriterContext) (connector.Writer[T], error) {
	return &writer[T]{queue: s.queue, subtask: ctx.Subtask(), attempt: ctx.Attempt(), wake: ctx.Wake}, nil
}

// Next waits for a record and returns it; ok is false when the job has ended and all are taken. The error is ctx's, or what the
// job ended with (see End), or a RestartedError; after the last two it stays. One goroutine at a time calls it.
func (s Sink[T]) Next(ctx context.Context) (value T, ok bool, err error) { return s.queue.next(ctx) }

// All ranges over the records. An error of Next is yielded last, with a zero record. Leaving the loop early does not end the job.
func (s Sink[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			value, ok, err := s.Next(ctx)
			if err == nil && !ok || !yield(value, err) || err != nil {
				return
			}
		}
	}
}

// End says that the job has ended, with an error or nil: no record will come. What was collected can still be taken. Any goroutine may call it;
// the first call counts.
func (s Sink[T]) End(err error) { s.queue.end(err) }

// Discard drops what was collected and all that comes, so that a job whose results nobody wants any more does not
// wait. Any goroutine may call it. Next then waits for End.
func (s Sink[T]) Discard() { s.queue.discard() }

// RestartedError says that a subtask of the job was restarted after some of its records had been taken.
type RestartedError struct{ Subtask, Attempt int }

// Error says what to do.
func (e *RestartedError) Error() string {
	return fmt.Sprintf("subtask %d of the collect sink was restarted (attempt %d) after some of its records had been taken, so that they would come twice: run the job again, or without a restart strategy", e.Subtask, e.Attempt)
}

// writer is a connector.Throttled.
type writer[T any] struct {
	queue            *queue[T]
	subtask, attempt int
	wake             func()
}

func (w *writer[T]) Open() error {
	w.queue.attach(w)
	return nil
}

func (w *writer[T]) Ready() bool { return w.queue.ready(w) }

func (w *writer[T]) Write(batch *element.Batch[T]) error {
	w.queue.put(w, append([]T(nil), batch.Values...))
	return nil
}

func (w *writer[T]) Flush(bool) error { return nil }
func (w *writer[T]) Close() error     { return nil }
