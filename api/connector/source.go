// Package connector has the contracts of sources and sinks. A Source is split: an Enumerator, one per job, finds the
// splits and assigns them; a Reader, one per subtask, reads them. A Sink has a Writer per subtask.
package connector

import (
	"context"
	"log/slog"

	"github.com/weir-stream/weir/runtime/clock"
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

// Kinded is a Source or a Sink that names its kind of connector, as in "kafka". Operators without a uid are found again in
// a snapshot by what they are, so the name is stable and is that of no other connector. Without it the Go type stands for the kind.
type Kinded interface{ Kind() string }

// WatermarkSource is a Source whose readers make watermarks themselves, see Output.Watermark.
type WatermarkSource interface{ EmitsWatermarks() bool }

// ParallelismLimit is a Source that cannot be read by more than so many subtasks at once; 0 is no limit.
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
	// AddSplitsBack returns what was assigned to a subtask that failed before a checkpoint held it: assigned after the Snapshot of the
	// checkpoint that the subtask goes on from, or ever if it begins anew. They are as they were when they were assigned.
	AddSplitsBack(subtask int, splits []Split) error
	// Snapshot returns what is needed to go on from here: the splits not yet assigned, above all.
	//
	// Each split is in a checkpoint once. What was assigned before Snapshot reaches its reader before that takes its part of the
	// checkpoint, and is in there, or finished; what is assigned after reaches it after, and is in here. So Snapshot must neither
	// have a split that was assigned nor leave one out that was not.
	Snapshot() ([]byte, error)
	// Restore is called instead of Start with what Snapshot returned. The parallelism may be another. Splits that readers have in
	// their part of the checkpoint go to readers without the enumerator's doing, each to any of them.
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
	// AddSplits gives the reader splits to read, each from the position in its state. If the job goes on from a snapshot, the first call
	// comes right after Open and has what is to go on here, from this subtask or others.
	AddSplits(splits []Split) error
	// NoMoreSplits says that AddSplits will not be called again.
	NoMoreSplits()
	// Poll emits at most out.Room() records.
	Poll(out *Output[T]) (Status, error)
	// Snapshot returns the splits that are not finished, those not begun among them, each with a position such that a reader that is
	// given it emits, in any order, all records of the split that no Poll of this one has emitted, and no others. What was read ahead
	// and not emitted counts as not read. It is called between two Polls, after which the reader goes on, and must be quick. What it
	// returned must not change any more.
	Snapshot() ([]Split, error)
	Close() error
}

// SplitPauser is a Reader of several splits at once that can leave some of them alone for a while, for the alignment of
// watermarks. Without it a reader as a whole waits, and only when the slowest of its splits is too far ahead.
type SplitPauser interface {
	// PauseSplits has the reader emit nothing of the splits of pause from the next Poll on, and go on with those of resume.
	PauseSplits(pause, resume []string)
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
