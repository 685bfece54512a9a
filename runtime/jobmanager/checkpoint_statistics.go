package jobmanager

import (
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/message"
)

// settingsOf are the options of checkpoints that hold for a job.
func settingsOf(c config.Configuration, of coordinator.Config, directory string) *message.CheckpointSettings {
	return &message.CheckpointSettings{
		AtLeastOnce: !of.ExactlyOnce, IntervalMillis: of.Interval.Milliseconds(), TimeoutMillis: of.Timeout.Milliseconds(), MinPauseMillis: of.MinPause.Milliseconds(),
		MaxConcurrent: int32(of.MaxConcurrent), TolerableFailed: int32(of.TolerableFailed), RetainedAfterFailure: of.Retention != coordinator.NoExternalized,
		RetainedAfterCancellation: of.Retention == coordinator.RetainOnCancellation, AfterTasksFinish: of.AfterTasksFinish,
		InMemory: directory == snapshot.InMemory, Backend: string(config.Get(c, config.StateBackendType)),
	}
}

// describeCheckpoints writes a job's statistics. location returns where a snapshot lies whose path is as the log has it.
func describeCheckpoints(settings *message.CheckpointSettings, o coordinator.Overview, location func(string) string) *message.CheckpointsOverview {
	made := &message.CheckpointsOverview{
		Settings: settings, Total: int64(o.Counts.Total), InProgress: int64(o.Counts.InProgress), Completed: int64(o.Counts.Completed),
		Failed: int64(o.Counts.Failed), Restored: int64(o.Counts.Restored),
		LatestCompleted: describeCheckpoint(o.LatestCompleted, location), LatestSavepoint: describeCheckpoint(o.LatestSavepoint, location),
		LatestFailed: describeCheckpoint(o.LatestFailed, location), CheckpointedBytes: spreadOf(o.CheckpointedBytes), StateBytes: spreadOf(o.StateBytes),
		ProcessedBytes: spreadOf(o.ProcessedBytes), PersistedBytes: spreadOf(o.PersistedBytes), Millis: spreadOf(o.Millis),
	}
	if r := o.LatestRestored; r != nil {
		made.LatestRestored = &message.CheckpointRestored{
			Checkpoint: r.From.Checkpoint, Millis: millis(r.At), Savepoint: r.From.Kind == snapshot.Kind_SAVEPOINT, Path: location(r.From.Path),
		}
	}
	for _, s := range o.History {
		made.History = append(made.History, describeCheckpoint(s, location))
	}
	return made
}

// withStart counts the snapshot that a job was started from, nil for none, as one that it was restored from. The coordinator counts the later ones.
func withStart(o coordinator.Overview, from *snapshot.Completed, began time.Time) coordinator.Overview {
	if from == nil {
		return o
	}
	o.Counts.Restored++
	if o.LatestRestored == nil {
		o.LatestRestored = &coordinator.Restored{From: from, At: began}
	}
	return o
}

func spreadOf(s coordinator.Summary) *message.CheckpointSpread {
	return &message.CheckpointSpread{Min: s.Min, Max: s.Max, Sum: s.Sum, Count: int64(s.Count)}
}

// millis is a time since the epoch, 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func describeCheckpoint(s *coordinator.Statistics, location func(string) string) *message.CheckpointStatistics {
	if s == nil {
		return nil
	}
	made := &message.CheckpointStatistics{
		Checkpoint: uint64(s.Checkpoint), Status: string(s.Status), Savepoint: s.Kind == snapshot.Kind_SAVEPOINT, Stop: s.Stop, Discarded: s.Discarded,
		Failure: s.Failure, TriggeredMillis: millis(s.Triggered), LatestAckMillis: millis(s.LatestAck), EndedMillis: millis(s.Ended),
		Subtasks: int32(s.Subtasks), Acknowledged: int32(s.Acknowledged),
	}
	if s.Status == coordinator.Completed {
		made.Path = location(s.Folder)
	}
	for _, v := range s.Vertices {
		made.Vertices = append(made.Vertices, describeVertex(v))
	}
	return made
}

func describeVertex(v coordinator.VertexStatistics) *message.VertexCheckpoint {
	made := &message.VertexCheckpoint{Vertex: message.IDBytes(v.Vertex), Parallelism: int32(v.Parallelism)}
	for _, s := range v.Subtasks {
		made.Subtasks = append(made.Subtasks, &message.SubtaskCheckpoint{
			Subtask: int32(s.Subtask), AckMillis: millis(s.Ack), CheckpointedBytes: s.CheckpointedBytes, StateBytes: s.StateBytes, ProcessedBytes: s.ProcessedBytes,
			PersistedBytes: s.PersistedBytes, StartDelayMillis: s.StartDelay.Milliseconds(), AlignmentMillis: s.Alignment.Milliseconds(),
			SyncMillis: s.Sync.Milliseconds(), AsyncMillis: s.Async.Milliseconds(),
		})
	}
	return made
}
