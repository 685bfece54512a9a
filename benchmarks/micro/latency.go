package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/weir-stream/weir/benchmarks/internal/child"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
	"github.com/weir-stream/weir/benchmarks/micro/internal/latency"
)

func init() {
	roles["latency"] = child.Role(latency.Engine)
	roles["latency of the schedule"] = child.Role(latency.Bare)
}

const (
	latencyRate = 10_000 // records a second
	// What the engine may add, in microseconds.
	addedP50Aim = 50
	addedP99Aim = 500
)

// latencyRun is one run with the engine and, right after it, one without.
type latencyRun struct{ engine, bare latency.Outcome }

type latencyReport struct {
	runs        []latencyRun
	parallelism int
	smoke       bool
}

func measureLatency(o options) (report, error) {
	result := latencyReport{parallelism: o.parallelism, smoke: o.smoke}
	order := latency.Order{PerSecond: latencyRate, Seconds: o.duration.Seconds(), Parallelism: o.parallelism}
	for i := range o.runs {
		o.say("latency: run %d of %d", i+1, o.runs)
		var run latencyRun
		var err error
		if run.engine, _, err = child.Measure[latency.Outcome]("latency", order); err != nil {
			return nil, err
		}
		if run.bare, _, err = child.Measure[latency.Outcome]("latency of the schedule", order); err != nil {
			return nil, err
		}
		result.runs = append(result.runs, run)
	}
	return result, nil
}

// quantile is one of the figures that are compared.
type quantile struct {
	name string
	pick func(latency.Quantiles) int64
	aim  float64 // microseconds; 0: none
}

var quantiles = []quantile{
	{"p50", func(q latency.Quantiles) int64 { return q.P50 }, addedP50Aim},
	{"p99", func(q latency.Quantiles) int64 { return q.P99 }, addedP99Aim},
	{"p99.9", func(q latency.Quantiles) int64 { return q.P999 }, 0},
}

const microsecond = 1e3 // nanoseconds

// compare returns both sides in microseconds, and the median of what the engine added in each pair of runs.
func (q quantile) compare(runs []latencyRun) (engine, bare, added stats.Summary) {
	e := stats.Of(runs, func(r latencyRun) float64 { return float64(q.pick(r.engine.Late)) / microsecond })
	b := stats.Of(runs, func(r latencyRun) float64 { return float64(q.pick(r.bare.Late)) / microsecond })
	return stats.Summarize(e), stats.Summarize(b), stats.Summarize(stats.Differences(e, b))
}

// way is how many microseconds a record is inside of the engine.
func (q quantile) way(runs []latencyRun) stats.Summary {
	return stats.Summarize(stats.Of(runs, func(r latencyRun) float64 { return float64(q.pick(r.engine.Way)) / microsecond }))
}

func (r latencyReport) rows() []any {
	var rows []any
	for _, q := range quantiles {
		engine, bare, added := q.compare(r.runs)
		rows = append(rows, struct {
			Quantile string  `json:"quantile"`
			Rate     int     `json:"records_per_s"`
			Engine   float64 `json:"engine_us"`
			Bare     float64 `json:"schedule_us"`
			Added    float64 `json:"added_us"`
			Way      float64 `json:"way_us"`
		}{q.name, latencyRate, engine.Median, bare.Median, added.Median, q.way(r.runs).Median})
	}
	return rows
}

func (r latencyReport) table() string {
	var out strings.Builder
	if r.smoke {
		out.WriteString("Smoke: too short to mean anything.\n\n")
	}
	fmt.Fprintf(&out, "Microseconds from a record's scheduled time to its arrival, %d records a second, %s of each operator: the median of %s, and the least and the most; %s.\n\n",
		latencyRate, count(r.parallelism, "subtask"), count(len(r.runs), "run"), goVersion())
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tengine\t(spread)\tschedule alone\t(spread)\tadded\t(spread)\taim\t\tway\t(spread)")
	for _, q := range quantiles {
		engine, bare, added := q.compare(r.runs)
		way, aim, met := q.way(r.runs), "", ""
		if q.aim > 0 {
			aim, met = fmt.Sprintf("at most %.0f", q.aim), verdict(added.Median <= q.aim)
		}
		fmt.Fprintf(w, "%s\t%.0f\t(%.0f to %.0f)\t%.0f\t(%.0f to %.0f)\t%.0f\t(%.0f to %.0f)\t%s\t%s\t%.0f\t(%.0f to %.0f)\n", q.name,
			engine.Median, engine.Min, engine.Max, bare.Median, bare.Min, bare.Max, added.Median, added.Min, added.Max, aim, met, way.Median, way.Min, way.Max)
	}
	w.Flush()
	out.WriteString("\nadded: the median of the differences of each pair of runs.\n")
	out.WriteString("way: from when the source has made a record to its arrival, in the engine: what \"added\" shows through the noise of the timers.\n")
	fmt.Fprintf(&out, "Flink 2.3.0, another load, another run: %s.\n", readFlink().Latency)
	return out.String()
}
