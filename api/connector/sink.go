package connector

import (
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Sink makes the writers of a sink for records of type T. It is built once with the graph and must be safe for
// concurrent use. A sink that commits in two phases is a CommittingSink as well.
type Sink[T any] interface {
	// Name is the name of the operator unless the program gives another.
	Name() string
	// NewWriter makes the writer of one subtask. Nothing outside may be touched before Open.
	NewWriter(ctx WriterContext) (Writer[T], error)
}

// Writer writes the records of one subtask. One goroutine calls it.
//
// It may also be a StatefulWriter, a CommittingWriter, a CheckpointListener, a TimedWriter and Throttled.
type Writer[T any] interface {
	Open() error
	// Write takes a batch of records; it may keep the records, not the batch's slices.
	Write(batch *element.Batch[T]) error
	// Flush makes everything written so far visible outside or durable, as the sink promises. It is called before each checkpoint, so
	// that nothing is lost on a restart, though what was written since the checkpoint may come twice, and when endOfInput
	// says that no record follows. A CommittingWriter makes nothing visible: its committer does.
	Flush(endOfInput bool) error
	// Close releases what Open took. Records that were not flushed may be lost: Close alone means failure or cancellation.
	Close() error
}

// StatefulWriter is a Writer with state that a later run goes on from. Few writers need it: what was flushed or prepared is none.
type StatefulWriter interface {
	// Restore is called before Open if the job goes on from a snapshot that has the sink, with this subtask's share of what writers had
	// returned from Snapshot, from any of them; it may be empty.
	Restore(states [][]byte) error
	// Snapshot is called after Flush, and PrepareCommit if there is that. Each state is of the sink's own encoding, with a version in it,
	// and goes to one writer. States must not change any more.
	Snapshot() ([][]byte, error)
}

// TimedWriter is a Writer that wants to be called at times of the processing-time clock.
type TimedWriter interface {
	// OnProcessingTime says that the clock has reached now, in milliseconds since the epoch, which is at or after the time
	// that WriterContext.CallAt asked for.
	OnProcessingTime(now int64) error
}

// WriterContext is what a writer knows.
type WriterContext struct {
	operator.RuntimeContext
	Clock clock.Clock
	// Checkpointing says that the job takes checkpoints, so that results may wait for one.
	Checkpointing bool
	// Wake has the subtask look at the writer again, see Throttled. Any goroutine may call it.
	Wake func()
	// CallAt asks for a call of TimedWriter.OnProcessingTime at a time in milliseconds since the epoch, in place of the one before;
	// operator.NoCall takes it back. Only the subtask's goroutine calls it.
	CallAt func(at int64)
}
