package view

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
)

// Metric is what a metric showed, as text.
type Metric struct{ ID, Value string }

// Metrics are the latest known figures of a cluster, by where they belong. Lists are sorted by id.
type Metrics struct {
	JobManager   []Metric
	TaskManagers map[string][]Metric
	Jobs         map[ident.JobID]*JobMetrics
}

// JobMetrics are those of a job.
type JobMetrics struct {
	Own      []Metric
	Vertices map[ident.VertexID]*VertexMetrics
}

// VertexMetrics are those of a vertex.
type VertexMetrics struct {
	// Subtasks are those of current attempts, by the subtask's index; operators' metrics have the operator's name before theirs.
	Subtasks map[int][]Metric
	// Coordinator are those of the vertex's coordinators.
	Coordinator []Metric
}

// Vertex returns the metrics of a vertex; nil if nothing is known of it.
func (m *Metrics) Vertex(job ident.JobID, vertex ident.VertexID) *VertexMetrics {
	if j := m.Jobs[job]; j != nil {
		return j.Vertices[vertex]
	}
	return nil
}

// Job returns the metrics of a job; none if nothing is known of it.
func (m *Metrics) Job(job ident.JobID) []Metric {
	if j := m.Jobs[job]; j != nil {
		return j.Own
	}
	return nil
}

// Lookup returns the value of a metric.
func Lookup(all []Metric, id string) (value string, ok bool) {
	at, ok := slices.BinarySearchFunc(all, id, func(m Metric, id string) int { return cmp.Compare(m.ID, id) })
	if !ok {
		return "", false
	}
	return all[at].Value, true
}

// SortMetrics sorts by id, as [Lookup] and the lists of a view need it.
func SortMetrics(all []Metric) {
	slices.SortFunc(all, func(a, b Metric) int { return cmp.Compare(a.ID, b.ID) })
}

// MetricsOf arranges what processes have shown. Samples may be of several processes, and of jobs on several of them; what bears ids that cannot be read is left out.
func MetricsOf(samples []metrics.Sample) *Metrics {
	m := &Metrics{TaskManagers: map[string][]Metric{}, Jobs: map[ident.JobID]*JobMetrics{}}
	for _, sample := range samples {
		m.add(sample)
	}
	m.sort()
	return m
}

func (m *Metrics) add(sample metrics.Sample) {
	scope := sample.Scope
	switch scope.Level {
	case metrics.LevelJobManager:
		m.JobManager = appendSample(m.JobManager, "", sample)
		return
	case metrics.LevelTaskManager:
		id := scope.Variable(metrics.TaskManagerID)
		m.TaskManagers[id] = appendSample(m.TaskManagers[id], "", sample)
		return
	}
	id, err := ident.ParseID(scope.Variable(metrics.JobID))
	if err != nil {
		return
	}
	latency := len(scope.User) > 0 && scope.User[0] == "latency" // each of an operator's subtask, so that it is there once
	if scope.Level == metrics.LevelTaskManagerJob && !latency {  // of a job's worker, of which each TaskManager may have one
		at := scope.Variable(metrics.TaskManagerID)
		m.TaskManagers[at] = appendSample(m.TaskManagers[at], "job."+id.String()+".", sample)
		return
	}
	job := m.Jobs[id]
	if job == nil {
		job = &JobMetrics{Vertices: map[ident.VertexID]*VertexMetrics{}}
		m.Jobs[id] = job
	}
	if scope.Level == metrics.LevelTask || scope.Level == metrics.LevelOperator {
		job.addTask(sample)
		return
	}
	job.Own = appendSample(job.Own, "", sample)
}

func (j *JobMetrics) addTask(sample metrics.Sample) {
	scope := sample.Scope
	id, err := ident.ParseID(scope.Variable(metrics.TaskID))
	if err != nil {
		return
	}
	vertex := j.Vertices[id]
	if vertex == nil {
		vertex = &VertexMetrics{Subtasks: map[int][]Metric{}}
		j.Vertices[id] = vertex
	}
	prefix := ""
	if scope.Level == metrics.LevelOperator {
		prefix = safeName.Replace(scope.Variable(metrics.OperatorName)) + "."
	}
	index, err := strconv.Atoi(scope.Variable(metrics.SubtaskIndex))
	if err != nil { // an operator without a subtask is one's coordinator
		vertex.Coordinator = appendSample(vertex.Coordinator, prefix, sample)
		return
	}
	vertex.Subtasks[index] = appendSample(vertex.Subtasks[index], prefix, sample)
}

// safeName replaces what would be mistaken in a metric's id or in a list of ids.
var safeName = strings.NewReplacer(" ", "_", ".", "_", ":", "_", ",", "_")

func appendSample(to []Metric, prefix string, sample metrics.Sample) []Metric {
	id := prefix + sample.Scope.Identifier(sample.Name)
	add := func(suffix, value string) { to = append(to, Metric{ID: id + suffix, Value: value}) }
	switch v := sample.Value.(type) {
	case int64:
		add("", strconv.FormatInt(v, 10))
	case float64:
		add("", metrics.FormatFloat(v))
	case string:
		add("", v)
	case bool:
		add("", strconv.FormatBool(v))
	case metrics.MeterValue:
		add("", metrics.FormatFloat(v.Rate))
	case metrics.HistogramStatistics:
		add("_min", strconv.FormatInt(v.Min, 10))
		add("_max", strconv.FormatInt(v.Max, 10))
		for _, figure := range []struct {
			suffix string
			value  float64
		}{
			{"_mean", v.Mean}, {"_median", v.Median}, {"_stddev", v.StdDev}, {"_p75", v.P75}, {"_p90", v.P90}, {"_p95", v.P95}, {"_p98", v.P98}, {"_p99", v.P99},
			{"_p999", v.P999},
		} {
			add(figure.suffix, metrics.FormatFloat(figure.value))
		}
	}
	return to
}

func (m *Metrics) sort() {
	SortMetrics(m.JobManager)
	for _, all := range m.TaskManagers {
		SortMetrics(all)
	}
	for _, job := range m.Jobs {
		SortMetrics(job.Own)
		for _, vertex := range job.Vertices {
			SortMetrics(vertex.Coordinator)
			for _, all := range vertex.Subtasks {
				SortMetrics(all)
			}
		}
	}
}
