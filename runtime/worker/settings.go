package worker

import (
	"math"

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
	s.Limits.MinRecords = min(s.Limits.MinRecords, s.Limits.MaxRecords)
	if config.Get(c, config.BufferTimeoutEnabled) {
		s.BufferTimeout = config.Get(c, config.BufferTimeout).Nanoseconds()
	}
	if s.Backend == string(config.StateBackendPebble) {
		s.StateMemory = StateMemory(program)
		s.StateFolder = config.Get(c, config.TemporaryDirectories)
	}
	return s
}
