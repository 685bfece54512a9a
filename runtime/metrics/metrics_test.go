package metrics

import (
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-stream/weir/runtime/clock"
)

var start = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

func newTestRegistry() (*Registry, *clock.Manual, *[]string) {
	manual, problems := clock.NewManual(start), new([]string)
	return NewRegistry(manual, func(p string) { *problems = append(*problems, p) }), manual, problems
}

// shown writes a snapshot as lines "scope | name | kind | value".
func shown(r *Registry) map[string]any {
	all := make(map[string]any)
	for _, s := range r.Snapshot() {
		all[s.Scope.String()+" | "+s.Scope.Identifier(s.Name)+" | "+string(s.Kind)] = s.Value
	}
	return all
}

func TestScopesAndSnapshot(t *testing.T) {
	registry, manual, problems := newTestRegistry()
	tm := registry.Root(LevelTaskManager, Variable{Host, "h"}, Variable{TaskManagerID, "tm-1"})
	operator := tm.Child(LevelTaskManagerJob, Variable{JobID, "j"}, Variable{JobName, "words"}).
		Child(LevelTask, Variable{TaskName, "map"}, Variable{SubtaskIndex, "0"}).
		Child(LevelOperator, Variable{OperatorName, "count"})
	operator.Counter("numRecordsIn").Add(7)
	operator.Counter("numRecordsIn").Add(1)
	operator.MeterOf("numRecordsInPerSecond", operator.Counter("numRecordsIn"))
	user := operator.Add("mine").AddPair("topic", "clicks")
	user.SharedCounter("errors").Dec()
	user.Histogram("size").Update(3)
	Gauge(user, "lag", func() float64 { return 1.5 })
	Gauge(tm, "version", func() string { return "v1" })
	manual.Advance(4 * time.Second)
	operator.Counter("numRecordsIn").Add(8)

	const at = "operator host=h tm_id=tm-1 job_id=j job_name=words task_name=map subtask_index=0 operator_name=count"
	want := map[string]any{
		"taskmanager host=h tm_id=tm-1 | version | GAUGE":                           "v1",
		at + " | numRecordsIn | COUNTER":                                            int64(16),
		at + " | numRecordsInPerSecond | METER":                                     MeterValue{Count: 16, Rate: 2},
		at + " topic=clicks mine.topic.clicks | mine.topic.clicks.errors | COUNTER": int64(-1),
		at + " topic=clicks mine.topic.clicks | mine.topic.clicks.lag | GAUGE":      1.5,
		at + " topic=clicks mine.topic.clicks | mine.topic.clicks.size | HISTOGRAM": HistogramStatistics{
			Count: 1, Min: 3, Max: 3, Mean: 3, Median: 3, P75: 3, P90: 3, P95: 3, P98: 3, P99: 3, P999: 3},
	}
	if diff := cmp.Diff(want, shown(registry)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	scope := user.Scope()
	if scope.Variable("topic") != "clicks" || scope.Variable(JobName) != "words" || scope.Variable("none") != "" {
		t.Error("variables are wrong")
	}
	if diff := cmp.Diff([]string{"mine", "topic"}, scope.UserLogical); diff != "" {
		t.Errorf("logical scope: %s", diff)
	}
	if operator.Add("mine").AddPair("topic", "clicks") != user {
		t.Error("asking twice gives two groups")
	}
	if len(*problems) > 0 {
		t.Errorf("problems %q", *problems)
	}
}

// Two groups below one parent must not share the memory of their parent's components.
func TestSiblingScopesAreIndependent(t *testing.T) {
	registry, _, _ := newTestRegistry()
	parent := registry.Root(LevelOperator).Add("a").Add("b").Add("c").Add("d").Add("e")
	first, second := parent.AddPair("k", "1"), parent.AddPair("k", "2")
	if got := second.Scope().Identifier("y"); got != "a.b.c.d.e.k.2.y" {
		t.Errorf("second is %s", got)
	}
	if got := first.Scope().Identifier("x"); got != "a.b.c.d.e.k.1.x" {
		t.Errorf("first is now %s", got)
	}
	if got := parent.Scope().Identifier("z"); got != "a.b.c.d.e.z" {
		t.Errorf("parent is now %s", got)
	}
}

func TestClosedGroupIsNotListed(t *testing.T) {
	registry, _, problems := newTestRegistry()
	tm := registry.Root(LevelTaskManager)
	task := tm.Child(LevelTask, Variable{SubtaskIndex, "0"})
	old := task.Add("user").Counter("n")
	old.Add(1)
	task.Close()
	task.Close()
	old.Add(1)
	task.Add("late").Counter("m").Add(1)
	if got := shown(registry); len(got) != 0 {
		t.Errorf("after Close: %v", got)
	}
	next := tm.Child(LevelTask, Variable{SubtaskIndex, "0"})
	next.Add("user").Counter("n").Add(5)
	task.Close() // must not take the new group with it
	want := map[string]any{"task subtask_index=0 user | user.n | COUNTER": int64(5)}
	if diff := cmp.Diff(want, shown(registry)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	tm.Close()
	if len(registry.roots) != 0 || len(*problems) != 0 {
		t.Errorf("%d roots, problems %q", len(registry.roots), *problems)
	}
}

func TestClashesAndPanicsAreReported(t *testing.T) {
	registry, _, problems := newTestRegistry()
	group := registry.Root(LevelOperator).Add("u")
	group.Counter("n").Add(2)
	group.SharedCounter("n").Add(40)
	group.Histogram("n").Update(1)
	Gauge(group, "g", func() int64 { return 1 })
	Gauge(group, "g", func() int64 { return 2 })
	Gauge(group, "bad", func() bool { panic("boom") })
	want := map[string]any{"operator u | u.n | COUNTER": int64(2), "operator u | u.g | GAUGE": int64(1)}
	if diff := cmp.Diff(want, shown(registry)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	wantProblems := []string{
		`metric "n" of operator u: the name is taken by a counter; the new counter is not listed`,
		`metric "n" of operator u: the name is taken by a counter; the new histogram is not listed`,
		`metric "g" of operator u: there is a gauge of this name already; the new one is not listed`,
		`metric "bad" of operator u cannot be read: boom`,
	}
	if diff := cmp.Diff(wantProblems, *problems); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A gauge may use the registry: it is read without the registry's lock.
func TestGaugeMayUseTheRegistry(t *testing.T) {
	registry, _, _ := newTestRegistry()
	group := registry.Root(LevelOperator)
	Gauge(group, "g", func() int64 { return group.Counter("made inside").Count() })
	if got := len(registry.Snapshot()); got != 1 {
		t.Errorf("%d samples", got)
	}
}

func TestMeterRate(t *testing.T) {
	registry, manual, _ := newTestRegistry()
	meter := registry.Root(LevelOperator).Meter("m")
	want := func(rate float64) {
		t.Helper()
		if got := meter.Rate(); math.Abs(got-rate) > 1e-9 {
			t.Errorf("after %v: %v a second, want %v", manual.Since(start), got, rate)
		}
	}
	want(0)
	meter.Mark(10)
	want(0) // no time has passed
	manual.Advance(10 * time.Second)
	want(1) // a young meter does not pretend to a whole minute
	for range 12 {
		manual.Advance(5 * time.Second)
		meter.Mark(50)
		meter.Rate()
	}
	want(10) // the first ten events are more than a minute ago
	for range 600 {
		manual.Advance(100 * time.Millisecond)
		meter.Mark(2)
		meter.Rate()
	}
	want(20)
	if got := len(meter.notes); got > 14 {
		t.Errorf("a meter read often keeps %d notes", got)
	}
	manual.Advance(time.Minute)
	want(0)
	manual.Advance(5 * time.Minute)
	meter.Mark(300)
	want(1) // nobody has read for long: the mean since then
	if meter.Count() != 10+600+1200+300 {
		t.Errorf("count %d", meter.Count())
	}
}

func TestHistogramLooksAtTheLatestValues(t *testing.T) {
	h := new(Histogram)
	if got := h.Statistics(); got != (HistogramStatistics{}) {
		t.Errorf("empty: %+v", got)
	}
	for range 3000 {
		h.Update(1_000_000)
	}
	for i := range int64(histogramWindow) {
		h.Update(histogramWindow - i)
	}
	got := h.Statistics()
	want := HistogramStatistics{
		Count: 4024, Min: 1, Max: 1024, Mean: 512.5, StdDev: got.StdDev,
		Median: 512.5, P75: 768.75, P90: 922.5, P95: 973.75, P98: 1004.5, P99: 1014.75, P999: 1023.975,
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-6 })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if math.Abs(got.StdDev-295.7476) > 1e-3 { // sqrt(n(n+1)/12)
		t.Errorf("standard deviation %v", got.StdDev)
	}
}

// Run with the race detector: writers, readers and registrations at once.
func TestConcurrentUse(t *testing.T) {
	registry, _, problems := newTestRegistry()
	root := registry.Root(LevelTask)
	const writers, each = 4, 1000
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			own := root.AddPair("writer", string(rune('0'+i))).Counter("own")
			shared, size, meter := root.SharedCounter("shared"), root.Histogram("size"), root.Meter("meter")
			for n := range each {
				own.Add(1)
				shared.Inc()
				size.Update(int64(n))
				meter.Mark(1)
			}
		})
	}
	all.Go(func() {
		for range 50 {
			registry.Snapshot()
			root.Add("passing").Close()
		}
	})
	all.Wait()
	for _, s := range registry.Snapshot() {
		want := int64(writers * each)
		var got int64
		switch v := s.Value.(type) {
		case int64:
			got = v
		case MeterValue:
			got = v.Count
		case HistogramStatistics:
			got = v.Count
		}
		if strings.HasPrefix(s.Name, "own") {
			want = each
		}
		if got != want {
			t.Errorf("%s = %d, want %d", s.Name, got, want)
		}
	}
	if len(*problems) > 0 {
		t.Error(*problems)
	}
}

func BenchmarkCounterAdd(b *testing.B) {
	c := new(Counter)
	for b.Loop() {
		c.Add(1)
	}
}

func BenchmarkSharedCounterAdd(b *testing.B) {
	c := new(SharedCounter)
	for b.Loop() {
		c.Add(1)
	}
}

func BenchmarkHistogramUpdate(b *testing.B) {
	h := new(Histogram)
	for b.Loop() {
		h.Update(1)
	}
}
