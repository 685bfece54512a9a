package connector

import (
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
)

// CheckpointListener is a Reader or a Writer that wants to know what became of the checkpoints that it took part in. A notice may
// be left out, so that each stands for all before it. The subtask's goroutine calls it.
type CheckpointListener = operator.CheckpointListener

// CheckpointedReader is a Reader that does something outside once a checkpoint is complete, as a reader of Kafka commits offsets.
type CheckpointedReader interface {
	CheckpointListener
	// SnapshotFor is called instead of Reader.Snapshot and returns the same; checkpoint is the number by which CheckpointComplete and
	// CheckpointAborted will speak of it. What is done outside is for others to see: a restored reader goes by its splits alone.
	SnapshotFor(checkpoint ident.CheckpointID) ([]Split, error)
}
