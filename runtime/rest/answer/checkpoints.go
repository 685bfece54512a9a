package answer

import (
	"math"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Checkpoints answers /jobs/:jobid/checkpoints.
type Checkpoints struct {
	Counts  CheckpointCounts  `json:"counts"`
	Summary CheckpointSummary `json:"summary"`
	Latest  LatestCheckpoints `json:"latest"`
	History []Checkpoint      `json:"history"`
}

// CheckpointCounts are part of it.
type CheckpointCounts struct {
	Restored   int `json:"restored"`
	Total      int `json:"total"`
	InProgress int `json:"in_progress"`
	Completed  int `json:"completed"`
	Failed     int `json:"failed"`
}

// CheckpointSummary is part of it.
type CheckpointSummary struct {
	Checkpointed Distribution `json:"checkpointed_size"`
	State        Distribution `json:"state_size"`
	Duration     Distribution `json:"end_to_end_duration"`
	Buffered     Distribution `json:"alignment_buffered"`
	Processed    Distribution `json:"processed_data"`
	Persisted    Distribution `json:"persisted_data"`
}

// Distribution tells how a figure is spread.
type Distribution struct {
	Min  int64  `json:"min"`
	Max  int64  `json:"max"`
	Avg  int64  `json:"avg"`
	P50  Double `json:"p50"`
	P90  Double `json:"p90"`
	P95  Double `json:"p95"`
	P99  Double `json:"p99"`
	P999 Double `json:"p999"`
}

func distribution(d view.Distribution) Distribution {
	return Distribution{d.Min, d.Max, d.Avg, Double(d.P50), Double(d.P90), Double(d.P95), Double(d.P99), Double(d.P999)}
}

// LatestCheckpoints are part of it.
type LatestCheckpoints struct {
	Completed *Checkpoint `json:"completed"`
	Savepoint *Checkpoint `json:"savepoint"`
	Failed    *Checkpoint `json:"failed"`
	Restored  *Restored   `json:"restored"`
}

// Restored is part of it.
type Restored struct {
	ID        uint64 `json:"id"`
	At        int64  `json:"restore_timestamp"`
	Savepoint bool   `json:"is_savepoint"`
	Path      string `json:"external_path"`
}

// Checkpoint is an entry of the history, and answers /jobs/:jobid/checkpoints/details/:checkpointid. The class decides which of the last keys
// there are.
type Checkpoint struct {
	Class        string                              `json:"className"`
	ID           uint64                              `json:"id"`
	Status       view.CheckpointStatus               `json:"status"`
	Savepoint    bool                                `json:"is_savepoint"`
	Format       *string                             `json:"savepointFormat"`
	Triggered    int64                               `json:"trigger_timestamp"`
	LatestAck    int64                               `json:"latest_ack_timestamp"`
	Checkpointed int64                               `json:"checkpointed_size"`
	State        int64                               `json:"state_size"`
	Duration     int64                               `json:"end_to_end_duration"`
	Buffered     int64                               `json:"alignment_buffered"`
	Processed    int64                               `json:"processed_data"`
	Persisted    int64                               `json:"persisted_data"`
	Subtasks     int                                 `json:"num_subtasks"`
	Acknowledged int                                 `json:"num_acknowledged_subtasks"`
	Type         string                              `json:"checkpoint_type"`
	Tasks        map[ident.VertexID]VertexCheckpoint `json:"tasks"`
	*CompletedKeys
	*FailedKeys
}

// CompletedKeys are those of a completed checkpoint.
type CompletedKeys struct {
	Path      *string `json:"external_path"`
	Discarded bool    `json:"discarded"`
}

// FailedKeys are those of a failed checkpoint.
type FailedKeys struct {
	At      int64   `json:"failure_timestamp"`
	Message *string `json:"failure_message"`
}

// VertexCheckpoint is a vertex's part of a checkpoint.
type VertexCheckpoint struct {
	ID           uint64                `json:"id"`
	Status       view.CheckpointStatus `json:"status"`
	LatestAck    int64                 `json:"latest_ack_timestamp"`
	Checkpointed int64                 `json:"checkpointed_size"`
	State        int64                 `json:"state_size"`
	Duration     int64                 `json:"end_to_end_duration"`
	Buffered     int64                 `json:"alignment_buffered"`
	Processed    int64                 `json:"processed_data"`
	Persisted    int64                 `json:"persisted_data"`
	Subtasks     int                   `json:"num_subtasks"`
	Acknowledged int                   `json:"num_acknowledged_subtasks"`
}

// DescribeCheckpoints answers /jobs/:jobid/checkpoints.
func DescribeCheckpoints(c *view.Checkpoints) Checkpoints {
	made := Checkpoints{
		Counts: CheckpointCounts(c.Counts),
		Summary: CheckpointSummary{
			Checkpointed: distribution(c.Summary.Checkpointed), State: distribution(c.Summary.State), Duration: distribution(c.Summary.Millis),
			Processed: distribution(c.Summary.Processed), Persisted: distribution(c.Summary.Persisted),
		},
		Latest:  LatestCheckpoints{Completed: listed(c.Completed), Savepoint: listed(c.Savepoint), Failed: listed(c.Failed)},
		History: []Checkpoint{},
	}
	if r := c.Restored; r != nil {
		made.Latest.Restored = &Restored{ID: r.ID, At: stamp(r.At), Savepoint: r.Savepoint, Path: r.Path}
	}
	for i := range c.History {
		made.History = append(made.History, *listed(&c.History[i]))
	}
	return made
}

// listed describes a checkpoint without its vertices, as lists have it.
func listed(c *view.Checkpoint) *Checkpoint {
	if c == nil {
		return nil
	}
	made := Checkpoint{
		ID: c.ID, Status: c.Status, Savepoint: c.Savepoint, Format: nullable(c.Format), Triggered: stamp(c.Triggered), LatestAck: ended(c.LatestAck),
		Checkpointed: c.Sizes.Checkpointed, State: c.Sizes.State, Duration: c.Millis, Processed: c.Sizes.Processed, Persisted: c.Sizes.Persisted,
		Subtasks: c.Subtasks, Acknowledged: c.Acknowledged, Type: checkpointType(c), Tasks: map[ident.VertexID]VertexCheckpoint{},
	}
	switch c.Status {
	case view.CheckpointCompleted:
		made.Class, made.CompletedKeys = "completed", &CompletedKeys{Path: nullable(c.Path), Discarded: c.Discarded}
	case view.CheckpointFailed:
		made.Class, made.FailedKeys = "failed", &FailedKeys{At: stamp(c.Ended), Message: nullable(c.Failure)}
	default:
		made.Class = "in_progress"
	}
	return &made
}

func checkpointType(c *view.Checkpoint) string {
	switch {
	case c.Savepoint && c.Stop:
		return "SYNC_SAVEPOINT"
	case c.Savepoint:
		return "SAVEPOINT"
	case c.Unaligned:
		return "UNALIGNED_CHECKPOINT"
	}
	return "CHECKPOINT"
}

// DescribeCheckpoint answers /jobs/:jobid/checkpoints/details/:checkpointid.
func DescribeCheckpoint(c *view.Checkpoint) Checkpoint {
	made := *listed(c)
	for i := range c.Vertices {
		made.Tasks[c.Vertices[i].ID] = describeVertexCheckpoint(c, &c.Vertices[i])
	}
	return made
}

func describeVertexCheckpoint(c *view.Checkpoint, v *view.VertexCheckpoint) VertexCheckpoint {
	return VertexCheckpoint{
		ID: c.ID, Status: v.Status, LatestAck: ended(v.LatestAck), Checkpointed: v.Sizes.Checkpointed, State: v.Sizes.State, Duration: v.Millis,
		Processed: v.Sizes.Processed, Persisted: v.Sizes.Persisted, Subtasks: v.Subtasks, Acknowledged: v.Acknowledged,
	}
}

// SubtaskCheckpoints answers /jobs/:jobid/checkpoints/details/:checkpointid/subtasks/:vertexid.
type SubtaskCheckpoints struct {
	VertexCheckpoint
	Summary  SubtaskSummary      `json:"summary"`
	Subtasks []SubtaskCheckpoint `json:"subtasks"`
}

// SubtaskSummary is part of it.
type SubtaskSummary struct {
	Checkpointed Distribution        `json:"checkpointed_size"`
	State        Distribution        `json:"state_size"`
	Duration     Distribution        `json:"end_to_end_duration"`
	Checkpoint   CheckpointDurations `json:"checkpoint_duration"`
	Alignment    AlignmentSummary    `json:"alignment"`
	Delay        Distribution        `json:"start_delay"`
}

// CheckpointDurations are part of it.
type CheckpointDurations struct {
	Sync  Distribution `json:"sync"`
	Async Distribution `json:"async"`
}

// AlignmentSummary is part of it.
type AlignmentSummary struct {
	Buffered  Distribution `json:"buffered"`
	Processed Distribution `json:"processed"`
	Persisted Distribution `json:"persisted"`
	Duration  Distribution `json:"duration"`
}

// SubtaskCheckpoint is an entry of it. A subtask that has not answered has class pending and no further keys.
type SubtaskCheckpoint struct {
	Class string `json:"className"`
	Index int    `json:"index"`
	*SubtaskAnswer
	Status string `json:"status"`
}

// SubtaskAnswer has the keys of a subtask that has answered.
type SubtaskAnswer struct {
	At           int64            `json:"ack_timestamp"`
	Duration     int64            `json:"end_to_end_duration"`
	Checkpointed int64            `json:"checkpointed_size"`
	State        int64            `json:"state_size"`
	Checkpoint   SubtaskDurations `json:"checkpoint"`
	Alignment    SubtaskAlignment `json:"alignment"`
	Delay        int64            `json:"start_delay"`
	Unaligned    bool             `json:"unaligned_checkpoint"`
	Aborted      bool             `json:"aborted"`
}

// SubtaskDurations are part of it.
type SubtaskDurations struct {
	Sync  int64 `json:"sync"`
	Async int64 `json:"async"`
}

// SubtaskAlignment is part of it.
type SubtaskAlignment struct {
	Buffered  int64 `json:"buffered"`
	Processed int64 `json:"processed"`
	Persisted int64 `json:"persisted"`
	Duration  int64 `json:"duration"`
}

// DescribeSubtaskCheckpoints answers /jobs/:jobid/checkpoints/details/:checkpointid/subtasks/:vertexid.
func DescribeSubtaskCheckpoints(c *view.Checkpoint, v *view.VertexCheckpoint) SubtaskCheckpoints {
	made := SubtaskCheckpoints{VertexCheckpoint: describeVertexCheckpoint(c, v), Summary: summarizeParts(v.Parts), Subtasks: []SubtaskCheckpoint{}}
	for i := range v.Parts {
		made.Subtasks = append(made.Subtasks, describePart(&v.Parts[i]))
	}
	return made
}

func describePart(p *view.SubtaskCheckpoint) SubtaskCheckpoint {
	if !p.Acked {
		return SubtaskCheckpoint{Class: "pending", Index: p.Index, Status: "pending_or_failed"}
	}
	return SubtaskCheckpoint{Class: "completed", Index: p.Index, Status: "completed", SubtaskAnswer: &SubtaskAnswer{
		At: stamp(p.At), Duration: p.Millis, Checkpointed: p.Sizes.Checkpointed, State: p.Sizes.State,
		Checkpoint: SubtaskDurations{Sync: p.Sync, Async: p.Async},
		Alignment:  SubtaskAlignment{Processed: p.Sizes.Processed, Persisted: p.Sizes.Persisted, Duration: p.Alignment},
		Delay:      p.Delay, Unaligned: p.Unaligned, Aborted: p.Aborted,
	}}
}

// summarizeParts tells how the figures of those that have answered are spread. Flink keeps no quantiles there.
func summarizeParts(parts []view.SubtaskCheckpoint) SubtaskSummary {
	spread := func(figure func(*view.SubtaskCheckpoint) int64) Distribution {
		var values []int64
		for i := range parts {
			if parts[i].Acked {
				values = append(values, figure(&parts[i]))
			}
		}
		d := view.Spread(values)
		nan := Double(math.NaN())
		return Distribution{Min: d.Min, Max: d.Max, Avg: d.Avg, P50: nan, P90: nan, P95: nan, P99: nan, P999: nan}
	}
	type part = *view.SubtaskCheckpoint
	return SubtaskSummary{
		Checkpointed: spread(func(p part) int64 { return p.Sizes.Checkpointed }),
		State:        spread(func(p part) int64 { return p.Sizes.State }),
		Duration:     spread(func(p part) int64 { return p.Millis }),
		Checkpoint: CheckpointDurations{
			Sync: spread(func(p part) int64 { return p.Sync }), Async: spread(func(p part) int64 { return p.Async }),
		},
		Alignment: AlignmentSummary{
			Processed: spread(func(p part) int64 { return p.Sizes.Processed }), Persisted: spread(func(p part) int64 { return p.Sizes.Persisted }),
			Duration: spread(func(p part) int64 { return p.Alignment }),
		},
		Delay: spread(func(p part) int64 { return p.Delay }),
	}
}

// CheckpointConfig answers /jobs/:jobid/checkpoints/config.
type CheckpointConfig struct {
	Mode              string          `json:"mode"`
	Interval          int64           `json:"interval"`
	Timeout           int64           `json:"timeout"`
	MinPause          int64           `json:"min_pause"`
	MaxConcurrent     int             `json:"max_concurrent"`
	Externalization   Externalization `json:"externalization"`
	Backend           string          `json:"state_backend"`
	Storage           string          `json:"checkpoint_storage"`
	Unaligned         bool            `json:"unaligned_checkpoints"`
	TolerableFailures int             `json:"tolerable_failed_checkpoints"`
	AlignedTimeout    int64           `json:"aligned_checkpoint_timeout"`
	AfterTasksFinish  bool            `json:"checkpoints_after_tasks_finish"`
	Changelog         bool            `json:"state_changelog_enabled"`
	ChangelogInterval int64           `json:"changelog_periodic_materialization_interval"`
	ChangelogStorage  string          `json:"changelog_storage"`
}

// Externalization is part of it.
type Externalization struct {
	Enabled        bool `json:"enabled"`
	DeleteOnCancel bool `json:"delete_on_cancellation"`
}

// DescribeCheckpointSettings answers /jobs/:jobid/checkpoints/config. There is no changelog: its figures are Flink's defaults.
func DescribeCheckpointSettings(s view.CheckpointSettings) CheckpointConfig {
	mode := "exactly_once"
	if s.AtLeastOnce {
		mode = "at_least_once"
	}
	return CheckpointConfig{
		Mode: mode, Interval: interval(s.Interval), Timeout: s.Timeout.Milliseconds(), MinPause: s.MinPause.Milliseconds(), MaxConcurrent: s.MaxConcurrent,
		Externalization: Externalization{Enabled: s.Externalized, DeleteOnCancel: s.DeleteOnCancel}, Backend: s.Backend, Storage: s.Storage,
		Unaligned: s.Unaligned, TolerableFailures: s.TolerableFailures, AlignedTimeout: s.AlignedTimeout.Milliseconds(), AfterTasksFinish: s.AfterTasksFinish,
		ChangelogInterval: 600_000, ChangelogStorage: "memory",
	}
}

// interval is the longest time there is where no checkpoints are taken by themselves.
func interval(d time.Duration) int64 {
	if d == 0 {
		return math.MaxInt64
	}
	return d.Milliseconds()
}
