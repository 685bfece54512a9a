package answer

import "github.com/weir-stream/weir/runtime/rest/view"

// Progress says how far an asynchronous operation is.
type Progress string

// The states of an operation.
const (
	InProgress Progress = "IN_PROGRESS"
	Completed  Progress = "COMPLETED"
)

// Status wraps it.
type Status struct {
	ID Progress `json:"id"`
}

// Triggered answers whatever starts an asynchronous operation.
type Triggered struct {
	Request string `json:"request-id"`
}

// Operation answers a poll. Operation is null while it goes on.
type Operation struct {
	Status    Status `json:"status"`
	Operation any    `json:"operation"`
}

// Location is the result of a savepoint and of a stop.
type Location struct {
	Location string `json:"location"`
}

// CheckpointTaken is the result of a checkpoint.
type CheckpointTaken struct {
	Checkpoint uint64 `json:"checkpointId"`
}

// Empty is an answer, or a result, without keys.
type Empty struct{}

// OperationFailed is the result of a failed savepoint, stop or disposal.
type OperationFailed struct {
	Failure Failure `json:"failure-cause"`
}

// CheckpointNotTaken is the result of a failed checkpoint, which has another key.
type CheckpointNotTaken struct {
	Failure Failure `json:"failureCause"`
}

// Pending answers the poll of an operation that goes on.
func Pending() Operation { return Operation{Status: Status{InProgress}} }

// Done answers the poll of an operation that has succeeded.
func Done(result any) Operation { return Operation{Status: Status{Completed}, Operation: result} }

// NotDone answers the poll of an operation that has failed; checkpoint says that it is that of a checkpoint.
func NotDone(cause view.Cause, checkpoint bool) Operation {
	failure := DescribeCause(cause)
	if checkpoint {
		return Done(CheckpointNotTaken{failure})
	}
	return Done(OperationFailed{failure})
}
