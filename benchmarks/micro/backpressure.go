package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/child"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
	"github.com/weir-stream/weir/benchmarks/micro/internal/pressure"
)

func init() {
	roles["slow sink"] = child.Role(pressure.SlowSink)
	roles["slow map"] = child.Role(pressure.SlowMap)
}

// The aims.
const (
	growthAim       = 0.10 // of the resident size
	cancelSinkAim   = 1000 // milliseconds
	cancelMapAim    = 50
	slowMapDuration = time.Second
)

type pressureReport struct {
	during time.Duration
	piled  pressure.Piled
	// cancelMap are the milliseconds that it took to cancel the job with the slow map.
	cancelMap []float64
}

func measureBackPressure(o options) (report, error) {
	o.say("backpressure: slow sink, %s", o.duration)
	piled, _, err := child.Measure[pressure.Piled]("slow sink", o.duration)
	if err != nil {
		return nil, err
	}
	result := pressureReport{during: o.duration, piled: piled}
	for i := range o.runs {
		o.say("backpressure: slow map, run %d of %d", i+1, o.runs)
		millis, _, err := child.Measure[float64]("slow map", slowMapDuration)
		if err != nil {
			return nil, err
		}
		result.cancelMap = append(result.cancelMap, millis)
	}
	return result, nil
}

// growth is by what share of itself the resident size has grown.
func (r pressureReport) growth() float64 {
	return float64(r.piled.Late.All-r.piled.Early.All) / float64(r.piled.Early.All)
}

func (r pressureReport) rows() []any {
	return []any{struct {
		Seconds   float64 `json:"seconds"`
		Early     float64 `json:"rss_early_mb"`
		Late      float64 `json:"rss_late_mb"`
		Growth    float64 `json:"rss_growth"`
		InFlight  int64   `json:"records_in_flight"`
		Allowed   int64   `json:"records_in_flight_allowed"`
		Cancel    float64 `json:"cancel_ms"`
		CancelMap float64 `json:"cancel_slow_map_ms"`
	}{
		r.during.Seconds(), float64(r.piled.Early.All) / megabyte, float64(r.piled.Late.All) / megabyte, r.growth(),
		r.piled.InFlight, r.piled.Allowed, r.piled.CancelMillis, stats.Median(r.cancelMap),
	}}
}

func (r pressureReport) table() string {
	var out strings.Builder
	fmt.Fprintf(&out, "A sink 1,000 times slower than its source, 2 subtasks each, for %s: %d records written; %s.\n\n", r.during, r.piled.Written, goVersion())
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	line := func(what, figure, aim string, met bool) {
		fmt.Fprintf(w, "%s\t%s\taim: %s\t%s\n", what, figure, aim, verdict(met))
	}
	p := r.piled
	line(fmt.Sprintf("resident after %s and after %s", r.during/6, r.during), fmt.Sprintf("%.1f and %.1f MB: %+.1f %%", float64(p.Early.All)/megabyte, float64(p.Late.All)/megabyte, 100*r.growth()),
		fmt.Sprintf("within %.0f %%", 100*growthAim), r.growth() <= growthAim && r.growth() >= -growthAim)
	line("most records in flight", fmt.Sprint(p.InFlight), fmt.Sprintf("at most %d, the room of the queues", p.Allowed), p.InFlight <= p.Allowed)
	line("canceled within", fmt.Sprintf("%.1f ms", p.CancelMillis), fmt.Sprintf("%d ms", cancelSinkAim), p.CancelMillis <= cancelSinkAim)
	s := stats.Summarize(r.cancelMap)
	line("a map of 10 ms a record canceled within", fmt.Sprintf("%.1f ms (%.1f-%.1f)", s.Median, s.Min, s.Max), fmt.Sprintf("%d ms", cancelMapAim), s.Median <= cancelMapAim)
	w.Flush()
	return out.String()
}
