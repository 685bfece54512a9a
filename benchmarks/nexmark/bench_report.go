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

func (r report) table(o benchOptions) string {
	var out strings.Builder
	fmt.Fprintf(&out, "Median of %d runs, and the least and the most; parallelism %d; %s, machine of %d processors.\n\n",
		o.runs, o.parallelism, runtime.Version(), runtime.NumCPU())
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
		verdict := "met"
		if rate.Median < r.aim {
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "%.3g\t%.1f\t%.2f\t%s\n", r.flink, rate.Median/r.flink, r.aim, verdict)
	}
	w.Flush()
	fmt.Fprintf(&out, "\nFlink: %s\n", flink.Note)
	if o.scale != 1 {
		fmt.Fprintf(&out, "The events are %g times those that the aims are for.\n", o.scale)
	}
	return out.String()
}
