package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-stream/weir/benchmarks/internal/child"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
	"github.com/weir-stream/weir/benchmarks/state/internal/jobs"
	"github.com/weir-stream/weir/benchmarks/state/internal/workload"
)

// The shares of the raw table's rate that are aimed at, for state in memory.
const (
	aggregateAim = 0.5
	processAim   = 0.4
)

// checked is of how many draws of each kind the results are compared, before those that are timed: their number differs.
const checked = 10_000

// contestant is one way to do the work.
type contestant struct {
	role, program, backend string
	// aim is the share of the raw table's rate that is aimed at, 0 for none.
	aim float64
}

func (c contestant) String() string {
	switch {
	case c.role == "raw" && c.backend == "table":
		return "raw table"
	case c.role == "raw":
		return "raw Pebble"
	}
	return map[string]string{"count": "Count", "sum": "Sum", "value": "Value", "wide": "Value"}[c.program] + " on " + c.backend
}

// contestants are those of one kind of values: the raw table first, raw Pebble second.
func contestants(o options, wide bool) []contestant {
	programs := []contestant{{program: "count", aim: aggregateAim}, {program: "sum", aim: aggregateAim}, {program: "value", aim: processAim}}
	if wide {
		programs = []contestant{{program: "wide"}}
	}
	last := programs[len(programs)-1].program
	all := []contestant{{"raw", last, "table", 0}, {"raw", last, "pebble", 0}}
	for _, backend := range strings.Split(o.backends, ",") {
		for _, p := range programs {
			if backend != "hashmap" {
				if p.aim = 0; p.program == "sum" {
					continue // as Count, there
				}
			}
			all = append(all, contestant{"job", p.program, backend, p.aim})
		}
	}
	return all
}

// plan is what a contestant does: draws that are checked, of each kind, and then as many as take it a second or so.
func (o options) plan(w workload.Workload, c contestant) workload.Plan {
	p := workload.Plan{Keys: w.Keys}
	records := int64(16_000_000)
	switch {
	case c.role == "raw" && c.backend == "pebble":
		records = 200_000
	case w.Keys >= 10_000_000:
		records = 6_000_000
	}
	if o.smoke {
		p.Keys, records = min(p.Keys, 20_000), 50_000
	}
	for _, d := range w.Draws {
		p.Phases = append(p.Phases, workload.Phase{Zipf: d.Zipf, Records: checked, Checked: checked})
	}
	for _, d := range w.Draws {
		p.Phases = append(p.Phases, workload.Phase{Zipf: d.Zipf, WarmUp: records / 4, Records: records})
	}
	return p
}

func measureRates(o options, r *report) error {
	r.say("RATES: each record reads, changes and writes the value of its key. Million records a second on two processors once every key is there:")
	r.say("the median of %d turns (least to greatest), processor time a record, and the median of the ratios to the raw table of the same turn.", o.runs)
	for _, wide := range []bool{false, true} {
		for _, w := range workload.All() {
			if wide && w.Keys != 1_000_000 || !o.wants(w) {
				continue
			}
			if err := measureWorkload(o, r, w, wide); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o options) wants(w workload.Workload) bool {
	return slices.ContainsFunc(w.Draws, func(d workload.Draw) bool { return slices.Contains(strings.Split(o.workloads, ","), d.Name) })
}

// measureWorkload lets all contestants take turns.
func measureWorkload(o options, r *report, w workload.Workload, wide bool) error {
	all := contestants(o, wide)
	runs := make([][]jobs.Outcome, len(all))
	for turn := range o.runs {
		for i, c := range all {
			o.progress("%s: turn %d of %d, %s", w.Draws[0].Name, turn+1, o.runs, c)
			outcome, _, err := child.Measure[jobs.Outcome](c.role, jobs.Order{Program: c.program, Backend: c.backend, Plan: o.plan(w, c)})
			if err != nil {
				return err
			}
			runs[i] = append(runs[i], outcome)
			if outcome.Sum != runs[0][turn].Sum {
				return fmt.Errorf("%d keys: %s has other results than %s", w.Keys, c, all[0])
			}
		}
	}
	for i, d := range w.Draws {
		reportRates(r, describe(w, d, wide), all, runs, len(w.Draws)+i)
	}
	return nil
}

func describe(w workload.Workload, d workload.Draw, wide bool) string {
	values, drawn := "int64 counters", "uniform"
	if wide {
		values = "values of 100 bytes"
	}
	if d.Zipf {
		drawn = "Zipf"
	}
	return fmt.Sprintf("%s, %d keys, %s", values, w.Keys, drawn)
}

// rate is a line of the table.
type rate struct {
	Workload, Contestant string
	Rate, Min, Max       float64 // M records/s
	// ToTable and ToPebble are the ratios to the raw loops.
	ToTable, ToTableMin, ToTableMax, ToPebble float64
	// CPU is nanoseconds of processor time a record, of the whole process.
	CPU float64
	Aim float64 `json:",omitempty"`
	Met bool    `json:",omitempty"`
}

func reportRates(r *report, title string, all []contestant, runs [][]jobs.Outcome, phase int) {
	rates := make([][]float64, len(all))
	for i := range all {
		rates[i] = stats.Of(runs[i], func(o jobs.Outcome) float64 { return o.Phases[phase].Rate() })
	}
	r.say("\n%s", title)
	for i, c := range all {
		cpu := stats.Median(stats.Of(runs[i], func(o jobs.Outcome) float64 { return o.Phases[phase].CPU() }))
		s, ratio := stats.Summarize(rates[i]), stats.Summarize(stats.Ratios(rates[i], rates[0]))
		row := rate{
			title, c.String(), s.Median, s.Min, s.Max, ratio.Median, ratio.Min, ratio.Max,
			stats.Median(stats.Ratios(rates[i], rates[1])), cpu, c.aim, c.aim > 0 && ratio.Median >= c.aim,
		}
		line := fmt.Sprintf("  %-17s %6.2f %-18s %6.0f ns", c, s.Median, fmt.Sprintf("(%.2f to %.2f)", s.Min, s.Max), cpu)
		if i > 0 {
			line += fmt.Sprintf("  %.2f (%.2f to %.2f) of the raw table", ratio.Median, ratio.Min, ratio.Max)
		}
		if c.aim > 0 {
			line += fmt.Sprintf("; aim %.1f %s", c.aim, verdict(row.Met))
		}
		if c.role == "job" && c.backend == "pebble" {
			line += fmt.Sprintf("; %.1f of raw Pebble", row.ToPebble)
		}
		r.add(line, row)
	}
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}
