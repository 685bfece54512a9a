package main

import (
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/weir-stream/weir/benchmarks/internal/stats"
)

// report is what was measured.
type report struct{ rows []row }

// row is a query with one backend.
type row struct {
	query, backend string
	events         int64
	runs           []outcome
	// flink and aim are rates, 0 where there is none.
	flink, aim float64
}

// rate is in million records a second; the records are all events of the generator.
func (r row) rate() stats.Summary {
	return stats.Summarize(stats.Of(r.runs, func(o outcome) float64 { return float64(r.events) / o.Seconds / 1e6 }))
}

// processor is in seconds a million events.
func (r row) processor() stats.Summary {
	return stats.Summarize(stats.Of(r.runs, func(o outcome) float64 { return o.CPUSeconds / float64(r.events) * 1e6 }))
}

// met says whether the aim of a row is reached, if it has one.
func (r row) met() string {
	switch {
	case r.aim == 0:
		return "-"
	case r.rate().Median < r.aim:
		return "MISSED"
	}
	return "met"
}

// conditions is a sentence about how the figures were measured.
func (r report) conditions(o benchOptions) string {
	return fmt.Sprintf("Median of %d runs, and the least and the most; parallelism %d; %s, machine of %d processors.",
		o.runs, o.parallelism, runtime.Version(), runtime.NumCPU())
}

// remarks is what is to be said about Flink's figures and the number of events.
func (r report) remarks(o benchOptions) string {
	text := fmt.Sprintf("Flink: %s\n", flink.Note)
	if o.scale != 1 {
		text += fmt.Sprintf("The events are %g times those that the aims are for.\n", o.scale)
	}
	return text
}

func (r report) table(o benchOptions) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\n", r.conditions(o))
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "query\tbackend\tM events\tM records/s\t(spread)\tCPU s/M events\t(spread)\tFlink\tratio\taim\t")
	for _, r := range r.rows {
		rate, processor := r.rate(), r.processor()
		fmt.Fprintf(w, "%s\t%s\t%.3g\t%.2f\t(%.2f-%.2f)\t%.3f\t(%.3f-%.3f)\t", r.query, r.backend, float64(r.events)/1e6,
			rate.Median, rate.Min, rate.Max, processor.Median, processor.Min, processor.Max)
		if r.flink == 0 {
			fmt.Fprintln(w, "-\t-\t-\t")
			continue
		}
		fmt.Fprintf(w, "%.3g\t%.1f\t%.2f\t%s\n", r.flink, rate.Median/r.flink, r.aim, r.met())
	}
	w.Flush()
	return out.String() + "\n" + r.remarks(o)
}

// markdown is the table for the README: a line for each query, with the backends beside each other.
func (r report) markdown(o benchOptions) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s Rates are in million records a second.\n\n", r.conditions(o))
	header, rule := "| query | M events |", "|---|---|"
	for _, backend := range o.backends {
		ours, theirs := "in memory", "in memory"
		if isPebble(backend) {
			ours, theirs = "on Pebble", "on RocksDB"
		}
		header += fmt.Sprintf(" Weir, %s | CPU s/M events | Flink, %s | ratio | aim |", ours, theirs)
		rule += "---|---|---|---|---|"
	}
	fmt.Fprintf(&out, "%s\n%s", header, rule)
	query := ""
	for _, row := range r.rows {
		if row.query != query {
			query = row.query
			fmt.Fprintf(&out, "\n| %s | %.3g |", query, float64(row.events)/1e6)
		}
		out.WriteString(row.cells())
	}
	fmt.Fprintf(&out, "\n\n%s", r.remarks(o))
	return out.String()
}

// cells are those of a row in a line of the README's table.
func (r row) cells() string {
	rate := r.rate()
	cells := fmt.Sprintf(" %.2f (%.2f-%.2f) | %.3f |", rate.Median, rate.Min, rate.Max, r.processor().Median)
	if r.flink == 0 {
		return cells + " - | - | - |"
	}
	return cells + fmt.Sprintf(" %.3g | %.1f | %.2f, %s |", r.flink, rate.Median/r.flink, r.aim, r.met())
}
