// Package ident has the typed identifiers of the runtime, so that a vertex can never be passed for an operator
// nor an attempt for a subtask. All are small comparable values; their text forms are those of Flink (lower-case hex).
package ident

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
)

// ID is 16 opaque bytes, written as 32 lower-case hex digits as Flink writes its ids.
type ID [16]byte

// String returns the 32 hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether the id was never set.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText writes the id as hex, for JSON and logs.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// ParseID reads 32 hex digits.
func ParseID(text string) (ID, error) {
	var id ID
	if len(text) != 2*len(id) {
		return id, fmt.Errorf("id %q: want %d hexadecimal digits, have %d characters", text, 2*len(id), len(text))
	}
	if _, err := hex.Decode(id[:], []byte(text)); err != nil {
		return ID{}, fmt.Errorf("id %q: %w", text, err)
	}
	return id, nil
}

// NewID returns a random id.
func NewID() ID {
	var id ID
	rand.Read(id[:]) // never fails: crypto/rand ends the program instead
	return id
}

// Derive returns the id that stands for the given parts, the same on every machine and in every build.
// Parts are length-prefixed before hashing (SHA-256), so ("ab","c") and ("a","bc") differ.
func Derive(parts ...string) ID {
	h := sha256.New()
	for _, part := range parts {
		h.Write(strconv.AppendInt(nil, int64(len(part)), 10))
		h.Write([]byte{':'})
		h.Write([]byte(part))
	}
	var id ID
	copy(id[:], h.Sum(nil))
	return id
}

type (
	// JobID names a job for its whole life, over restarts and leaders.
	JobID = ID
	// OperatorID names an operator across versions of a program; state is found by it.
	OperatorID = ID
	// VertexID names a job vertex: a chain of operators that is deployed together. It is the id of the chain's head.
	VertexID = ID
	// AllocationID names one grant of a slot to a job.
	AllocationID = ID
)

// SubtaskIndex numbers the parallel instances of a vertex from 0.
type SubtaskIndex int32

// LeaderEpoch orders the leaders of one component: a message of a lower epoch is stale.
type LeaderEpoch uint64

// CheckpointID numbers the checkpoints of a job from 1, never reused.
type CheckpointID uint64

// ExecutionID names one attempt to run one subtask. Attempts count from 0.
type ExecutionID struct {
	Job     JobID
	Vertex  VertexID
	Subtask SubtaskIndex
	Attempt int32
}

// String returns vertex_subtask_attempt, the tail of Flink's execution attempt id.
func (e ExecutionID) String() string {
	return fmt.Sprintf("%s_%d_%d", e.Vertex, e.Subtask, e.Attempt)
}
