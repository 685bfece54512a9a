package answer

import (
	"math"
	"slices"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Vertex answers /jobs/:jobid/vertices/:vertexid.
type Vertex struct {
	ID             ident.VertexID `json:"id"`
	Name           string         `json:"name"`
	Parallelism    int            `json:"parallelism"`
	MaxParallelism int            `json:"maxParallelism"`
	Now            int64          `json:"now"`
	Subtasks       []Attempt      `json:"subtasks"`
	Aggregated     Aggregated     `json:"aggregated"`
}

// Attempt is an entry of it, and answers /jobs/:jobid/vertices/:vertexid/subtasks/:subtaskindex and .../attempts/:attempt.
type Attempt struct {
	Subtask     int                      `json:"subtask"`
	Status      view.TaskState           `json:"status"`
	Attempt     int                      `json:"attempt"`
	Endpoint    string                   `json:"endpoint"`
	Start       int64                    `json:"start-time"`
	End         int64                    `json:"end-time"`
	Duration    int64                    `json:"duration"`
	Metrics     IO                       `json:"metrics"`
	TaskManager string                   `json:"taskmanager-id"`
	Durations   map[view.TaskState]int64 `json:"status-duration"`
	Concurrent  []Attempt                `json:"other-concurrent-attempts,omitempty"`
	StartAgain  int64                    `json:"start_time"`
}

// Aggregated tells how the figures of attempts are spread.
type Aggregated struct {
	Metrics   map[string]Statistics         `json:"metrics"`
	Durations map[view.TaskState]Statistics `json:"status-duration"`
}

// Statistics tells how a figure is spread.
type Statistics struct {
	P25    int64 `json:"p25"`
	Min    int64 `json:"min"`
	Avg    int64 `json:"avg"`
	Median int64 `json:"median"`
	Max    int64 `json:"max"`
	Sum    int64 `json:"sum"`
	P95    int64 `json:"p95"`
	P75    int64 `json:"p75"`
}

// unassigned stands for the address of an attempt that has none.
const unassigned = "(unassigned)"

func assigned(text string) string {
	if text == "" {
		return unassigned
	}
	return text
}

// DescribeVertex answers /jobs/:jobid/vertices/:vertexid.
func DescribeVertex(j *view.Job, v *view.Vertex) Vertex {
	made := Vertex{ID: v.ID, Name: v.Name, Parallelism: v.Parallelism, MaxParallelism: v.MaxParallelism, Now: stamp(j.Now), Subtasks: []Attempt{}}
	for i := range v.Subtasks {
		made.Subtasks = append(made.Subtasks, DescribeAttempt(j, v.Subtasks[i].Index, &v.Subtasks[i].Current))
	}
	made.Aggregated = aggregate(made.Subtasks)
	return made
}

// DescribeAttempt answers .../subtasks/:subtaskindex and .../attempts/:attempt.
func DescribeAttempt(j *view.Job, subtask int, a *view.Attempt) Attempt {
	start, end := a.Entered[view.TaskDeploying], endOf(a)
	return Attempt{
		Subtask: subtask, Status: a.State, Attempt: a.Number, Endpoint: assigned(a.Endpoint), Start: ended(start), End: ended(end),
		Duration: duration(start, end, j.Now), Metrics: describeIO(a.IO), TaskManager: assigned(a.TaskManager), Durations: stateMillis(a, j.Now), StartAgain: ended(start),
	}
}

func aggregate(attempts []Attempt) Aggregated {
	figures, durations := map[string][]int64{}, map[view.TaskState][]int64{}
	for i := range attempts {
		a := &attempts[i]
		for name, value := range map[string]int64{
			"read-bytes": a.Metrics.ReadBytes, "write-bytes": a.Metrics.WriteBytes, "read-records": a.Metrics.ReadRecords,
			"write-records": a.Metrics.WriteRecords, "accumulated-backpressured-time": a.Metrics.Backpressured,
			"accumulated-idle-time": a.Metrics.Idle, "accumulated-busy-time": wholeMillis(a.Metrics.Busy),
		} {
			figures[name] = append(figures[name], value)
		}
		for state, millis := range a.Durations {
			durations[state] = append(durations[state], max(millis, 0))
		}
	}
	made := Aggregated{Metrics: map[string]Statistics{}, Durations: map[view.TaskState]Statistics{}}
	for name, values := range figures {
		made.Metrics[name] = describeValues(values)
	}
	for state, values := range durations {
		made.Durations[state] = describeValues(values)
	}
	return made
}

// describeValues describes values, of which there is one at least, and sorts them.
func describeValues(values []int64) Statistics {
	slices.Sort(values)
	var sum int64
	for _, v := range values {
		sum += v
	}
	at := func(q float64) int64 { return int64(view.Quantile(values, q)) }
	return Statistics{
		Min: values[0], Max: values[len(values)-1], Sum: sum, Avg: sum / int64(len(values)), P25: at(0.25), Median: at(0.5), P75: at(0.75), P95: at(0.95),
	}
}

// SubtaskTimes answers /jobs/:jobid/vertices/:vertexid/subtasktimes.
type SubtaskTimes struct {
	ID       ident.VertexID `json:"id"`
	Name     string         `json:"name"`
	Now      int64          `json:"now"`
	Subtasks []SubtaskTime  `json:"subtasks"`
}

// SubtaskTime is an entry of it.
type SubtaskTime struct {
	Subtask    int                      `json:"subtask"`
	Endpoint   string                   `json:"endpoint"`
	Duration   int64                    `json:"duration"`
	Timestamps map[view.TaskState]int64 `json:"timestamps"`
}

// DescribeTimes answers /jobs/:jobid/vertices/:vertexid/subtasktimes. A duration counts from when the subtask was scheduled.
func DescribeTimes(j *view.Job, v *view.Vertex) SubtaskTimes {
	made := SubtaskTimes{ID: v.ID, Name: v.Name, Now: stamp(j.Now), Subtasks: []SubtaskTime{}}
	for i := range v.Subtasks {
		a := &v.Subtasks[i].Current
		times := SubtaskTime{
			Subtask: v.Subtasks[i].Index, Endpoint: assigned(a.Endpoint), Duration: duration(a.Entered[view.TaskScheduled], endOf(a), j.Now),
			Timestamps: map[view.TaskState]int64{},
		}
		for _, state := range view.TaskStates {
			times.Timestamps[state] = stamp(a.Entered[state])
		}
		made.Subtasks = append(made.Subtasks, times)
	}
	return made
}

// VertexTaskManagers answers /jobs/:jobid/vertices/:vertexid/taskmanagers.
type VertexTaskManagers struct {
	ID           ident.VertexID      `json:"id"`
	Name         string              `json:"name"`
	Now          int64               `json:"now"`
	TaskManagers []VertexTaskManager `json:"taskmanagers"`
}

// VertexTaskManager is an entry of it.
type VertexTaskManager struct {
	Endpoint     string         `json:"endpoint"`
	Status       view.TaskState `json:"status"`
	Start        int64          `json:"start-time"`
	End          int64          `json:"end-time"`
	Duration     int64          `json:"duration"`
	Metrics      IO             `json:"metrics"`
	StatusCounts StatusCounts   `json:"status-counts"`
	TaskManager  string         `json:"taskmanager-id"`
	Aggregated   Aggregated     `json:"aggregated"`
}

// GroupByTaskManager answers /jobs/:jobid/vertices/:vertexid/taskmanagers, in the order of the first subtask on each.
func GroupByTaskManager(j *view.Job, v *view.Vertex) VertexTaskManagers {
	made := VertexTaskManagers{ID: v.ID, Name: v.Name, Now: stamp(j.Now), TaskManagers: []VertexTaskManager{}}
	var places []string
	groups := map[string][]*view.Attempt{}
	for _, a := range currentAttempts(v) {
		if groups[a.TaskManager] == nil {
			places = append(places, a.TaskManager)
		}
		groups[a.TaskManager] = append(groups[a.TaskManager], a)
	}
	for _, place := range places {
		made.TaskManagers = append(made.TaskManagers, describeGroup(j, place, groups[place]))
	}
	return made
}

func describeGroup(j *view.Job, place string, all []*view.Attempt) VertexTaskManager {
	described := make([]Attempt, len(all))
	for i, a := range all {
		described[i] = DescribeAttempt(j, i, a)
	}
	span := spanOf(all)
	return VertexTaskManager{
		Endpoint: assigned(all[0].Endpoint), Status: vertexState(all), Start: ended(span.start), End: ended(span.end),
		Duration: duration(span.start, span.end, j.Now), Metrics: describeIO(sumIO(all)), StatusCounts: countStates(all), TaskManager: assigned(place),
		Aggregated: aggregate(described),
	}
}

// wholeMillis is 0 for a time that is not known.
func wholeMillis(d Double) int64 {
	if math.IsNaN(float64(d)) {
		return 0
	}
	return int64(d)
}
