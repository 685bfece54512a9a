package view

import (
	"math"
	"slices"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
)

// CheckpointStatus says how a checkpoint stands.
type CheckpointStatus string

// The statuses.
const (
	CheckpointInProgress CheckpointStatus = "IN_PROGRESS"
	CheckpointCompleted  CheckpointStatus = "COMPLETED"
	CheckpointFailed     CheckpointStatus = "FAILED"
)

// Checkpoints is what there is to see of a job's checkpoints.
type Checkpoints struct {
	Settings CheckpointSettings
	Counts   CheckpointCounts
	// Summary tells how the figures of completed checkpoints and savepoints are spread.
	Summary CheckpointSummary
	// Completed is the latest checkpoint, Savepoint the latest savepoint; any of these is nil if there is none.
	Completed, Savepoint, Failed *Checkpoint
	Restored                     *Restore
	// History is newest first.
	History []Checkpoint
	// Metadata is the size of the latest one's metadata file.
	Metadata int64
}

// Find returns the checkpoint of that number, or nil: one of the history, or one of the latest, which outlive it.
func (c *Checkpoints) Find(number uint64) *Checkpoint {
	for i := range c.History {
		if c.History[i].ID == number {
			return &c.History[i]
		}
	}
	for _, latest := range []*Checkpoint{c.Completed, c.Savepoint, c.Failed} {
		if latest != nil && latest.ID == number {
			return latest
		}
	}
	return nil
}

// CheckpointCounts are numbers of checkpoints.
type CheckpointCounts struct{ Restored, Total, InProgress, Completed, Failed int }

// CheckpointSummary tells how figures are spread over checkpoints.
type CheckpointSummary struct{ Checkpointed, State, Millis, Processed, Persisted Distribution }

// Checkpoint is one of them.
type Checkpoint struct {
	ID     uint64
	Status CheckpointStatus
	// Savepoint says that it is one; Stop that the job ends with it; Format is the savepoint's: CANONICAL or NATIVE.
	Savepoint, Stop, Unaligned bool
	Format                     string
	Triggered                  time.Time
	// LatestAck is when the latest subtask has answered, Ended when it failed.
	LatestAck, Ended       time.Time
	Sizes                  CheckpointSizes
	Millis                 int64 // from the trigger to the end, or to the latest answer
	Subtasks, Acknowledged int
	Path                   string
	Discarded              bool
	Failure                string
	Vertices               []VertexCheckpoint
}

// CheckpointSizes are bytes.
type CheckpointSizes struct{ Checkpointed, State, Processed, Persisted int64 }

// VertexCheckpoint is a vertex's part of a checkpoint.
type VertexCheckpoint struct {
	ID                     ident.VertexID
	Status                 CheckpointStatus
	LatestAck              time.Time
	Sizes                  CheckpointSizes
	Millis                 int64
	Subtasks, Acknowledged int
	// Parts has an entry for each subtask that takes part.
	Parts []SubtaskCheckpoint
}

// Vertex returns the part of that vertex, or nil.
func (c *Checkpoint) Vertex(id ident.VertexID) *VertexCheckpoint {
	for i := range c.Vertices {
		if c.Vertices[i].ID == id {
			return &c.Vertices[i]
		}
	}
	return nil
}

// SubtaskCheckpoint is a subtask's part of a checkpoint.
type SubtaskCheckpoint struct {
	Index int
	// Acked says that the subtask has answered; what follows is set only then.
	Acked     bool
	At        time.Time
	Sizes     CheckpointSizes
	Millis    int64 // from the trigger to the answer
	Sync      int64 // milliseconds, as the following
	Async     int64
	Alignment int64
	Delay     int64 // from the trigger to the first barrier
	Unaligned bool
	Aborted   bool
}

// Restore says what the job was last restored from.
type Restore struct {
	ID        uint64
	At        time.Time
	Savepoint bool
	Path      string
}

// CheckpointSettings are the options that hold for a job's checkpoints. An Interval of 0 means that none are taken by themselves.
type CheckpointSettings struct {
	AtLeastOnce                  bool
	Interval, Timeout, MinPause  time.Duration
	MaxConcurrent                int
	Externalized, DeleteOnCancel bool
	Backend, Storage             string
	Unaligned                    bool
	TolerableFailures            int
	AlignedTimeout               time.Duration
	AfterTasksFinish             bool
}

// Distribution tells how a figure is spread. Without values all are 0, and the quantiles are NaN, as they are where only the extremes are known.
type Distribution struct {
	Min, Max, Avg            int64
	P50, P90, P95, P99, P999 float64
}

// Spread describes values, which it sorts.
func Spread(values []int64) Distribution {
	nan := math.NaN()
	d := Distribution{P50: nan, P90: nan, P95: nan, P99: nan, P999: nan}
	if len(values) == 0 {
		return d
	}
	slices.Sort(values)
	var sum int64
	for _, v := range values {
		sum += v
	}
	d.Min, d.Max, d.Avg = values[0], values[len(values)-1], sum/int64(len(values))
	d.P50, d.P90, d.P95 = Quantile(values, 0.5), Quantile(values, 0.9), Quantile(values, 0.95)
	d.P99, d.P999 = Quantile(values, 0.99), Quantile(values, 0.999)
	return d
}

// Quantile interpolates between the sorted values around position q(n+1), counted from 1, as Flink's statistics do. There must be values.
func Quantile(sorted []int64, q float64) float64 {
	position := q * float64(len(sorted)+1)
	below := int(position)
	switch {
	case below < 1:
		return float64(sorted[0])
	case below >= len(sorted):
		return float64(sorted[len(sorted)-1])
	}
	low, high := float64(sorted[below-1]), float64(sorted[below])
	return low + (position-float64(below))*(high-low)
}
