package coordinator

import (
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// Event is something that has happened.
type Event interface{ event() }

type (
	// Tick is the time, which comes with every event; it is due at Deadline.
	Tick struct{}

	// Deployed says that a new attempt is now the one that counts for its subtask. It does not run yet.
	Deployed struct{ Execution ident.ExecutionID }
	// Running says that the attempt can take checkpoints.
	Running struct{ Execution ident.ExecutionID }
	// InputEnded says that the attempt has worked on all of its input and finishes as soon as a checkpoint completes that it
	// has taken since.
	InputEnded struct{ Execution ident.ExecutionID }
	// Finished says that the attempt is over and its results are final.
	Finished struct{ Execution ident.ExecutionID }
	// Gone says that the attempt has failed or is being canceled: what else it says means nothing any more.
	Gone struct{ Execution ident.ExecutionID }
	// Restart asks what subtasks are to be restored from. All that is in flight is given up; Restore answers.
	Restart struct{ Token uint64 }
	// Rescaled says that the job is deployed anew with another number of subtasks.
	Rescaled struct{ Job *graph.JobGraph }

	// CoordinatorState is the state of an operator's coordinator for a checkpoint.
	CoordinatorState struct {
		Checkpoint ident.CheckpointID
		Operator   ident.OperatorID
		State      []byte
		// Over says that there is none any more, since all it serves has finished.
		Over bool
		// Failure says why there is none; empty if there is. Harmless says that it is being started anew, so that this does not count as a
		// failure.
		Failure  string
		Harmless bool
	}
	// Ack says that an attempt's part of a checkpoint is durable.
	Ack struct {
		Checkpoint ident.CheckpointID
		Execution  ident.ExecutionID
		// Operators are the links of the chain that have state.
		Operators []OperatorAck
		// InputEnded says that the attempt's operators had finished.
		InputEnded bool
		Stats      SubtaskStats
	}
	// Decline says that an attempt will not take a checkpoint.
	Decline struct {
		Checkpoint ident.CheckpointID
		Execution  ident.ExecutionID
		// Reason is for the user.
		Reason string
		// Harmless says that the checkpoint came at the wrong time (the attempt is about to finish, a newer barrier has overtaken it), so that
		// it does not count as a failure.
		Harmless bool
	}

	// Stored answers Store.
	Stored struct {
		Checkpoint ident.CheckpointID
		Outcome    StoreOutcome
		// Failure is the reason if the outcome is StoreFailed.
		Failure string
	}
	// LogAnswered answers Append: what the slot holds, nil if nothing, and the highest slot of a listing made after the attempt to
	// create it.
	LogAnswered struct {
		Slot    uint64
		InSlot  *snapshot.LogEntry
		Highest uint64
		// Failure says why that could not be found out; empty if it could.
		Failure string
	}
	// Deleted says that the files that a slot has released are gone, or why some are not.
	Deleted struct {
		Slot uint64
		// Failure is empty if all are gone.
		Failure string
	}
	// Lost says that another leads the job, as the leader election has it.
	Lost struct{ Reason string }

	// RequestSavepoint asks for a savepoint; Answer answers it once.
	RequestSavepoint struct {
		// Request is the request's own id.
		Request string
		// Directory is where the savepoint's folder is made.
		Directory string
		// Stop lets the job end with the savepoint, and is answered when it has ended. Drain has the sources end their input first, as if for
		// good.
		Stop, Drain bool
	}
	// RequestCheckpoint asks for a checkpoint now; Answer answers it once.
	RequestCheckpoint struct {
		Request string
		Full    bool
	}
	// End says that the job is over.
	End struct{ State graph.JobState }
)

func (Tick) event()              {}
func (Deployed) event()          {}
func (Running) event()           {}
func (InputEnded) event()        {}
func (Finished) event()          {}
func (Gone) event()              {}
func (Restart) event()           {}
func (Rescaled) event()          {}
func (CoordinatorState) event()  {}
func (Ack) event()               {}
func (Decline) event()           {}
func (Stored) event()            {}
func (LogAnswered) event()       {}
func (Deleted) event()           {}
func (Lost) event()              {}
func (RequestSavepoint) event()  {}
func (RequestCheckpoint) event() {}
func (End) event()               {}

// OperatorAck is the state of one operator in an acknowledgement.
type OperatorAck struct {
	ID     ident.OperatorID
	States []*snapshot.StateSchema
	// Lists are what State.lists refers to.
	Lists []*snapshot.ListSchema
	State *snapshot.SubtaskState
}

// StoreOutcome is what became of a metadata file.
type StoreOutcome uint8

const (
	// StoreWritten says that the file is durable with just this content.
	StoreWritten StoreOutcome = iota
	// StoreExists says that another leader has made a file of that name.
	StoreExists
	// StoreFailed says anything else; the file may be there or not.
	StoreFailed
)

// SubtaskStats is what an attempt measured of its part of a checkpoint.
type SubtaskStats struct {
	// CheckpointedBytes were written for it, StateBytes are all that it consists of.
	CheckpointedBytes, StateBytes int64
	// StartDelay lasted from the trigger to the first barrier, Alignment from that to the last; Sync is the time in the task itself,
	// Async that beside it.
	StartDelay, Alignment, Sync, Async time.Duration
	// ProcessedBytes were worked on during the alignment, PersistedBytes are records in flight that are part of it.
	ProcessedBytes, PersistedBytes int64
}
