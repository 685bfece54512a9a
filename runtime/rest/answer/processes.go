package answer

import (
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Overview answers /overview.
type Overview struct {
	TaskManagers int    `json:"taskmanagers"`
	Slots        int    `json:"slots-total"`
	FreeSlots    int    `json:"slots-available"`
	Running      int    `json:"jobs-running"`
	Finished     int    `json:"jobs-finished"`
	Canceled     int    `json:"jobs-cancelled"`
	Failed       int    `json:"jobs-failed"`
	Version      string `json:"flink-version"`
	Commit       string `json:"flink-commit"`
}

// FlinkVersion is the version of Flink whose contract this is: what its tools look at.
const FlinkVersion = "2.3.0"

// DescribeOverview answers /overview. commit is the revision of Weir's own source.
func DescribeOverview(o view.Overview, commit string) Overview {
	return Overview{
		TaskManagers: o.TaskManagers, Slots: o.Slots, FreeSlots: o.FreeSlots, Running: o.Running, Finished: o.Finished, Canceled: o.Canceled,
		Failed: o.Failed, Version: FlinkVersion, Commit: commit,
	}
}

// Config answers /config.
type Config struct {
	Refresh        int64    `json:"refresh-interval"`
	TimezoneName   string   `json:"timezone-name"`
	TimezoneOffset int64    `json:"timezone-offset"`
	Version        string   `json:"flink-version"`
	Revision       string   `json:"flink-revision"`
	Features       Features `json:"features"`
}

// Features say what the dashboard offers.
type Features struct {
	Submit  bool `json:"web-submit"`
	Cancel  bool `json:"web-cancel"`
	Rescale bool `json:"web-rescale"`
	History bool `json:"web-history"`
}

// DescribeConfig answers /config. now bears the time zone that is shown.
func DescribeConfig(refresh time.Duration, now time.Time, build view.Build, features Features) Config {
	name, seconds := now.Zone()
	revision := build.Revision
	if !build.Time.IsZero() {
		revision += " @ " + build.Time.Format(time.RFC3339)
	}
	return Config{
		Refresh: refresh.Milliseconds(), TimezoneName: name, TimezoneOffset: int64(seconds) * 1000, Version: FlinkVersion, Revision: revision, Features: features,
	}
}

// TaskManagers answers /taskmanagers.
type TaskManagers struct {
	TaskManagers []TaskManager `json:"taskmanagers"`
}

// TaskManager is an entry of it.
type TaskManager struct {
	ID        string              `json:"id"`
	Path      string              `json:"path"`
	DataPort  int                 `json:"dataPort"`
	JMXPort   int                 `json:"jmxPort"`
	Heartbeat int64               `json:"timeSinceLastHeartbeat"` // a time, whatever its name says
	Slots     int                 `json:"slotsNumber"`
	FreeSlots int                 `json:"freeSlots"`
	Tasks     int                 `json:"assignedTasks"`
	Total     Resources           `json:"totalResource"`
	Free      Resources           `json:"freeResource"`
	Hardware  Hardware            `json:"hardware"`
	Memory    MemoryConfiguration `json:"memoryConfiguration"`
}

// Resources are part of it. Memory is in megabytes.
type Resources struct {
	Cores       Double            `json:"cpuCores"`
	TaskHeap    int64             `json:"taskHeapMemory"`
	TaskOffHeap int64             `json:"taskOffHeapMemory"`
	Managed     int64             `json:"managedMemory"`
	Network     int64             `json:"networkMemory"`
	Extended    map[string]Double `json:"extendedResources"`
}

// Hardware is part of it, in bytes.
type Hardware struct {
	Cores    int   `json:"cpuCores"`
	Physical int64 `json:"physicalMemory"`
	Free     int64 `json:"freeMemory"`
	Managed  int64 `json:"managedMemory"`
}

// MemoryConfiguration is part of it, in bytes.
type MemoryConfiguration struct {
	FrameworkHeap    int64 `json:"frameworkHeap"`
	TaskHeap         int64 `json:"taskHeap"`
	FrameworkOffHeap int64 `json:"frameworkOffHeap"`
	TaskOffHeap      int64 `json:"taskOffHeap"`
	Network          int64 `json:"networkMemory"`
	Managed          int64 `json:"managedMemory"`
	Metaspace        int64 `json:"jvmMetaspace"`
	Overhead         int64 `json:"jvmOverhead"`
	TotalFlink       int64 `json:"totalFlinkMemory"`
	TotalProcess     int64 `json:"totalProcessMemory"`
}

// ListTaskManagers answers /taskmanagers.
func ListTaskManagers(all []view.TaskManager) TaskManagers {
	list := TaskManagers{TaskManagers: []TaskManager{}}
	for i := range all {
		list.TaskManagers = append(list.TaskManagers, describeTaskManager(&all[i]))
	}
	return list
}

func describeTaskManager(t *view.TaskManager) TaskManager {
	return TaskManager{
		ID: t.ID, Path: t.Path, DataPort: t.DataPort, JMXPort: -1, Heartbeat: stamp(t.Heartbeat), Slots: t.Slots, FreeSlots: t.FreeSlots, Tasks: t.Tasks,
		Total: resources(t.Total), Free: resources(t.Free),
		Hardware: Hardware{Cores: t.Hardware.Cores, Physical: t.Hardware.PhysicalMemory, Free: t.Hardware.FreeMemory, Managed: t.Hardware.Managed},
		Memory:   MemoryConfiguration(t.Memory),
	}
}

func resources(r view.Resources) Resources {
	const mega = 1 << 20
	made := Resources{
		Cores: Double(r.Cores), TaskHeap: r.TaskHeap / mega, TaskOffHeap: r.TaskOffHeap / mega, Managed: r.ManagedMemory / mega,
		Network: r.NetworkMemory / mega, Extended: map[string]Double{},
	}
	for name, amount := range r.Extended {
		made.Extended[name] = Double(amount)
	}
	return made
}

// TaskManagerDetails answers /taskmanagers/:taskmanagerid.
type TaskManagerDetails struct {
	TaskManager
	Allocated []AllocatedSlot `json:"allocatedSlots"`
	Metrics   ProcessFigures  `json:"metrics"`
}

// AllocatedSlot is part of it.
type AllocatedSlot struct {
	Job       ident.JobID `json:"jobId"`
	Resources Resources   `json:"resource"`
	Tasks     int         `json:"assignedTasks"`
}

// ProcessFigures are part of it.
type ProcessFigures struct {
	HeapUsed         int64       `json:"heapUsed"`
	HeapCommitted    int64       `json:"heapCommitted"`
	HeapMax          int64       `json:"heapMax"`
	NonHeapUsed      int64       `json:"nonHeapUsed"`
	NonHeapCommitted int64       `json:"nonHeapCommitted"`
	NonHeapMax       int64       `json:"nonHeapMax"`
	DirectCount      int64       `json:"directCount"`
	DirectUsed       int64       `json:"directUsed"`
	DirectMax        int64       `json:"directMax"`
	MappedCount      int64       `json:"mappedCount"`
	MappedUsed       int64       `json:"mappedUsed"`
	MappedMax        int64       `json:"mappedMax"`
	BuffersFree      int64       `json:"nettyShuffleMemorySegmentsAvailable"`
	BuffersUsed      int64       `json:"nettyShuffleMemorySegmentsUsed"`
	BuffersTotal     int64       `json:"nettyShuffleMemorySegmentsTotal"`
	NetworkFree      int64       `json:"nettyShuffleMemoryAvailable"`
	NetworkUsed      int64       `json:"nettyShuffleMemoryUsed"`
	NetworkTotal     int64       `json:"nettyShuffleMemoryTotal"`
	Collectors       []Collector `json:"garbageCollectors"`
}

// Collector is part of it.
type Collector struct {
	Name   string `json:"name"`
	Count  int64  `json:"count"`
	Millis int64  `json:"time"`
}

// DescribeTaskManager answers /taskmanagers/:taskmanagerid.
func DescribeTaskManager(t *view.TaskManager) TaskManagerDetails {
	f := t.Figures
	made := TaskManagerDetails{TaskManager: describeTaskManager(t), Allocated: []AllocatedSlot{}, Metrics: ProcessFigures{
		HeapUsed: f.HeapUsed, HeapCommitted: f.HeapCommitted, HeapMax: f.HeapMax, NonHeapUsed: f.NonHeapUsed, NonHeapCommitted: f.NonHeapCommitted,
		NonHeapMax: f.NonHeapMax, DirectCount: f.DirectCount, DirectUsed: f.DirectUsed, DirectMax: f.DirectMax, MappedCount: f.MappedCount,
		MappedUsed: f.MappedUsed, MappedMax: f.MappedMax, BuffersFree: f.BuffersFree, BuffersUsed: f.BuffersUsed, BuffersTotal: f.BuffersTotal,
		NetworkFree: f.NetworkFree, NetworkUsed: f.NetworkUsed, NetworkTotal: f.NetworkTotal, Collectors: []Collector{},
	}}
	for _, slot := range t.Allocated {
		made.Allocated = append(made.Allocated, AllocatedSlot{Job: slot.Job, Resources: resources(slot.Resources), Tasks: slot.Tasks})
	}
	for _, c := range f.Collectors {
		made.Metrics.Collectors = append(made.Metrics.Collectors, Collector(c))
	}
	return made
}

// Setting is an entry of a configuration.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// ListSettings answers the endpoints that end in jobmanager/config.
func ListSettings(all []view.Setting) []Setting {
	list := []Setting{}
	for _, s := range all {
		list = append(list, Setting(s))
	}
	return list
}

// Environment answers the endpoints that end in jobmanager/environment.
type Environment struct {
	JVM       Runtime  `json:"jvm"`
	Classpath []string `json:"classpath"`
}

// Runtime is part of it.
type Runtime struct {
	Version string   `json:"version"`
	Arch    string   `json:"arch"`
	Options []string `json:"options"`
}

// DescribeEnvironment answers the endpoints that end in jobmanager/environment.
func DescribeEnvironment(e view.Environment) Environment {
	return Environment{JVM: Runtime{Version: e.Version, Arch: e.Arch, Options: notNil(e.Options)}, Classpath: notNil(e.Modules)}
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// Logs answers the endpoints that end in logs.
type Logs struct {
	Logs []LogFile `json:"logs"`
}

// LogFile is an entry of it.
type LogFile struct {
	Name     string `json:"name"`
	Size     int64  `json:"size"`
	Modified int64  `json:"mtime"`
}

// ListLogs answers the endpoints that end in logs.
func ListLogs(files []view.LogFile) Logs {
	list := Logs{Logs: []LogFile{}}
	for _, f := range files {
		list.Logs = append(list.Logs, LogFile{Name: f.Name, Size: f.Size, Modified: stamp(f.Modified)})
	}
	return list
}

// URL answers the endpoints that end in log-url.
type URL struct {
	URL string `json:"url"`
}

// ThreadDump answers the endpoints that end in thread-dump.
type ThreadDump struct {
	Threads []Thread `json:"threadInfos"`
}

// Thread is an entry of it.
type Thread struct {
	Name string `json:"threadName"`
	Text string `json:"stringifiedThreadInfo"`
}

// ListThreads answers the endpoints that end in thread-dump.
func ListThreads(all []view.Thread) ThreadDump {
	list := ThreadDump{Threads: []Thread{}}
	for _, t := range all {
		list.Threads = append(list.Threads, Thread(t))
	}
	return list
}

// Profiles answers the endpoints that end in profiler.
type Profiles struct {
	Profiles []Profile `json:"profilingList"`
}

// Profile is an entry of it, and answers what starts one. The mode is there twice.
type Profile struct {
	Status    view.ProfileStatus `json:"status"`
	Mode      view.ProfileMode   `json:"mode"`
	Triggered int64              `json:"triggerTime"`
	Finished  *int64             `json:"finishedTime"`
	Duration  int64              `json:"duration"`
	Message   *string            `json:"message"`
	File      *string            `json:"outputFile"`
	ModeAgain view.ProfileMode   `json:"profilingMode"`
}

// ListProfiles answers the endpoints that end in profiler.
func ListProfiles(all []view.Profile) Profiles {
	list := Profiles{Profiles: []Profile{}}
	for _, p := range all {
		list.Profiles = append(list.Profiles, DescribeProfile(p))
	}
	return list
}

// DescribeProfile answers what starts a profile.
func DescribeProfile(p view.Profile) Profile {
	made := Profile{
		Status: p.Status, Mode: p.Mode, ModeAgain: p.Mode, Triggered: stamp(p.Triggered), Duration: int64(p.Duration / time.Second), Message: nullable(p.Message),
		File: nullable(p.File),
	}
	if !p.Finished.IsZero() {
		at := stamp(p.Finished)
		made.Finished = &at
	}
	return made
}

// DataSets answers /datasets. There are never any: results of one job are not kept for another.
type DataSets struct {
	DataSets []Empty `json:"dataSets"`
}
