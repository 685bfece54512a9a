package message

import (
	"fmt"

	"github.com/weir-stream/weir/runtime/ident"
)

// ID reads an id that came as bytes.
func ID(b []byte) (ident.ID, error) {
	var id ident.ID
	if len(b) != len(id) {
		return id, fmt.Errorf("an id of %d bytes, want %d", len(b), len(id))
	}
	copy(id[:], b)
	return id, nil
}

// IDBytes writes an id as bytes of its own.
func IDBytes(id ident.ID) []byte { return id[:] }

// Ident reads an execution's id.
func (e *ExecutionID) Ident() (ident.ExecutionID, error) {
	job, err := ID(e.GetJob())
	if err != nil {
		return ident.ExecutionID{}, fmt.Errorf("job of an execution: %w", err)
	}
	vertex, err := ID(e.GetVertex())
	if err != nil {
		return ident.ExecutionID{}, fmt.Errorf("vertex of an execution: %w", err)
	}
	return ident.ExecutionID{Job: job, Vertex: vertex, Subtask: ident.SubtaskIndex(e.GetSubtask()), Attempt: e.GetAttempt()}, nil
}

// NewExecutionID writes an execution's id.
func NewExecutionID(e ident.ExecutionID) *ExecutionID {
	return &ExecutionID{Job: IDBytes(e.Job), Vertex: IDBytes(e.Vertex), Subtask: int32(e.Subtask), Attempt: e.Attempt}
}

// Error makes a Failure an error with the whole message; the stack stays separate.
func (f *Failure) Error() string { return f.GetMessage() }

// Key makes an address comparable.
func (a *Address) Key() AddressKey { return AddressKey{a.GetHost(), a.GetId()} }

// AddressKey is an Address to compare and to look up by.
type AddressKey struct{ Host, ID string }
