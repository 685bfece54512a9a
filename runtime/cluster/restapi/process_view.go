package restapi

import (
	"net"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/observe"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// taskManagersOf are the views of the registered TaskManagers, with the tasks that the details of jobs place there.
func taskManagersOf(resources *message.ClusterOverview, jobs []*message.JobDetails) []view.TaskManager {
	running := tasksOf(jobs)
	all := []view.TaskManager{}
	for _, e := range resources.GetExecutors() {
		all = append(all, taskManagerOf(e, running[e.GetId()]))
	}
	return all
}

func taskManagerOf(e *message.TaskExecutorDetails, tasks map[ident.JobID]tasks) view.TaskManager {
	made := view.TaskManager{
		ID: e.GetId(), Path: e.GetAddress().GetHost() + "/" + e.GetAddress().GetId(), Heartbeat: at(e.GetHeardMillis()), Slots: int(e.GetSlots()),
		FreeSlots: max(0, int(e.GetSlots())-len(e.GetJobs())),
	}
	shown := map[ident.JobID]bool{}
	for _, id := range e.GetJobs() {
		job := idOf(id)
		slot := view.AllocatedSlot{Job: job}
		if !shown[job] { // which of a job's slots has which of its tasks is not told
			shown[job], slot.Tasks = true, tasks[job].n
		}
		made.Allocated = append(made.Allocated, slot)
	}
	for _, t := range tasks {
		made.Tasks += t.n
		if t.port > 0 {
			made.DataPort = t.port
		}
	}
	return made
}

// tasks are those of a job in a TaskManager, and the port by which others reach them.
type tasks struct{ n, port int }

// tasksOf counts the tasks that have not ended, by TaskManager and job.
func tasksOf(jobs []*message.JobDetails) map[string]map[ident.JobID]tasks {
	counts := map[string]map[ident.JobID]tasks{}
	for _, d := range jobs {
		job := idOf(d.GetSummary().GetJob())
		for _, v := range d.GetVertices() {
			for _, s := range v.GetSubtasks() {
				if s.GetTaskExecutor() == "" || s.GetState().Ended() {
					continue
				}
				of := counts[s.GetTaskExecutor()]
				if of == nil {
					of = map[ident.JobID]tasks{}
					counts[s.GetTaskExecutor()] = of
				}
				of[job] = tasks{of[job].n + 1, portOf(s.GetData())}
			}
		}
	}
	return counts
}

func portOf(address string) int {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	port, _ := strconv.Atoi(text) // 0 where there is none
	return port
}

// environmentOf is what a program was built from and runs with.
func environmentOf(info *debug.BuildInfo, arguments []string) view.Environment {
	made := view.Environment{Version: "Go " + strings.TrimPrefix(runtime.Version(), "go"), Arch: runtime.GOARCH, Options: []string{}, Modules: []string{}}
	made.Options = append(made.Options, arguments...)
	if info != nil {
		for _, m := range info.Deps {
			made.Modules = append(made.Modules, m.Path+"@"+m.Version)
		}
	}
	return made
}

// threadsOf takes a dump of all goroutines of a process apart; of is put before their names.
func threadsOf(of, dump string) []view.Thread {
	all := []view.Thread{}
	for part := range strings.SplitSeq(strings.TrimSpace(dump), "\n\n") {
		name, _, _ := strings.Cut(part, "\n")
		name = strings.TrimSuffix(name, ":")
		if of != "" {
			name, part = of+" "+name, of+"\n"+part
		}
		all = append(all, view.Thread{Name: name, Text: part + "\n"})
	}
	return all
}

// profileOf is the view of a profile.
func profileOf(p observe.Profile) view.Profile {
	made := view.Profile{
		Status: view.ProfileRunning, Mode: view.ProfileMode(p.Mode), Triggered: p.Triggered, Finished: p.Finished, Duration: p.Length, File: p.File,
	}
	switch {
	case p.Failure != "":
		made.Status, made.Message = view.ProfileFailed, p.Failure
	case !p.Finished.IsZero():
		made.Status, made.Message = view.ProfileFinished, "Profiling Successful"
	}
	return made
}

// figuresOf are those of a TaskManager's metrics that its page shows.
func figuresOf(all []view.Metric) view.ProcessFigures {
	figure := func(id string) int64 {
		text, _ := view.Lookup(all, id)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return 0
		}
		return int64(value)
	}
	memory := func(id string) int64 { return figure("Status.JVM.Memory." + id) }
	made := view.ProcessFigures{
		HeapUsed: memory("Heap.Used"), HeapCommitted: memory("Heap.Committed"), HeapMax: memory("Heap.Max"),
		NonHeapUsed: memory("NonHeap.Used"), NonHeapCommitted: memory("NonHeap.Committed"), NonHeapMax: memory("NonHeap.Max"), MappedUsed: memory("Mapped.MemoryUsed"),
	}
	for _, name := range []string{"All", "Go"} {
		collector := "Status.JVM.GarbageCollector." + name
		made.Collectors = append(made.Collectors, view.Collector{Name: name, Count: figure(collector + ".Count"), Millis: figure(collector + ".Time")})
	}
	return made
}
