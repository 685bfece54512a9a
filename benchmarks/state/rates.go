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

// contestant is one way to do the work.
type contestant struct {
	role, program, backend string
	// aim is the share of the raw table's rate that is aimed at, 0 for none.
	aim float64
}

func (c contestant) String() string {
	if c.role == "raw" {
		return "raw " + c.backend
	}
	return c.program + " on " + c.backend
}

// rate is a line of the table.
type rate struct {
	Workload, Values, Contestant string
	Rate, Min, Max               float64 // M records/s
	// Ratio is to the raw table, of the same turn; the median.
	Ratio, Aim float64
}

func measureRates(o options) (*report, error) {
	r := &report{}
	r.add("Read-modify-write, M records/s once all keys are there, median of "+fmt.Sprint(o.runs)+" (least to greatest); ratio to the raw table's of the same turn", nil)
	for _, values := range []string{"int64", "100 bytes"} {
		for _, w := range workload.All() {
			if !slices.Contains(strings.Split(o.workloads, ","), w.Name) || values != "int64" && w.Name != "1M" {
				continue
			}
			if err := measureWorkload(r, o, w, values); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func contestants(o options, values string) []contestant {
	program, aim := "value", 0.4
	all := []contestant{{"raw", program, "table", 0}, {"raw", program, "pebble", 0}}
	if values != "int64" {
		program, aim = "wide", 0
		all = []contestant{{"raw", program, "table", 0}, {"raw", program, "pebble", 0}}
	}
	for _, backend := range strings.Split(o.backends, ",") {
		aimed := aim
		if backend != "hashmap" {
			aimed = 0
		}
		if values == "int64" {
			all = append(all, contestant{"job", "count", backend, aimed / 0.4 * 0.5})
		}
		all = append(all, contestant{"job", program, backend, aimed})
	}
	return all
}

func measureWorkload(r *report, o options, w workload.Workload, values string) error {
	all := contestants(o, values)
	rates := make([][]float64, len(all))
	for turn := range o.runs {
		sum := uint64(0)
		for i, c := range all {
			o.say("%s, %s: turn %d of %d, %s", w.Name, values, turn+1, o.runs, c)
			outcome, _, err := child.Measure[jobs.Outcome](c.role, jobs.Order{
				Program: c.program, Backend: c.backend, Workload: o.scaled(w), Records: o.records(c),
			})
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], outcome.Rate())
			if c.role != "job" {
				continue
			}
			if sum != 0 && outcome.Sum != sum {
				return fmt.Errorf("%s: %s has other results than the contestant before it", w.Name, c)
			}
			sum = outcome.Sum
		}
	}
	for i, c := range all {
		s := stats.Summarize(rates[i])
		row := rate{w.Name, values, c.String(), s.Median, s.Min, s.Max, stats.Median(stats.Ratios(rates[i], rates[0])), c.aim}
		line := fmt.Sprintf("%-5s %-9s  %-18s %7.2f (%.2f to %.2f)  %5.2f", row.Workload, row.Values, row.Contestant, row.Rate, row.Min, row.Max, row.Ratio)
		if c.aim > 0 {
			line += fmt.Sprintf("  aim %.1f %s", c.aim, verdict(row.Ratio >= c.aim))
		}
		r.add(line, row)
	}
	return nil
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

// records is how long a run is: raw Pebble is slow enough for fewer.
func (o options) records(c contestant) int64 {
	switch {
	case o.smoke:
		return 50_000
	case c.role == "raw" && c.backend == "pebble":
		return 1_000_000
	}
	return 20_000_000
}

func (o options) scaled(w workload.Workload) workload.Workload {
	if o.smoke {
		w.Keys = min(w.Keys, 20_000)
	}
	return w
}
