package operator

import (
	"context"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
)

// A checkpoint of a subtask goes through its chain in four steps, all but the last in the subtask's goroutine:
//
//	PrepareBarrier of all operators, head first -> the barrier is sent on -> Mark of all operators -> Copy, in slices between batches -> Write
//
// so that whatever an operator emits because of the barrier is part of the state of those behind it, and nothing that comes
// after the barrier is.

// BarrierPreparer is an Operator that holds records back, such as partial results: it emits them before the barrier.
type BarrierPreparer interface {
	PrepareBarrier(checkpoint ident.CheckpointID) error
}

// Stateful is an Operator with state that outlives the attempt.
type Stateful interface {
	// Mark fixes the operator's state as it is between two records, in a time that does not grow with the state. State without keys,
	// which is small, is copied at once.
	Mark(kind snapshot.MarkKind) (Capture, error)
}

// Capture is the state of an operator at a Mark:
//
//	marked --Copy, until done--> copied --Write--> gone
//	   \----------Drop------------/
//
// At most one capture of an operator is being copied: a Mark before the last one is copied finishes that first.
type Capture interface {
	// Copy copies a part of what the capture has out of the operator, for about work bytes, and reports whether all is copied. The
	// subtask's goroutine calls it, between batches.
	Copy(work int) (done bool)
	// Write returns what was captured, every file of it durable. It is called once, by any goroutine, while the operator works on; those of one
	// operator are called one after the other, in the order of their marks. Files on their way are made in folder, or kept in memory if it
	// is "". After an error the operator's next snapshot needs nothing of this one.
	Write(ctx context.Context, folder string, upload snapshot.Upload) (*snapshot.Operator, error)
	// Drop gives the capture up instead of Write. The subtask's goroutine calls it.
	Drop()
}

// CheckpointListener is an Operator that wants to know what became of a checkpoint. The subtask's goroutine calls it. A notice may be
// left out (of a checkpoint that a later one has overtaken, or because of a failure), so that each stands for all before it.
type CheckpointListener interface {
	CheckpointComplete(checkpoint ident.CheckpointID) error
	CheckpointAborted(checkpoint ident.CheckpointID) error
}

// FunctionCaller is an Operator that calls a user's function. The function may be a CompleteListener and an AbortListener.
type FunctionCaller interface {
	UserFunction() any
}

// CompleteListener is a function that wants to know when a checkpoint is complete, so that what it did up to then will never be done
// again. It is called between records. A notice may be left out, so that each stands for all checkpoints before.
type CompleteListener interface {
	NotifyCheckpointComplete(checkpoint int64) error
}

// AbortListener is a function that wants to know when a checkpoint that it took part in is given up. What was in it is in a later one.
type AbortListener interface {
	NotifyCheckpointAborted(checkpoint int64) error
}

// NotifyComplete tells a function, if it wants to know.
func NotifyComplete(function any, id ident.CheckpointID) error {
	if l, ok := function.(CompleteListener); ok {
		return l.NotifyCheckpointComplete(int64(id))
	}
	return nil
}

// NotifyAborted tells a function, if it wants to know.
func NotifyAborted(function any, id ident.CheckpointID) error {
	if l, ok := function.(AbortListener); ok {
		return l.NotifyCheckpointAborted(int64(id))
	}
	return nil
}
