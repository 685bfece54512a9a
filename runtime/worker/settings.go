package worker

import (
	"math"
	"strings"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/task"
)

// SettingsOf reads what concerns the tasks of a program from the job's configuration.
func SettingsOf(c config.Configuration, program *graph.JobGraph) task.Settings {
	s := task.Settings{
		SliceNanos:    config.Get(c, config.BatchDuration).Nanoseconds(),
		SliceRecords:  config.Get(c, config.BatchMaxRecords),
		BufferTimeout: math.MaxInt64,
		Limits: exchange.Limits{
			MinRecords: config.Get(c, config.BatchMinRecords),
			MaxRecords: config.Get(c, config.BatchMaxRecords),
			Bytes:      int(config.Get(c, config.BatchMemory)),
			Credits:    config.Get(c, config.BuffersPerChannel),
		},
		ObjectReuse: config.Get(c, config.ObjectReuse),
		Backend:     string(config.Get(c, config.StateBackendType)),
	}
	s.Latency = task.Latency{
		Interval: config.Get(c, config.LatencyInterval).Milliseconds(), Granularity: config.Get(c, config.LatencyGranularity), History: config.Get(c, config.LatencyHistory),
	}
	for name, option := range config.StoreMetrics {
		if config.Get(c, option) {
			if s.StateMetrics == nil {
				s.StateMetrics = map[string]bool{}
			}
			s.StateMetrics[name] = true
		}
	}
	s.LastCheckpoint = config.Get(c, config.CheckpointInterval) > 0 && config.Get(c, config.CheckpointsAfterTasksFinish)
	s.Limits.MinRecords = min(s.Limits.MinRecords, s.Limits.MaxRecords)
	if config.Get(c, config.BufferTimeoutEnabled) {
		s.BufferTimeout = config.Get(c, config.BufferTimeout).Nanoseconds()
	}
	if s.Backend == string(config.StateBackendPebble) {
		s.StateMemory = StateMemory(program)
		s.LocalFiles = true
	}
	if at, err := storage.Parse(config.Get(c, config.CheckpointsDirectory)); err == nil && at.Scheme != storage.SchemeMemory {
		s.LocalFiles = true // tables are made there, and restored from there
	}
	if s.LocalFiles {
		s.StateFolder = config.Get(c, config.TemporaryDirectories)
	}
	return s
}

// CheckpointsOf reads where the job's checkpoints go.
func CheckpointsOf(c config.Configuration, program *graph.JobGraph, open func(location string) (storage.Store, error)) Checkpoints {
	made := Checkpoints{Open: open, Inline: int64(config.Get(c, config.CheckpointInline)), Timeout: config.Get(c, config.CheckpointTimeout)}
	directory := config.Get(c, config.CheckpointsDirectory)
	if directory == "" && (config.Get(c, config.CheckpointInterval) > 0 || config.Get(c, config.RecoveryPath) != "") {
		directory = snapshot.InMemory
	}
	if directory != "" {
		made.Folder = strings.TrimRight(directory, "/") + "/" + snapshot.JobFolder(program.ID)
	}
	return made
}
