package schedule

import "github.com/weir-stream/weir/runtime/graph"

// FailoverStrategy says how much of a job starts again when a part of it fails
// (jobmanager.execution.failover-strategy).
type FailoverStrategy uint8

// The failover strategies.
const (
	// FailoverRegion restarts the pipelined regions of what failed.
	FailoverRegion FailoverStrategy = iota
	// FailoverFull restarts the whole job.
	FailoverFull
)

// Failover knows the regions of a job. It is immutable.
type Failover struct {
	strategy FailoverStrategy
	regions  [][]graph.SubtaskID
	regionOf map[graph.SubtaskID]int
}

// NewFailover computes the regions of a job.
func NewFailover(g *graph.JobGraph, strategy FailoverStrategy) *Failover {
	f := &Failover{strategy: strategy, regions: graph.Regions(g), regionOf: map[graph.SubtaskID]int{}}
	for i, region := range f.regions {
		for _, s := range region {
			f.regionOf[s] = i
		}
	}
	return f
}

// ToRestart returns the subtasks that start again when these fail together (one, or all that a lost worker ran): all
// of their regions, in the order of vertices within each region. A subtask that the job does not have is ignored.
// With none left, the result is empty.
func (f *Failover) ToRestart(failed ...graph.SubtaskID) []graph.SubtaskID {
	hit := make([]bool, len(f.regions))
	anything := false
	for _, s := range failed {
		if at, known := f.regionOf[s]; known {
			hit[at], anything = true, true
		}
	}
	var restart []graph.SubtaskID
	for at, region := range f.regions {
		if hit[at] || anything && f.strategy == FailoverFull {
			restart = append(restart, region...)
		}
	}
	return restart
}

// All returns all subtasks of the job, for a failure that is no subtask's: of a coordinator, or of the JobMaster
// itself.
func (f *Failover) All() []graph.SubtaskID {
	var all []graph.SubtaskID
	for _, region := range f.regions {
		all = append(all, region...)
	}
	return all
}
