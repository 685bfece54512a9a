package view

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
)

func TestMetricsOfARegistry(t *testing.T) {
	job, vertex := ident.Derive("job"), ident.Derive("vertex")
	variable := func(name, value string) metrics.Variable { return metrics.Variable{Name: name, Value: value} }
	registry := metrics.NewRegistry(clock.NewManual(time.Unix(0, 0)), nil)
	jm := registry.Root(metrics.LevelJobManager, variable(metrics.Host, "h"))
	jm.Add("Status").Add("JVM").SharedCounter("n").Add(3)
	jm.Child(metrics.LevelJobManagerJob, variable(metrics.JobID, job.String())).SharedCounter("numRestarts").Add(1)
	jm.Child(metrics.LevelOperator, variable(metrics.JobID, job.String()), variable(metrics.TaskID, vertex.String()), variable(metrics.OperatorName, "Source: a -> b.c")).
		Add("coordinator").SharedCounter("splits")
	tm := registry.Root(metrics.LevelTaskManager, variable(metrics.TaskManagerID, "tm-1"))
	metrics.Gauge(tm, "load", func() float64 { return 0.5 })
	task := tm.Child(metrics.LevelTaskManagerJob, variable(metrics.JobID, job.String())).
		Child(metrics.LevelTask, variable(metrics.TaskID, vertex.String()), variable(metrics.SubtaskIndex, "2"))
	worker := tm.Child(metrics.LevelTaskManagerJob, variable(metrics.JobID, job.String()))
	worker.SharedCounter("bytes").Add(5)
	worker.Add("latency").AddPair("operator_id", "o").SharedCounter("n").Add(9)
	task.Counter("numRecordsIn").Add(7)
	task.Meter("rate")
	task.Child(metrics.LevelOperator, variable(metrics.OperatorName, "my, op")).AddPair("topic", "x").Histogram("size").Update(4)
	metrics.Gauge(task, "busy", func() bool { return true })
	registry.Root(metrics.LevelTask, variable(metrics.JobID, "no id")).Counter("lost")

	list := func(pairs ...string) (all []Metric) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, Metric{pairs[i], pairs[i+1]})
		}
		SortMetrics(all)
		return all
	}
	size := []string{"busy", "true", "numRecordsIn", "7", "rate", "0.0"}
	for _, suffix := range []string{"_mean", "_median", "_p75", "_p90", "_p95", "_p98", "_p99", "_p999"} {
		size = append(size, "my__op.topic.x.size"+suffix, "4.0")
	}
	size = append(size, "my__op.topic.x.size_max", "4", "my__op.topic.x.size_min", "4", "my__op.topic.x.size_stddev", "0.0")
	want := &Metrics{
		JobManager:   list("Status.JVM.n", "3"),
		TaskManagers: map[string][]Metric{"tm-1": list("load", "0.5", "job."+job.String()+".bytes", "5")},
		Jobs: map[ident.JobID]*JobMetrics{job: {
			Own: list("numRestarts", "1", "latency.operator_id.o.n", "9"),
			Vertices: map[ident.VertexID]*VertexMetrics{vertex: {
				Coordinator: list("Source__a_->_b_c.coordinator.splits", "0"), Subtasks: map[int][]Metric{2: list(size...)},
			}},
		}},
	}
	got := MetricsOf(registry.Snapshot())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if value, ok := Lookup(got.Vertex(job, vertex).Subtasks[2], "numRecordsIn"); value != "7" || !ok {
		t.Error(value, ok)
	}
	if got.Vertex(vertex, job) != nil || got.Job(vertex) != nil {
		t.Error("metrics of what is not there")
	}
}

func TestSpread(t *testing.T) {
	if got := Spread([]int64{6552, 6264, 6624, 6624}); got.Min != 6264 || got.Max != 6624 || got.Avg != 6516 || got.P50 != 6588 || got.P99 != 6624 {
		t.Errorf("%+v", got)
	}
	if got := Spread(nil); got.Max != 0 || got.P50 == got.P50 {
		t.Errorf("%+v", got)
	}
}
