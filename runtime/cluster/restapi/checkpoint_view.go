package restapi

import (
	"time"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/rest/view"
)

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// checkpointsOf is the view of a job's checkpoints; nil if the job can take none.
func checkpointsOf(o *message.CheckpointsOverview) *view.Checkpoints {
	if o.GetSettings() == nil {
		return nil
	}
	made := &view.Checkpoints{
		Settings: checkpointSettingsOf(o.GetSettings()),
		Counts: view.CheckpointCounts{
			Restored: int(o.GetRestored()), Total: int(o.GetTotal()), InProgress: int(o.GetInProgress()), Completed: int(o.GetCompleted()), Failed: int(o.GetFailed()),
		},
		Completed: checkpointPointer(o.GetLatestCompleted()), Savepoint: checkpointPointer(o.GetLatestSavepoint()), Failed: checkpointPointer(o.GetLatestFailed()),
	}
	if r := o.GetLatestRestored(); r != nil {
		made.Restored = &view.Restore{ID: r.GetCheckpoint(), At: at(r.GetMillis()), Savepoint: r.GetSavepoint(), Path: r.GetPath()}
	}
	for _, s := range o.GetHistory() {
		made.History = append(made.History, checkpointOf(s))
	}
	made.Summary = checkpointSummaryOf(o, made.History)
	return made
}

func checkpointSettingsOf(s *message.CheckpointSettings) view.CheckpointSettings {
	made := view.CheckpointSettings{
		AtLeastOnce: s.GetAtLeastOnce(), Interval: millis(s.GetIntervalMillis()), Timeout: millis(s.GetTimeoutMillis()), MinPause: millis(s.GetMinPauseMillis()),
		MaxConcurrent: int(s.GetMaxConcurrent()), Externalized: s.GetRetainedAfterFailure(), DeleteOnCancel: !s.GetRetainedAfterCancellation(),
		TolerableFailures: int(s.GetTolerableFailed()), AfterTasksFinish: s.GetAfterTasksFinish(), Backend: "HashMapStateBackend", Storage: "FileSystemCheckpointStorage",
	}
	if s.GetBackend() == string(config.StateBackendPebble) {
		made.Backend = "EmbeddedRocksDBStateBackend" // what Flink's tools know that is like it
	}
	if s.GetInMemory() {
		made.Storage = "JobManagerCheckpointStorage"
	}
	return made
}

// checkpointSummaryOf tells how figures are spread: the extremes and the mean of all, the quantiles of those that are remembered.
func checkpointSummaryOf(o *message.CheckpointsOverview, history []view.Checkpoint) view.CheckpointSummary {
	spread := func(all *message.CheckpointSpread, figure func(*view.Checkpoint) int64) view.Distribution {
		var remembered []int64
		for i := range history {
			if history[i].Status == view.CheckpointCompleted {
				remembered = append(remembered, figure(&history[i]))
			}
		}
		made := view.Spread(remembered)
		if n := all.GetCount(); n > 0 {
			made.Min, made.Max, made.Avg = all.GetMin(), all.GetMax(), all.GetSum()/n
		}
		return made
	}
	return view.CheckpointSummary{
		Checkpointed: spread(o.GetCheckpointedBytes(), func(c *view.Checkpoint) int64 { return c.Sizes.Checkpointed }),
		State:        spread(o.GetStateBytes(), func(c *view.Checkpoint) int64 { return c.Sizes.State }),
		Millis:       spread(o.GetMillis(), func(c *view.Checkpoint) int64 { return c.Millis }),
		Processed:    spread(o.GetProcessedBytes(), func(c *view.Checkpoint) int64 { return c.Sizes.Processed }),
		Persisted:    spread(o.GetPersistedBytes(), func(c *view.Checkpoint) int64 { return c.Sizes.Persisted }),
	}
}

func checkpointPointer(s *message.CheckpointStatistics) *view.Checkpoint {
	if s == nil {
		return nil
	}
	made := checkpointOf(s)
	return &made
}

func checkpointOf(s *message.CheckpointStatistics) view.Checkpoint {
	made := view.Checkpoint{
		ID: s.GetCheckpoint(), Status: view.CheckpointStatus(s.GetStatus()), Savepoint: s.GetSavepoint(), Stop: s.GetStop(), Triggered: at(s.GetTriggeredMillis()),
		LatestAck: at(s.GetLatestAckMillis()), Ended: at(s.GetEndedMillis()), Subtasks: int(s.GetSubtasks()), Acknowledged: int(s.GetAcknowledged()),
		Path: s.GetPath(), Discarded: s.GetDiscarded(), Failure: s.GetFailure(),
	}
	if made.Savepoint {
		made.Format = "CANONICAL"
	}
	end := max(s.GetEndedMillis(), s.GetLatestAckMillis())
	made.Millis = max(0, end-s.GetTriggeredMillis())
	for _, v := range s.GetVertices() {
		vertex := vertexCheckpointOf(v, made.Status, s.GetTriggeredMillis())
		made.Vertices = append(made.Vertices, vertex)
		made.Sizes = add(made.Sizes, vertex.Sizes)
	}
	return made
}

func vertexCheckpointOf(v *message.VertexCheckpoint, status view.CheckpointStatus, triggered int64) view.VertexCheckpoint {
	made := view.VertexCheckpoint{ID: idOf(v.GetVertex()), Status: status, Subtasks: int(v.GetParallelism()), Acknowledged: len(v.GetSubtasks())}
	if made.Acknowledged == made.Subtasks {
		made.Status = view.CheckpointCompleted
	}
	answered := map[int]view.SubtaskCheckpoint{}
	for _, s := range v.GetSubtasks() {
		part := view.SubtaskCheckpoint{
			Index: int(s.GetSubtask()), Acked: true, At: at(s.GetAckMillis()), Millis: max(0, s.GetAckMillis()-triggered),
			Sizes: view.CheckpointSizes{Checkpointed: s.GetCheckpointedBytes(), State: s.GetStateBytes(), Processed: s.GetProcessedBytes(), Persisted: s.GetPersistedBytes()},
			Sync:  s.GetSyncMillis(), Async: s.GetAsyncMillis(), Alignment: s.GetAlignmentMillis(), Delay: s.GetStartDelayMillis(),
		}
		answered[part.Index] = part
		made.Sizes = add(made.Sizes, part.Sizes)
		made.Millis = max(made.Millis, part.Millis)
		if part.At.After(made.LatestAck) {
			made.LatestAck = part.At
		}
	}
	made.Parts = partsOf(answered, made.Subtasks)
	return made
}

// partsOf are the answers in the order of the subtasks, and after them as many without one as are missing.
func partsOf(answered map[int]view.SubtaskCheckpoint, subtasks int) []view.SubtaskCheckpoint {
	var parts []view.SubtaskCheckpoint
	for index, left := 0, len(answered); left > 0 || len(parts) < subtasks; index++ {
		part, ok := answered[index]
		switch {
		case ok:
			left--
			parts = append(parts, part)
		case len(parts)+left < subtasks: // a subtask that had finished before takes no part
			parts = append(parts, view.SubtaskCheckpoint{Index: index})
		}
	}
	return parts
}

func add(a, b view.CheckpointSizes) view.CheckpointSizes {
	return view.CheckpointSizes{
		Checkpointed: a.Checkpointed + b.Checkpointed, State: a.State + b.State, Processed: a.Processed + b.Processed, Persisted: a.Persisted + b.Persisted,
	}
}
