package graph

import "fmt"

// Partitioning says how records are spread over the subtasks of the operator behind an edge.
type Partitioning uint8

// The partitionings, named in plans as Flink does.
const (
	// Forward keeps records in their subtask: subtask i feeds subtask i.
	Forward Partitioning = iota
	// Hash sends records of the same key to the same subtask.
	Hash
	// Rebalance spreads records evenly over all subtasks.
	Rebalance
	// Rescale spreads records evenly over the few subtasks that the producer is connected with.
	Rescale
	// Shuffle spreads records at random.
	Shuffle
	// Broadcast sends every record to all subtasks.
	Broadcast
	// Global sends all records to the first subtask.
	Global
	// Custom lets the program choose.
	Custom

	partitionings // their number
)

// shipStrategies are the names that Flink's plan shows.
var shipStrategies = [partitionings]string{"FORWARD", "HASH", "REBALANCE", "RESCALE", "SHUFFLE", "BROADCAST", "GLOBAL", "CUSTOM"}

// String returns the name of Flink's ship strategy, such as "REBALANCE".
func (p Partitioning) String() string {
	if p < partitionings {
		return shipStrategies[p]
	}
	return fmt.Sprintf("Partitioning(%d)", uint8(p))
}

// parsePartitioning is the inverse of String.
func parsePartitioning(name string) (Partitioning, error) {
	for p, n := range shipStrategies {
		if n == name {
			return Partitioning(p), nil
		}
	}
	return 0, fmt.Errorf("unknown partitioning %q", name)
}

// Pointwise reports whether a producer is connected with only some of the consumers.
func (p Partitioning) Pointwise() bool { return p == Forward || p == Rescale }
