package task

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/metrics"
)

// latencies are the histograms that are listed, by their names.
func (p *plant) latencies() map[string]metrics.HistogramStatistics {
	all := map[string]metrics.HistogramStatistics{}
	for _, s := range p.registry.Snapshot() {
		if s.Name == "latency" {
			all[s.Scope.Identifier(s.Name)] = s.Value.(metrics.HistogramStatistics)
		}
	}
	return all
}

// quiet is a source that waits, and asks for nothing.
func quiet(connector.ReaderContext) connector.Reader[int64] {
	return &script{poll: func(*connector.Output[int64]) (connector.Status, error) { return connector.Waiting, nil }}
}

// withLatency is a plant of two sources, two maps in chains with two more, and two sinks, each connected with all before.
func withLatency(t *testing.T, settings Latency) (p *plant, advance func(time.Duration)) {
	var s sketch
	c := manual()
	first := s.op("first", mapping(same), s.source("numbers", quiet))
	out := &basin{}
	apart(s.sink("sink", out.writer, s.op("second", mapping(same), first)))
	all := small
	all.Latency = settings
	for _, n := range s.graph.Nodes[1:] {
		for _, e := range n.Inputs {
			if n.Name != "second" {
				e.Partitioning, e.Unset = graph.Rebalance, false
			}
		}
	}
	p = s.build(t, c, all, 2).open()
	return p, func(d time.Duration) {
		c.Advance(d)
	}
}

func (p *plant) stepAll(name string) {
	p.t.Helper()
	for subtask := range 2 {
		step(p.t, p.task(name, subtask), Idle)
	}
}

func TestMarkersTellHowLongTheStreamTakes(t *testing.T) {
	p, advance := withLatency(t, Latency{Interval: 1000, Granularity: config.LatencyBySubtask, History: 8})
	const rounds = 8
	for range rounds {
		p.stepAll("numbers")
		advance(30 * time.Millisecond)
		p.stepAll("first")
		advance(12 * time.Millisecond)
		p.stepAll("sink")
		advance(958 * time.Millisecond)
	}
	id := func(name string) string { return p.task(name, 0).spec.Vertex.Operators[0].ID.String() }
	chained := p.task("first", 0).spec.Vertex.Operators[1].ID.String()
	got, want := p.latencies(), map[string]int64{}
	for source := range 2 {
		for operator, millis := range map[string]int64{id("first"): 30, chained: 30, id("sink"): 42} {
			for subtask := range 2 {
				want[fmt.Sprintf("latency.source_id.%s.source_subtask_index.%d.operator_id.%s.operator_subtask_index.%d.latency", id("numbers"), source, operator, subtask)] = millis
			}
		}
	}
	for name, millis := range want {
		// Every marker of a subtask came to one subtask of each operator, in turns.
		if h := got[name]; h.Count != rounds/2 || h.Min != millis || h.Max != millis {
			t.Errorf("%s: %+v, want %d times %d", name, h, rounds/2, millis)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d histograms are listed, want %d", len(got), len(want))
	}
	for _, task := range p.tasks {
		task.Cancel()
		step(t, task, Ended)
	}
	if left := p.latencies(); len(left) > 0 {
		t.Errorf("of tasks that have ended %d latencies are listed", len(left))
	}
}

func TestWhatLatenciesAreToldApartBy(t *testing.T) {
	for detail, parts := range map[config.LatencyDetail][]string{
		config.LatencySingle: {"latency", "operator_id", "operator_subtask_index"}, config.LatencyByOperator: {"latency", "source_id", "operator_id", "operator_subtask_index"},
	} {
		p, _ := withLatency(t, Latency{Interval: 10, Granularity: detail, History: 8})
		p.stepAll("numbers")
		p.stepAll("first")
		for _, s := range p.registry.Snapshot() {
			if s.Name == "latency" && (!slices.Equal(s.Scope.UserLogical, parts) || s.Scope.Level != metrics.LevelTaskManagerJob) {
				t.Errorf("%s: %v", detail, s.Scope)
			}
		}
		counted := int64(0)
		for name, h := range p.latencies() {
			if strings.Contains(name, p.task("first", 0).spec.Vertex.Operators[0].ID.String()) {
				counted += h.Count
			}
		}
		if counted != 2 {
			t.Errorf("%s: %d measurements of two markers", detail, counted)
		}
	}
}

func TestWithoutAnIntervalThereAreNoMarkers(t *testing.T) {
	p, advance := withLatency(t, Latency{Granularity: config.LatencyByOperator, History: 8})
	for range 3 {
		for _, name := range []string{"numbers", "first", "sink"} {
			p.stepAll(name)
		}
		if deadline := step(t, p.task("numbers", 0), Idle); deadline != never {
			t.Errorf("the source asks for a call at %d", deadline)
		}
		advance(time.Hour)
	}
	if got := p.latencies(); len(got) > 0 {
		t.Error(got)
	}
}
