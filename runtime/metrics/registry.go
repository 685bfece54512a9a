// Package metrics has what is measured: counters, gauges, meters and histograms in groups whose scopes are Flink's, and a registry that lists
// them all. Reporters, which carry a [Registry.Snapshot] elsewhere, are not part of it.
package metrics

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/weir-stream/weir/runtime/clock"
)

// Kind is the kind of a metric; its text is Flink's.
type Kind string

// The kinds.
const (
	KindCounter   Kind = "COUNTER"
	KindGauge     Kind = "GAUGE"
	KindMeter     Kind = "METER"
	KindHistogram Kind = "HISTOGRAM"
)

// Sample is what a metric showed.
type Sample struct {
	Scope *Scope
	Name  string
	Kind  Kind
	// Value is an int64 for a counter; an int64, float64, string or bool for a gauge; a [MeterValue]; or a [HistogramStatistics].
	Value any
}

// MeterValue is what a meter shows.
type MeterValue struct {
	Count int64
	Rate  float64 // events per second
}

// metric is a listed thing. sample may call a user's function and is called without the registry's lock.
type metric interface {
	kind() Kind
	sample() any
}

type gauge struct{ read func() any }

func (c *Counter) kind() Kind        { return KindCounter }
func (c *Counter) sample() any       { return c.Count() }
func (c *SharedCounter) kind() Kind  { return KindCounter }
func (c *SharedCounter) sample() any { return c.Count() }
func (g *gauge) kind() Kind          { return KindGauge }
func (g *gauge) sample() any         { return g.read() }
func (m *MeterView) kind() Kind      { return KindMeter }
func (m *MeterView) sample() any     { return m.read() }
func (h *Histogram) kind() Kind      { return KindHistogram }
func (h *Histogram) sample() any     { return h.Statistics() }

// Registry lists all metrics of a process. Any goroutine may use it.
type Registry struct {
	clock  clock.Clock
	report func(problem string)

	mu    sync.Mutex // guards the tree of groups, not the metrics
	roots []*Group
}

// NewRegistry returns an empty registry. Meters measure time by c. report, which may be nil, is told in a sentence of names that clash and
// gauges that panic; it is called by the goroutine that met the problem.
func NewRegistry(c clock.Clock, report func(problem string)) *Registry {
	if report == nil {
		report = func(string) {}
	}
	return &Registry{clock: c, report: report}
}

// Root returns a new outermost group, such as that of a TaskManager.
func (r *Registry) Root(level Level, variables ...Variable) *Group {
	r.mu.Lock()
	defer r.mu.Unlock()
	root := r.newGroup(&Scope{Level: level, Variables: slices.Clone(variables)})
	r.roots = append(r.roots, root)
	return root
}

func (r *Registry) newGroup(scope *Scope) *Group {
	return &Group{registry: r, scope: scope, children: make(map[string]*Group), metrics: make(map[string]metric)}
}

// Snapshot reads all metrics, group by group, names sorted. Each value is consistent in itself; two values are read at slightly different
// times. A gauge that panics is reported and left out.
func (r *Registry) Snapshot() []Sample {
	listed := r.list()
	samples := make([]Sample, 0, len(listed))
	for _, l := range listed {
		if value, ok := r.read(l); ok {
			samples = append(samples, Sample{Scope: l.group.scope, Name: l.name, Kind: l.metric.kind(), Value: value})
		}
	}
	return samples
}

type listed struct {
	group  *Group
	name   string
	metric metric
}

func (r *Registry) list() []listed {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []listed
	var walk func(g *Group)
	walk = func(g *Group) {
		for _, name := range slices.Sorted(maps.Keys(g.metrics)) {
			all = append(all, listed{group: g, name: name, metric: g.metrics[name]})
		}
		for _, path := range slices.Sorted(maps.Keys(g.children)) {
			walk(g.children[path])
		}
	}
	for _, root := range r.roots {
		walk(root)
	}
	return all
}

func (r *Registry) read(l listed) (value any, ok bool) {
	defer func() {
		if cause := recover(); cause != nil {
			value, ok = nil, false
			r.report(fmt.Sprintf("metric %q of %s cannot be read: %v", l.name, l.group.scope, cause))
		}
	}()
	return l.metric.sample(), true
}
