package answer

import (
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// RescaleConfig answers /jobs/:jobid/rescales/config.
type RescaleConfig struct {
	HistorySize             int     `json:"rescaleHistoryMax"`
	Mode                    *string `json:"schedulerExecutionMode"`
	SubmissionWait          int64   `json:"submissionResourceWaitTimeoutInMillis"`
	SubmissionStabilization int64   `json:"submissionResourceStabilizationTimeoutInMillis"`
	SlotIdle                int64   `json:"slotIdleTimeoutInMillis"`
	Cooldown                int64   `json:"executingCooldownTimeoutInMillis"`
	Stabilization           int64   `json:"executingResourceStabilizationTimeoutInMillis"`
	MaxDelay                int64   `json:"maximumDelayForTriggeringRescaleInMillis"`
	FailedCheckpoints       int     `json:"rescaleOnFailedCheckpointCount"`
}

// DescribeRescaleSettings answers /jobs/:jobid/rescales/config.
func DescribeRescaleSettings(s view.RescaleSettings) RescaleConfig {
	made := RescaleConfig{
		HistorySize: s.HistorySize, SubmissionWait: s.SubmissionWait.Milliseconds(), SubmissionStabilization: s.SubmissionStabilization.Milliseconds(),
		SlotIdle: s.SlotIdle.Milliseconds(), Cooldown: s.Cooldown.Milliseconds(), Stabilization: s.Stabilization.Milliseconds(),
		MaxDelay: s.MaxTriggerDelay.Milliseconds(), FailedCheckpoints: s.FailedCheckpoints,
	}
	if s.Reactive {
		made.Mode = nullable("REACTIVE")
	}
	return made
}

// RescaleCounts are numbers of rescales by how they ended.
type RescaleCounts struct {
	Ignored    int64 `json:"ignored"`
	InProgress int64 `json:"inProgress"`
	Completed  int64 `json:"completed"`
	Failed     int64 `json:"failed"`
}

// RescalesOverview answers /jobs/:jobid/rescales/overview.
type RescalesOverview struct {
	Counts RescaleCounts  `json:"rescalesCounts"`
	Latest LatestRescales `json:"latest"`
}

// LatestRescales are part of it.
type LatestRescales struct {
	Completed *Rescale `json:"completed"`
	Failed    *Rescale `json:"failed"`
	Ignored   *Rescale `json:"ignored"`
}

// RescalesSummary answers /jobs/:jobid/rescales/summary.
type RescalesSummary struct {
	Counts    RescaleCounts `json:"rescalesCounts"`
	All       Distribution  `json:"rescalesDurationStatsInMillis"`
	Completed Distribution  `json:"completedRescalesDurationStatsInMillis"`
	Ignored   Distribution  `json:"ignoredRescalesDurationStatsInMillis"`
	Failed    Distribution  `json:"failedRescalesDurationStatsInMillis"`
}

// Rescale answers /jobs/:jobid/rescales/details/:rescaleuuid, and is an entry of /jobs/:jobid/rescales/history.
type Rescale struct {
	ID           string                           `json:"rescaleUuid"`
	Requirements string                           `json:"resourceRequirementsUuid"`
	Attempt      int64                            `json:"rescaleAttemptId"`
	Vertices     map[ident.VertexID]VertexRescale `json:"vertices"`
	Slots        map[ident.ID]SlotRescale         `json:"slots"`
	States       []RescaleState                   `json:"schedulerStates"`
	Start        *int64                           `json:"startTimestampInMillis"`
	End          *int64                           `json:"endTimestampInMillis"`
	Outcome      *string                          `json:"terminalState"`
	Trigger      *string                          `json:"triggerCause"`
	Reason       *string                          `json:"terminatedReason"`
}

// VertexRescale is part of it.
type VertexRescale struct {
	ID         ident.VertexID `json:"jobVertexId"`
	Name       string         `json:"jobVertexName"`
	Group      ident.ID       `json:"slotSharingGroupId"`
	GroupName  string         `json:"slotSharingGroupName"`
	Desired    int            `json:"desiredParallelism"`
	Sufficient int            `json:"sufficientParallelism"`
	Before     *int           `json:"preRescaleParallelism"`
	After      *int           `json:"postRescaleParallelism"`
}

// SlotRescale is part of it.
type SlotRescale struct {
	Group     ident.ID  `json:"slotSharingGroupId"`
	Name      string    `json:"slotSharingGroupName"`
	Requested Resources `json:"requestResourceProfile"`
	Desired   int       `json:"desiredSlots"`
	Minimal   int       `json:"minimalRequiredSlots"`
	Before    *int      `json:"preRescaleSlots"`
	After     *int      `json:"postRescaleSlots"`
	Acquired  Resources `json:"acquiredResourceProfile"`
}

// RescaleState is part of it.
type RescaleState struct {
	State    string  `json:"state"`
	Entered  *int64  `json:"enterTimestampInMillis"`
	Left     *int64  `json:"leaveTimestampInMillis"`
	Duration *int64  `json:"durationInMillis"`
	Failure  *string `json:"stringifiedException"`
}

// DescribeRescales answers /jobs/:jobid/rescales/overview.
func DescribeRescales(r *view.Rescales) RescalesOverview {
	latest := func(one *view.Rescale) *Rescale {
		if one == nil {
			return nil
		}
		described := DescribeRescale(one)
		return &described
	}
	return RescalesOverview{Counts: rescaleCounts(r), Latest: LatestRescales{latest(r.LatestCompleted), latest(r.LatestFailed), latest(r.LatestIgnored)}}
}

// SummarizeRescales answers /jobs/:jobid/rescales/summary.
func SummarizeRescales(r *view.Rescales) RescalesSummary {
	return RescalesSummary{
		Counts: rescaleCounts(r), All: distribution(r.Millis), Completed: distribution(r.CompletedMillis), Ignored: distribution(r.IgnoredMillis), Failed: distribution(r.FailedMillis),
	}
}

// ListRescales answers /jobs/:jobid/rescales/history.
func ListRescales(r *view.Rescales) []Rescale {
	list := []Rescale{}
	for i := range r.History {
		list = append(list, DescribeRescale(&r.History[i]))
	}
	return list
}

func rescaleCounts(r *view.Rescales) RescaleCounts {
	return RescaleCounts{Ignored: r.Ignored, InProgress: r.InProgress, Completed: r.Completed, Failed: r.Failed}
}

// DescribeRescale answers /jobs/:jobid/rescales/details/:rescaleuuid.
func DescribeRescale(r *view.Rescale) Rescale {
	made := Rescale{
		ID: r.ID, Requirements: r.Requirements, Attempt: r.Attempt, Vertices: map[ident.VertexID]VertexRescale{}, Slots: map[ident.ID]SlotRescale{},
		States: []RescaleState{}, Start: when(stamp(r.Start)), End: when(stamp(r.End)), Outcome: nullable(r.Outcome), Trigger: nullable(r.Trigger), Reason: nullable(r.Reason),
	}
	for _, v := range r.Vertices {
		made.Vertices[v.ID] = VertexRescale{
			ID: v.ID, Name: v.Name, Group: v.SlotSharingGroup, GroupName: v.GroupName, Desired: v.Desired, Sufficient: v.Sufficient, Before: v.Before, After: v.After,
		}
	}
	for _, s := range r.Slots {
		made.Slots[s.Group] = SlotRescale{
			Group: s.Group, Name: s.Name, Requested: resources(s.Requested), Acquired: resources(s.Acquired), Desired: s.Desired, Minimal: s.Minimal,
			Before: s.Before, After: s.After,
		}
	}
	for _, s := range r.States {
		state := RescaleState{State: s.Name, Entered: when(stamp(s.Entered)), Left: when(stamp(s.Left)), Failure: nullable(s.Failure)}
		if !s.Left.IsZero() {
			state.Duration = when(duration(s.Entered, s.Left, s.Left))
		}
		made.States = append(made.States, state)
	}
	return made
}

// when is nil for 0.
func when(millis int64) *int64 {
	if millis == 0 {
		return nil
	}
	return &millis
}

// Requirement is what a vertex asks for, by the vertex's id in answer and request of /jobs/:jobid/resource-requirements.
type Requirement struct {
	Parallelism Bounds `json:"parallelism"`
}

// Bounds are part of it.
type Bounds struct {
	Lower int `json:"lowerBound"`
	Upper int `json:"upperBound"`
}

// DescribeRequirements answers /jobs/:jobid/resource-requirements.
func DescribeRequirements(all map[ident.VertexID]view.Bounds) map[ident.VertexID]Requirement {
	made := map[ident.VertexID]Requirement{}
	for id, bounds := range all {
		made[id] = Requirement{Parallelism: Bounds(bounds)}
	}
	return made
}
