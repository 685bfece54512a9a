package coordinator

import (
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
)

// Command is something to do, in the order in which commands come.
type Command interface{ command() }

type (
	// SnapshotCoordinators asks the coordinators of these operators for their states, which CoordinatorState answers. What a
	// coordinator tells its subtasks after its state was taken must reach them after the Trigger of the checkpoint: the shell holds it
	// back from CoordinatorState until Trigger or Abort.
	SnapshotCoordinators struct {
		Checkpoint ident.CheckpointID
		Operators  []ident.OperatorID
	}
	// Trigger announces a checkpoint to these attempts: sources, and those of which all that sends to them has come to its end. They take it
	// when they have worked on all of that (barrier.Aligner.Announce) and send its barrier. For one checkpoint it may come again, for other attempts, which
	// the barrier may reach, too. Ack or Decline answer for all attempts.
	Trigger struct {
		Checkpoint ident.CheckpointID
		Kind       snapshot.Kind
		// Folder is the savepoint's; for checkpoints the one below the job's.
		Folder      string
		ExactlyOnce bool
		// Stop and Drain are those of the request.
		Stop, Drain bool
		// Millis is the time of the trigger since the epoch.
		Millis int64
		Tasks  []ident.ExecutionID
	}
	// Abort tells all attempts that took part, and the coordinators, that a checkpoint is given up.
	Abort struct {
		Checkpoint ident.CheckpointID
		Tasks      []ident.ExecutionID
		Reason     string
	}
	// Store writes the metadata, if absent. Stored answers.
	Store struct {
		Checkpoint ident.CheckpointID
		Folder     string
		Metadata   *snapshot.Metadata
	}
	// Append creates a slot of the log, if absent, then reads it and lists the log. LogAnswered answers. The same slot with the same
	// entry is asked for again until it is known what became of it.
	Append struct{ Entry *snapshot.LogEntry }
	// Notify tells the attempts that took part, and the coordinators, that a checkpoint is complete, and which one is no longer retained
	// from then on, 0 if none.
	Notify struct {
		Checkpoint, Subsumed ident.CheckpointID
		Tasks                []ident.ExecutionID
	}
	// Delete removes files that a slot has released. Deleted answers. It may come again for files that are gone.
	Delete struct {
		Slot  uint64
		Files []snapshot.File
	}
	// Discard removes the folder of a savepoint that has come to nothing, as far as that goes.
	Discard struct{ Folder string }
	// Trim removes the log's slots below this one, as far as that goes.
	Trim struct{ Below uint64 }
	// Clean removes, once the job is over, what lies in its folder and nothing names: what came of checkpoints that were given up. Kept are
	// the snapshots that stay; files of terms before Epoch and metadata of checkpoints before Next are meant (snapshot.Garbage), as far as
	// that goes.
	Clean struct {
		Kept  []snapshot.Held
		Epoch ident.LeaderEpoch
		Next  ident.CheckpointID
	}
	// Answer answers a request for a savepoint or checkpoint.
	Answer struct {
		Request string
		// Checkpoint and Path are set if it succeeded, Failure if it did not.
		Checkpoint ident.CheckpointID
		Path       string
		Failure    string
	}
	// Restore answers Restart: From is the snapshot, nil for the beginning.
	Restore struct {
		Token uint64
		From  *snapshot.Completed
	}
	// FailJob lets the job fail, so that its restart strategy decides: too many checkpoints have failed, or a drained job could
	// not be stopped.
	FailJob struct{ Reason string }
	// Fenced says that another leader has the job. Nothing else will ever come.
	Fenced struct{ Reason string }
	// Closed says that the end of the job is in the log. Only Delete and Clean came before it, and Deleted may be told still.
	Closed struct{}
)

func (SnapshotCoordinators) command() {}
func (Trigger) command()              {}
func (Abort) command()                {}
func (Store) command()                {}
func (Append) command()               {}
func (Notify) command()               {}
func (Delete) command()               {}
func (Discard) command()              {}
func (Clean) command()                {}
func (Trim) command()                 {}
func (Answer) command()               {}
func (Restore) command()              {}
func (FailJob) command()              {}
func (Fenced) command()               {}
func (Closed) command()               {}
