package view

import (
	"time"

	"github.com/weir-stream/weir/runtime/ident"
)

// Overview counts what the cluster has.
type Overview struct {
	TaskManagers, Slots, FreeSlots      int
	Running, Finished, Canceled, Failed int
}

// Resources are what a slot or a TaskManager has; memory is in bytes.
type Resources struct {
	Cores                                               float64
	TaskHeap, TaskOffHeap, ManagedMemory, NetworkMemory int64
	Extended                                            map[string]float64
}

// TaskManager is a process that runs subtasks.
type TaskManager struct {
	ID, Path         string
	DataPort         int
	Heartbeat        time.Time // when it was last heard of
	Slots, FreeSlots int
	Tasks            int
	Total, Free      Resources
	Hardware         Hardware
	Memory           MemoryConfiguration
	// Allocated are the slots that jobs hold.
	Allocated []AllocatedSlot
	Figures   ProcessFigures
}

// Hardware is what the machine has; memory is in bytes.
type Hardware struct {
	Cores                               int
	PhysicalMemory, FreeMemory, Managed int64
}

// MemoryConfiguration says how a TaskManager's memory is meant to be used, in bytes. What has no counterpart is 0.
type MemoryConfiguration struct {
	FrameworkHeap, TaskHeap, FrameworkOffHeap, TaskOffHeap, Network, Managed, Metaspace, Overhead, TotalFlink, TotalProcess int64
}

// AllocatedSlot is a slot that a job holds.
type AllocatedSlot struct {
	Job       ident.JobID
	Resources Resources
	Tasks     int
}

// ProcessFigures are Go's counterparts of what a JVM tells of itself; memory is in bytes.
type ProcessFigures struct {
	HeapUsed, HeapCommitted, HeapMax          int64
	NonHeapUsed, NonHeapCommitted, NonHeapMax int64
	DirectCount, DirectUsed, DirectMax        int64
	MappedCount, MappedUsed, MappedMax        int64
	BuffersFree, BuffersUsed, BuffersTotal    int64 // segments of network memory
	NetworkFree, NetworkUsed, NetworkTotal    int64
	Collectors                                []Collector
}

// Collector is what a garbage collector has done.
type Collector struct {
	Name   string
	Count  int64
	Millis int64
}

// Process names a process whose logs, goroutines or profiles are asked for.
type Process struct {
	// TaskManager is its id; empty means the JobManager.
	TaskManager string
}

// Environment says what a process runs on.
type Environment struct {
	Version, Arch string
	Options       []string
	// Modules are what the program is made of, where Flink shows a class path.
	Modules []string
}

// LogFile is a file of a process's log folder.
type LogFile struct {
	Name     string
	Size     int64
	Modified time.Time
}

// Thread is an entry of a thread dump: a group of goroutines with the same stack.
type Thread struct{ Name, Text string }

// ProfileMode is what a profile shows.
type ProfileMode string

// The modes, by Flink's names. Go has a counterpart of each: CPU, blocking, mutexes as LOCK, wall clock, allocations.
const (
	ProfileCPU    ProfileMode = "CPU"
	ProfileLock   ProfileMode = "LOCK"
	ProfileWall   ProfileMode = "WALL"
	ProfileAlloc  ProfileMode = "ALLOC"
	ProfileITIMER ProfileMode = "ITIMER"
)

// ProfileStatus says how far a profile is.
type ProfileStatus string

// The statuses.
const (
	ProfileRunning  ProfileStatus = "RUNNING"
	ProfileFinished ProfileStatus = "FINISHED"
	ProfileFailed   ProfileStatus = "FAILED"
)

// Profile is a profile that was taken, or is being taken.
type Profile struct {
	Status              ProfileStatus
	Mode                ProfileMode
	Triggered, Finished time.Time
	Duration            time.Duration
	Message, File       string
}

// FlameGraph is a vertex's sampled stacks. Root is nil while there are none.
type FlameGraph struct {
	End time.Time
	// Disabled says that flame graphs are turned off, Waiting that the first samples are under way.
	Disabled, Waiting bool
	Root              *Frame
}

// Frame is a function on sampled stacks; Samples are those in it or below.
type Frame struct {
	Name     string
	Samples  int64
	Children []*Frame
}

// Worker is the process that runs a job's subtasks on a TaskManager.
type Worker struct {
	Job              ident.JobID
	TaskManager      string
	PID              int
	Started          time.Time
	Restarts, Tasks  int
	MemoryBytes      int64
	MemoryLimitBytes int64
	Revision         string
}

// Build says what the cluster's binary was built from.
type Build struct {
	Revision, GoVersion, Platform string
	Time                          time.Time
}
