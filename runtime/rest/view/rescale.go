package view

import (
	"time"

	"github.com/weir-stream/weir/runtime/ident"
)

// Bounds are the least and the greatest parallelism of a vertex.
type Bounds struct{ Lower, Upper int }

// Rescales is what there is to see of the changes of a job's parallelism under the adaptive scheduler.
type Rescales struct {
	Settings                                     RescaleSettings
	Ignored, InProgress, Completed, Failed       int64
	LatestCompleted, LatestFailed, LatestIgnored *Rescale
	// History is newest first.
	History []Rescale
	// Millis tells how long rescales took: all of them, and those that ended in each way.
	Millis, CompletedMillis, IgnoredMillis, FailedMillis Distribution
}

// Find returns the rescale of that id, or nil.
func (r *Rescales) Find(id string) *Rescale {
	for i := range r.History {
		if r.History[i].ID == id {
			return &r.History[i]
		}
	}
	return nil
}

// RescaleSettings are the options that hold for rescales.
type RescaleSettings struct {
	HistorySize                                                                int
	Reactive                                                                   bool
	SubmissionWait, SubmissionStabilization, SlotIdle, Cooldown, Stabilization time.Duration
	MaxTriggerDelay                                                            time.Duration
	FailedCheckpoints                                                          int
}

// Rescale is one of them.
type Rescale struct {
	ID, Requirements string // UUIDs
	Attempt          int64
	Vertices         []VertexRescale
	Slots            []SlotRescale
	States           []RescaleState
	Start, End       time.Time
	// Outcome is COMPLETED, FAILED or IGNORED, empty while it goes on. Trigger and Reason are Flink's words for why it began and ended.
	Outcome, Trigger, Reason string
}

// VertexRescale is what a rescale means for a vertex. Pointers are nil where nothing is known yet.
type VertexRescale struct {
	ID                  ident.VertexID
	Name                string
	SlotSharingGroup    ident.ID
	GroupName           string
	Desired, Sufficient int
	Before, After       *int
}

// SlotRescale is what a rescale means for a slot sharing group.
type SlotRescale struct {
	Group               ident.ID
	Name                string
	Requested, Acquired Resources
	Desired, Minimal    int
	Before, After       *int
}

// RescaleState is a step that the scheduler took.
type RescaleState struct {
	Name          string
	Entered, Left time.Time
	Failure       string
}
