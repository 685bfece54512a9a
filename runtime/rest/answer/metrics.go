package answer

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/weir-stream/weir/runtime/rest/view"
)

// Metric is an entry of a list of metrics. Without a value it says that there is such a one.
type Metric struct {
	ID    string  `json:"id"`
	Value *string `json:"value,omitempty"`
}

// AggregatedMetric is an entry of a list of aggregated metrics, with the aggregates that were asked for.
type AggregatedMetric struct {
	ID   string  `json:"id"`
	Min  *Double `json:"min,omitempty"`
	Max  *Double `json:"max,omitempty"`
	Avg  *Double `json:"avg,omitempty"`
	Sum  *Double `json:"sum,omitempty"`
	Skew *Double `json:"skew,omitempty"`
}

// Aggregation is a way to make one number of many.
type Aggregation string

// The aggregations.
const (
	Min  Aggregation = "min"
	Max  Aggregation = "max"
	Avg  Aggregation = "avg"
	Sum  Aggregation = "sum"
	Skew Aggregation = "skew"
)

// Aggregations lists them all.
var Aggregations = []Aggregation{Min, Max, Sum, Avg, Skew}

// ListMetrics lists what there is, or the values of those that are asked for; what is not there is left out.
func ListMetrics(all []view.Metric, get []string) []Metric {
	list := []Metric{}
	if len(get) == 0 {
		for _, m := range all {
			list = append(list, Metric{ID: m.ID})
		}
		return list
	}
	for _, id := range get {
		if value, ok := view.Lookup(all, id); ok {
			list = append(list, Metric{ID: id, Value: &value})
		}
	}
	return list
}

// PrefixSubtasks joins the metrics of subtasks, each with the index of its subtask before it.
func PrefixSubtasks(v *view.VertexMetrics) []view.Metric {
	var all []view.Metric
	for _, index := range slices.Sorted(maps.Keys(v.Subtasks)) {
		for _, m := range v.Subtasks[index] {
			all = append(all, view.Metric{ID: strconv.Itoa(index) + "." + m.ID, Value: m.Value})
		}
	}
	view.SortMetrics(all)
	return all
}

// AggregateMetrics answers the endpoints that sum up several lists: the ids that any of them has, or aggregates of those that are asked for. Values
// that are no numbers are left out. No aggregations mean all.
func AggregateMetrics(lists [][]view.Metric, get []string, how []Aggregation) []AggregatedMetric {
	made := []AggregatedMetric{}
	if len(get) == 0 {
		for _, id := range idsOf(lists) {
			made = append(made, AggregatedMetric{ID: id})
		}
		return made
	}
	for _, id := range get {
		if values := valuesOf(lists, id); len(values) > 0 {
			made = append(made, aggregateValues(id, values, how))
		}
	}
	return made
}

func idsOf(lists [][]view.Metric) []string {
	var ids []string
	for _, all := range lists {
		for _, m := range all {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func valuesOf(lists [][]view.Metric, id string) []float64 {
	var values []float64
	for _, all := range lists {
		if text, ok := view.Lookup(all, id); ok {
			if value, err := strconv.ParseFloat(text, 64); err == nil {
				values = append(values, value)
			}
		}
	}
	return values
}

func aggregateValues(id string, values []float64, how []Aggregation) AggregatedMetric {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	avg := sum / float64(len(values))
	made := AggregatedMetric{ID: id}
	set := func(to **Double, aggregation Aggregation, value float64) {
		if len(how) == 0 || slices.Contains(how, aggregation) {
			d := Double(value)
			*to = &d
		}
	}
	set(&made.Min, Min, slices.Min(values))
	set(&made.Max, Max, slices.Max(values))
	set(&made.Avg, Avg, avg)
	set(&made.Sum, Sum, sum)
	set(&made.Skew, Skew, skew(values, avg))
	return made
}

// skew is the mean distance from the average as a percentage of the average, at most 100.
func skew(values []float64, avg float64) float64 {
	if avg == 0 {
		return 0
	}
	distance := 0.0
	for _, v := range values {
		distance += math.Abs(v - avg)
	}
	return math.Min(100, distance/float64(len(values))/math.Abs(avg)*100)
}

// Watermarks answers /jobs/:jobid/vertices/:vertexid/watermarks.
func Watermarks(v *view.VertexMetrics) []Metric {
	list := []Metric{}
	for _, index := range slices.Sorted(maps.Keys(v.Subtasks)) {
		if value, ok := view.Lookup(v.Subtasks[index], watermark); ok {
			list = append(list, Metric{ID: strconv.Itoa(index) + "." + watermark, Value: &value})
		}
	}
	return list
}

const watermark = "currentInputWatermark"

// BackPressure answers /jobs/:jobid/vertices/:vertexid/backpressure. Each level is there twice.
type BackPressure struct {
	Status     string                `json:"status"`
	Level      string                `json:"backpressureLevel,omitempty"`
	End        int64                 `json:"end-timestamp,omitempty"`
	Subtasks   []SubtaskBackPressure `json:"subtasks,omitempty"`
	LevelAgain string                `json:"backpressure-level,omitempty"`
}

// SubtaskBackPressure is an entry of it.
type SubtaskBackPressure struct {
	Subtask    int    `json:"subtask"`
	Level      string `json:"backpressureLevel"`
	Ratio      Double `json:"ratio"`
	Idle       Double `json:"idleRatio"`
	Busy       Double `json:"busyRatio"`
	LevelAgain string `json:"backpressure-level"`
}

// DescribeBackPressure answers /jobs/:jobid/vertices/:vertexid/backpressure from the vertex's metrics, which were read at now. ok is false where Flink fails: its metrics know the vertex, by
// its coordinator, and none of its subtasks.
func DescribeBackPressure(v *view.VertexMetrics, nowMillis int64) (answer BackPressure, ok bool) {
	if v == nil || len(v.Subtasks) == 0 {
		return BackPressure{Status: "deprecated"}, v == nil || len(v.Coordinator) == 0
	}
	made := BackPressure{Status: "ok", End: nowMillis}
	worst := 0.0
	for _, index := range slices.Sorted(maps.Keys(v.Subtasks)) {
		ratio := func(id string) float64 { return ratioOf(v.Subtasks[index], id) }
		pressure := ratio("backPressuredTimeMsPerSecond")
		level := levelOf(pressure)
		made.Subtasks = append(made.Subtasks, SubtaskBackPressure{
			Subtask: index, Level: level, LevelAgain: level, Ratio: Double(pressure), Idle: Double(ratio("idleTimeMsPerSecond")), Busy: Double(ratio("busyTimeMsPerSecond")),
		})
		worst = max(worst, pressure)
	}
	made.Level = levelOf(worst)
	made.LevelAgain = made.Level
	return made, true
}

// ratioOf makes a share of milliseconds per second; 0 if it is not known.
func ratioOf(all []view.Metric, id string) float64 {
	text, _ := view.Lookup(all, id)
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(value) {
		return 0
	}
	return value / 1000
}

func levelOf(ratio float64) string {
	switch {
	case ratio <= 0.1:
		return "ok"
	case ratio <= 0.5:
		return "low"
	}
	return "high"
}

// FlameGraph answers /jobs/:jobid/vertices/:vertexid/flamegraph. Without data the end says why.
type FlameGraph struct {
	End  int64  `json:"endTimestamp"`
	Data *Frame `json:"data,omitempty"`
}

// Frame is a function on sampled stacks.
type Frame struct {
	Name     string   `json:"name"`
	Value    int64    `json:"value"`
	Children []*Frame `json:"children"`
}

// The ends of flame graphs without data.
const (
	FlameGraphUnavailable = -1
	FlameGraphDisabled    = -2
	FlameGraphWaiting     = -3
)

// deepest bounds how far a flame graph is followed.
const deepest = 1000

// DescribeFlameGraph answers /jobs/:jobid/vertices/:vertexid/flamegraph; nil means that there is none.
func DescribeFlameGraph(g *view.FlameGraph) FlameGraph {
	switch {
	case g == nil:
		return FlameGraph{End: FlameGraphUnavailable}
	case g.Disabled:
		return FlameGraph{End: FlameGraphDisabled}
	case g.Waiting:
		return FlameGraph{End: FlameGraphWaiting}
	case g.Root == nil:
		return FlameGraph{End: FlameGraphUnavailable}
	}
	return FlameGraph{End: stamp(g.End), Data: frame(g.Root, deepest)}
}

func frame(f *view.Frame, left int) *Frame {
	made := &Frame{Name: f.Name, Value: f.Samples, Children: []*Frame{}}
	if left == 0 {
		return made
	}
	for _, child := range f.Children {
		made.Children = append(made.Children, frame(child, left-1))
	}
	slices.SortStableFunc(made.Children, func(a, b *Frame) int { return cmp.Compare(a.Name, b.Name) })
	return made
}
