package answer

import (
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Version answers /weir/v1/version. Revision is that of the source, BuildTime when it was made.
type Version struct {
	Revision  string `json:"revision"`
	BuildTime string `json:"buildTime,omitempty"`
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
	Flink     string `json:"flinkContract"`
}

// DescribeVersion answers /weir/v1/version.
func DescribeVersion(b view.Build) Version {
	made := Version{Revision: b.Revision, GoVersion: b.GoVersion, Platform: b.Platform, Flink: FlinkVersion}
	if !b.Time.IsZero() {
		made.BuildTime = b.Time.Format(time.RFC3339)
	}
	return made
}

// Workers answers /weir/v1/workers.
type Workers struct {
	Workers []Worker `json:"workers"`
}

// Worker is an entry of it. Memory is in bytes, 0 if there is no limit.
type Worker struct {
	Job         ident.JobID `json:"jobId"`
	TaskManager string      `json:"taskManagerId"`
	PID         int         `json:"pid"`
	Started     int64       `json:"startTime"`
	Restarts    int         `json:"restarts"`
	Tasks       int         `json:"tasks"`
	Memory      int64       `json:"memory"`
	MemoryLimit int64       `json:"memoryLimit"`
	Revision    string      `json:"revision"`
}

// ListWorkers answers /weir/v1/workers.
func ListWorkers(all []view.Worker) Workers {
	list := Workers{Workers: []Worker{}}
	for _, w := range all {
		list.Workers = append(list.Workers, Worker{
			Job: w.Job, TaskManager: w.TaskManager, PID: w.PID, Started: stamp(w.Started), Restarts: w.Restarts, Tasks: w.Tasks, Memory: w.MemoryBytes,
			MemoryLimit: w.MemoryLimitBytes, Revision: w.Revision,
		})
	}
	return list
}
