package coordinator

import (
	"slices"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
)

// Status is how a checkpoint stands, by Flink's names in its REST API.
type Status string

// The statuses.
const (
	InProgress Status = "IN_PROGRESS"
	Completed  Status = "COMPLETED"
	Failed     Status = "FAILED"
)

// Statistics is what is known of one checkpoint. A pointer to it is given out only in copies.
type Statistics struct {
	Checkpoint ident.CheckpointID
	Kind       snapshot.Kind
	Status     Status
	Stop       bool
	Folder     string
	// Discarded says that its files were released.
	Discarded bool
	Failure   string
	// Triggered, LatestAck and Ended are times; the latter two are zero before.
	Triggered, LatestAck, Ended time.Time
	// Subtasks are those that take part, Acknowledged how many have answered.
	Subtasks, Acknowledged int
	// Vertices are in the job's order.
	Vertices []VertexStatistics
}

// VertexStatistics has the subtasks of a vertex that have answered.
type VertexStatistics struct {
	Vertex ident.VertexID
	// Parallelism is the number of subtasks that take part.
	Parallelism int
	Subtasks    []SubtaskStatistics
}

// SubtaskStatistics is an answer.
type SubtaskStatistics struct {
	Subtask ident.SubtaskIndex
	Ack     time.Time
	SubtaskStats
}

// Total is the sum over the subtasks that have answered; its durations are the longest ones.
func (s *Statistics) Total() (total SubtaskStats) {
	for _, v := range s.Vertices {
		total.add(v.Total())
	}
	return total
}

// Total is the sum over the subtasks that have answered; its durations are the longest ones.
func (v VertexStatistics) Total() (total SubtaskStats) {
	for _, one := range v.Subtasks {
		total.add(one.SubtaskStats)
	}
	return total
}

func (s *SubtaskStats) add(other SubtaskStats) {
	s.CheckpointedBytes += other.CheckpointedBytes
	s.StateBytes += other.StateBytes
	s.ProcessedBytes += other.ProcessedBytes
	s.PersistedBytes += other.PersistedBytes
	s.StartDelay, s.Alignment = max(s.StartDelay, other.StartDelay), max(s.Alignment, other.Alignment)
	s.Sync, s.Async = max(s.Sync, other.Sync), max(s.Async, other.Async)
}

// Duration is from the trigger to the end, or to the latest answer while there is none.
func (s *Statistics) Duration() time.Duration {
	switch {
	case !s.Ended.IsZero():
		return s.Ended.Sub(s.Triggered)
	case !s.LatestAck.IsZero():
		return s.LatestAck.Sub(s.Triggered)
	}
	return 0
}

func (s *Statistics) clone() *Statistics {
	if s == nil {
		return nil
	}
	made := *s
	made.Vertices = slices.Clone(s.Vertices)
	for i := range made.Vertices {
		made.Vertices[i].Subtasks = slices.Clone(s.Vertices[i].Subtasks)
	}
	return &made
}

// Counts are numbers of checkpoints since this leader began.
type Counts struct {
	Total, InProgress, Completed, Failed, Restored int
}

// Summary says how a figure is spread over the completed checkpoints.
type Summary struct {
	Min, Max, Sum int64
	Count         int
}

func (s *Summary) add(value int64) {
	if s.Count == 0 {
		s.Min, s.Max = value, value
	}
	s.Min, s.Max = min(s.Min, value), max(s.Max, value)
	s.Sum += value
	s.Count++
}

// Restored says when the job was last restored, and from what.
type Restored struct {
	From *snapshot.Completed
	At   time.Time
}

// Overview is what the REST API shows of a job's checkpoints. It is a copy, which any goroutine may keep.
type Overview struct {
	Counts Counts
	// LatestCompleted is a checkpoint; any of these is nil if there is none.
	LatestCompleted, LatestSavepoint, LatestFailed *Statistics
	LatestRestored                                 *Restored
	// History is newest first.
	History []*Statistics
	// CheckpointedBytes, StateBytes and Millis are those of completed checkpoints and savepoints.
	CheckpointedBytes, StateBytes, ProcessedBytes, PersistedBytes, Millis Summary
}

// statsKeeper keeps the statistics.
type statsKeeper struct {
	limit    int
	overview Overview
}

// Overview returns the statistics as they are now.
func (c *Coordinator) Overview() Overview {
	view := c.stats.overview
	view.LatestCompleted, view.LatestSavepoint, view.LatestFailed = view.LatestCompleted.clone(), view.LatestSavepoint.clone(), view.LatestFailed.clone()
	view.History = make([]*Statistics, len(c.stats.overview.History))
	for i, one := range c.stats.overview.History {
		view.History[i] = one.clone()
	}
	return view
}

func (k *statsKeeper) begin(p *pending) {
	s := &Statistics{Checkpoint: p.id, Kind: p.kind, Status: InProgress, Stop: p.stop(), Folder: p.folder, Triggered: p.started, Subtasks: p.unacknowledged}
	p.stats = s
	for _, part := range p.order {
		if part.task.subtask == 0 {
			s.Vertices = append(s.Vertices, VertexStatistics{Vertex: part.task.vertex.ID})
		}
		part.statsAt = len(s.Vertices) - 1
		if !part.finished {
			s.Vertices[part.statsAt].Parallelism++
		}
	}
	k.overview.Counts.Total++
	k.overview.Counts.InProgress++
	k.overview.History = append([]*Statistics{s}, k.overview.History...)
	k.trim()
}

// trim bounds the history; what is in progress stays.
func (k *statsKeeper) trim() {
	history := k.overview.History
	for i := len(history) - 1; i >= 0 && len(history) > k.limit; i-- {
		if history[i].Status != InProgress {
			history = slices.Delete(history, i, i+1)
		}
	}
	k.overview.History = history
}

func (s *Statistics) acknowledge(part *taskPart, stats SubtaskStats, now time.Time) {
	s.Acknowledged++
	s.LatestAck = now
	v := &s.Vertices[part.statsAt]
	v.Subtasks = append(v.Subtasks, SubtaskStatistics{part.task.subtask, now, stats})
}

func (k *statsKeeper) completed(p *pending, now time.Time) {
	s := p.stats
	s.Status, s.Ended = Completed, now
	k.overview.Counts.InProgress--
	k.overview.Counts.Completed++
	if p.savepoint() {
		k.overview.LatestSavepoint = s
	} else {
		k.overview.LatestCompleted = s
	}
	total := s.Total()
	k.overview.CheckpointedBytes.add(total.CheckpointedBytes)
	k.overview.StateBytes.add(total.StateBytes)
	k.overview.ProcessedBytes.add(total.ProcessedBytes)
	k.overview.PersistedBytes.add(total.PersistedBytes)
	k.overview.Millis.add(s.Duration().Milliseconds())
	k.trim()
}

func (k *statsKeeper) failed(p *pending, now time.Time, reason string) {
	p.stats.Status, p.stats.Ended, p.stats.Failure = Failed, now, reason
	k.overview.Counts.InProgress--
	k.overview.Counts.Failed++
	k.overview.LatestFailed = p.stats
	k.trim()
}

func (k *statsKeeper) discarded(checkpoint uint64) {
	for _, s := range append(slices.Clone(k.overview.History), k.overview.LatestCompleted) {
		if s != nil && uint64(s.Checkpoint) == checkpoint {
			s.Discarded = true
		}
	}
}

func (k *statsKeeper) restored(from *snapshot.Completed, now time.Time) {
	if from != nil {
		k.overview.Counts.Restored++
		k.overview.LatestRestored = &Restored{from, now}
	}
}
