// Package coordinator decides when a job's checkpoints and savepoints are taken, follows each until it is durable and logged,
// and says which files may go. It is pure: events and the time go in, commands come out, and a shell carries them out.
package coordinator

import (
	"fmt"
	"strings"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// Config is what a coordinator needs to know, mostly Flink's options below execution.checkpointing.
type Config struct {
	Job *graph.JobGraph
	// Build is the revision of the program, for the metadata.
	Build string
	// Writer is the leader's term, with which the log was claimed.
	Writer snapshot.Writer

	// Interval is the time between the starts of checkpoints; 0 takes only those that are asked for.
	Interval time.Duration
	// MinPause is the least time from the end of a checkpoint to the start of the next periodic one.
	MinPause time.Duration
	// Timeout is how long a checkpoint may take from its start until it is written to the log.
	Timeout time.Duration
	// MaxConcurrent is how many may be in flight when one starts that nobody asked for by name.
	MaxConcurrent int
	// TolerableFailed is how many may fail in a row without failing the job.
	TolerableFailed int
	// Retained is how many completed ones are kept.
	Retained  int
	Retention Retention
	// ExactlyOnce says that inputs wait for each other.
	ExactlyOnce bool
	// AfterTasksFinish goes on when subtasks have finished.
	AfterTasksFinish bool

	// History is how many checkpoints are remembered for statistics (web.checkpoints.history).
	History int
	// Retry is the time after which a slot of the log is tried again if it is not known whether it was written, and the last checkpoint of a
	// bounded job if it has failed.
	Retry time.Duration
	// LogLength is the number of slots after which the log is summed up, so that it can be trimmed.
	LogLength uint64
	// NewID returns random ids.
	NewID func() ident.ID
}

// Defaults returns Flink's defaults, with checkpoints off.
func Defaults(job *graph.JobGraph, w snapshot.Writer, newID func() ident.ID) Config {
	return Config{
		Job: job, Writer: w, NewID: newID, Timeout: 10 * time.Minute, MaxConcurrent: 1, Retained: 1, ExactlyOnce: true,
		AfterTasksFinish: true, History: 10, Retry: time.Second, LogLength: 64,
	}
}

// Validate reports values that make no sense, naming Flink's option.
func (c Config) Validate() error {
	const prefix = "execution.checkpointing."
	switch {
	case c.Interval < 0:
		return fmt.Errorf("%sinterval: %v is negative", prefix, c.Interval)
	case c.MinPause < 0:
		return fmt.Errorf("%smin-pause: %v is negative", prefix, c.MinPause)
	case c.Timeout <= 0:
		return fmt.Errorf("%stimeout: %v must be above 0", prefix, c.Timeout)
	case c.MaxConcurrent < 1:
		return fmt.Errorf("%smax-concurrent-checkpoints: %d must be at least 1", prefix, c.MaxConcurrent)
	case c.TolerableFailed < 0:
		return fmt.Errorf("%stolerable-failed-checkpoints: %d is negative", prefix, c.TolerableFailed)
	case c.Retained < 1:
		return fmt.Errorf("%snum-retained: %d must be at least 1", prefix, c.Retained)
	}
	return nil
}

// Retention says what becomes of the retained checkpoints when the job is over
// (execution.checkpointing.externalized-checkpoint-retention). Those of a job that has finished are always deleted.
type Retention uint8

const (
	// NoExternalized deletes them.
	NoExternalized Retention = iota
	// DeleteOnCancellation keeps them if the job has failed.
	DeleteOnCancellation
	// RetainOnCancellation keeps them if it has failed or was canceled.
	RetainOnCancellation
)

var retentionNames = []string{"NO_EXTERNALIZED_CHECKPOINTS", "DELETE_ON_CANCELLATION", "RETAIN_ON_CANCELLATION"}

// String returns Flink's name.
func (r Retention) String() string { return retentionNames[r] }

// ParseRetention reads Flink's name, in any case.
func ParseRetention(text string) (Retention, error) {
	for i, name := range retentionNames {
		if strings.EqualFold(name, text) {
			return Retention(i), nil
		}
	}
	return 0, fmt.Errorf("retention %q: it must be one of %s", text, strings.Join(retentionNames, ", "))
}

// discards says whether the checkpoints of a job that ended so are deleted.
func (r Retention) discards(end graph.JobState) bool {
	switch end {
	case graph.JobFinished:
		return true
	case graph.JobCanceled:
		return r != RetainOnCancellation
	}
	return r == NoExternalized
}
