package resttest

import (
	"strconv"
	"strings"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

func resourcesOf(n node) view.Resources {
	const mega = 1 << 20
	return view.Resources{
		Cores: n.at("cpuCores").float(), TaskHeap: n.at("taskHeapMemory").int() * mega, TaskOffHeap: n.at("taskOffHeapMemory").int() * mega,
		ManagedMemory: n.at("managedMemory").int() * mega, NetworkMemory: n.at("networkMemory").int() * mega,
	}
}

func taskManagerOf(n node) view.TaskManager {
	m, h, f := n.at("memoryConfiguration"), n.at("hardware"), n.at("metrics")
	t := view.TaskManager{
		ID: n.at("id").text(), Path: n.at("path").text(), DataPort: int(n.at("dataPort").int()), Heartbeat: n.at("timeSinceLastHeartbeat").time(),
		Slots: int(n.at("slotsNumber").int()), FreeSlots: int(n.at("freeSlots").int()), Tasks: int(n.at("assignedTasks").int()),
		Total: resourcesOf(n.at("totalResource")), Free: resourcesOf(n.at("freeResource")),
		Hardware: view.Hardware{
			Cores: int(h.at("cpuCores").int()), PhysicalMemory: h.at("physicalMemory").int(), FreeMemory: h.at("freeMemory").int(), Managed: h.at("managedMemory").int(),
		},
		Memory: view.MemoryConfiguration{
			FrameworkHeap: m.at("frameworkHeap").int(), TaskHeap: m.at("taskHeap").int(), FrameworkOffHeap: m.at("frameworkOffHeap").int(),
			TaskOffHeap: m.at("taskOffHeap").int(), Network: m.at("networkMemory").int(), Managed: m.at("managedMemory").int(), Metaspace: m.at("jvmMetaspace").int(),
			Overhead: m.at("jvmOverhead").int(), TotalFlink: m.at("totalFlinkMemory").int(), TotalProcess: m.at("totalProcessMemory").int(),
		},
		Figures: view.ProcessFigures{
			HeapUsed: f.at("heapUsed").int(), HeapCommitted: f.at("heapCommitted").int(), HeapMax: f.at("heapMax").int(),
			NetworkTotal: f.at("nettyShuffleMemoryTotal").int(), NetworkUsed: f.at("nettyShuffleMemoryUsed").int(),
		},
	}
	for _, slot := range n.at("allocatedSlots").list() {
		t.Allocated = append(t.Allocated, view.AllocatedSlot{Job: slot.at("jobId").id(), Resources: resourcesOf(slot.at("resource")), Tasks: int(slot.at("assignedTasks").int())})
	}
	for _, c := range f.at("garbageCollectors").list() {
		t.Figures.Collectors = append(t.Figures.Collectors, view.Collector{Name: c.at("name").text(), Count: c.at("count").int(), Millis: c.at("time").int()})
	}
	return t
}

func settings(n node) []view.Setting {
	var all []view.Setting
	for _, s := range n.list() {
		all = append(all, view.Setting{Key: s.at("key").text(), Value: s.at("value").text()})
	}
	return all
}

func texts(n node) []string {
	var all []string
	for _, t := range n.list() {
		all = append(all, t.text())
	}
	return all
}

// metricsIn makes metrics of a recorded list, with values of the lists that have some.
func metricsIn(state string, lists ...string) []view.Metric {
	values := map[string]string{}
	var all []view.Metric
	for _, file := range lists {
		for _, m := range firstOf(state, file).list() {
			if value := m.at("value"); !value.isNull() {
				values[m.at("id").text()] = value.text()
			}
		}
	}
	for _, m := range firstOf(state, lists[0]).list() {
		value, known := values[m.at("id").text()]
		if !known {
			value = "0"
		}
		all = append(all, view.Metric{ID: m.at("id").text(), Value: value})
	}
	view.SortMetrics(all)
	return all
}

func jobMetricsOf(state string, job *view.Job) *view.JobMetrics {
	made := &view.JobMetrics{Own: metricsIn(state, "jobs_jobid_metrics", "jobs_jobid_metrics-get"), Vertices: map[ident.VertexID]*view.VertexMetrics{}}
	for i, v := range job.Vertices {
		const file = "jobs_jobid_vertices_vertexid_"
		vertex := &view.VertexMetrics{Subtasks: map[int][]view.Metric{}}
		for _, m := range metricsIn(state, file+"metrics"+suffixes[i], file+"metrics-get"+suffixes[i]) {
			subtask, id, _ := strings.Cut(m.ID, ".")
			if index, err := strconv.Atoi(subtask); err == nil {
				vertex.Subtasks[index] = append(vertex.Subtasks[index], view.Metric{ID: id, Value: m.Value})
			}
		}
		if i == 0 {
			vertex.Coordinator = metricsIn(state, file+"jm-operator-metrics", file+"jm-operator-metrics-get")
			for index := range vertex.Subtasks { // a source has no input, and so shows no watermark of one
				vertex.Subtasks[index] = without(vertex.Subtasks[index], "currentInputWatermark")
			}
		}
		addBackPressure(vertex, firstOf(state, file+"backpressure"+suffixes[i]))
		for _, all := range vertex.Subtasks {
			view.SortMetrics(all)
		}
		if len(vertex.Subtasks)+len(vertex.Coordinator) > 0 {
			made.Vertices[v.ID] = vertex
		}
	}
	return made
}

// addBackPressure adds the metrics that a recorded answer was made of, where they were not recorded.
func addBackPressure(v *view.VertexMetrics, n node) {
	for _, s := range n.at("subtasks").list() {
		index := int(s.at("subtask").int())
		for id, key := range map[string]string{
			"backPressuredTimeMsPerSecond": "ratio", "idleTimeMsPerSecond": "idleRatio", "busyTimeMsPerSecond": "busyRatio",
		} {
			value := strconv.FormatFloat(s.at(key).float()*1000, 'f', 1, 64)
			v.Subtasks[index] = append(without(v.Subtasks[index], id), view.Metric{ID: id, Value: value})
		}
	}
}

func without(all []view.Metric, id string) []view.Metric {
	var rest []view.Metric
	for _, m := range all {
		if m.ID != id {
			rest = append(rest, m)
		}
	}
	return rest
}

func frameOf(n node) *view.Frame {
	if n.isNull() {
		return nil
	}
	f := &view.Frame{Name: n.at("name").text(), Samples: n.at("value").int()}
	for _, child := range n.at("children").list() {
		f.Children = append(f.Children, frameOf(child))
	}
	return f
}
