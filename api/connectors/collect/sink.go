// Package collect has a sink that hands the records of a job to the process that started it, for tests and embedding. It
// works where the job runs in that process.
package collect

import (
	"context"
	"fmt"
	"iter"

	"github.com/weir-stream/weir/api/connector"
)

// Sink is a sink and the client's side of it. Records of one subtask come in their order. It holds about capacity records: when they are not
// taken, the job waits (see connector.Throttled). A Sink is for one run of one job.
//
// In a job that takes checkpoints records come with the checkpoint that they belong to, each once, however often the job restarts. What waits for its
// checkpoint does not count for the capacity. It is held by this process: a job that goes on from a snapshot in another one does not give what
// the snapshot's had not taken.
//
// In a job without checkpoints a subtask that is restarted begins anew. As long as none of its records was taken, what its earlier attempt wrote is
// dropped; else they would come twice, and Next returns a RestartedError instead.
type Sink[T any] struct{ queue *queue[T] }

// New makes a sink that holds about capacity records.
func New[T any](capacity int) Sink[T] { return Sink[T]{newQueue[T](capacity)} }

// Name is the name of the operator.
func (s Sink[T]) Name() string { return "Collect" }

// Kind names the connector.
func (s Sink[T]) Kind() string { return "collect" }

// NewWriter makes the writer of one subtask.
func (s Sink[T]) NewWriter(ctx connector.WriterContext) (connector.Writer[T], error) {
	return &writer[T]{
		queue: s.queue, subtask: ctx.Subtask(), parallelism: ctx.Parallelism(), attempt: ctx.Attempt(), wake: ctx.Wake, checkpointing: ctx.Checkpointing,
	}, nil
}

// NewCommitter makes the committer of one subtask.
func (s Sink[T]) NewCommitter(connector.CommitterContext) (connector.Committer, error) {
	return committer[T](s), nil
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
	return fmt.Sprintf("subtask %d of the collect sink was restarted (attempt %d) after some of its records had been taken, so that they would come twice: run the job again, with checkpoints, or without a restart strategy", e.Subtask, e.Attempt)
}
