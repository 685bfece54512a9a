package main

import (
	"fmt"

	"github.com/weir-stream/weir/benchmarks/internal/stats"
)

// result is one measurement, of all processes that have moved records in it.
type result struct {
	perSecond  float64 // records
	cpuSeconds float64
	records    int
}

func (r result) rate() float64 { return r.perSecond }

// nanosPerRecord is the median of what a record has taken of the processors.
func nanosPerRecord(runs []result) float64 {
	return stats.Median(stats.Of(runs, func(r result) float64 { return r.cpuSeconds / float64(r.records) * 1e9 }))
}

// millions are the millions of records a second: the median, the least and the most.
func millions(runs []result) string {
	return spread(stats.Of(runs, func(r result) float64 { return r.perSecond / 1e6 }))
}

func spread(values []float64) string {
	s := stats.Summarize(values)
	return fmt.Sprintf("%.2f (%.2f, %.2f)", s.Median, s.Min, s.Max)
}
