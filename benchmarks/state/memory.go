package main

import (
	"fmt"

	"github.com/weir-stream/weir/benchmarks/internal/child"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
	"github.com/weir-stream/weir/benchmarks/state/internal/jobs"
	"github.com/weir-stream/weir/benchmarks/state/internal/workload"
)

const memoryAim = 60 // bytes a key

// perKey is how much memory a key of 16 bytes with a value of 8 takes.
type perKey struct {
	Keys                     int64
	BytesPerKey, Least, Most float64
	Aim                      float64
}

func measureMemory(o options, r *report) error {
	r.say("Resident memory per key, key of 16 bytes, value of 8, hashmap; median of %d (least to greatest)", o.runs)
	for _, keys := range []int64{1_000_000, 10_000_000} {
		if o.smoke {
			keys /= 100
		}
		var all []float64
		for range o.runs {
			o.progress("memory: %d keys", keys)
			outcome, _, err := child.Measure[jobs.Outcome]("job", jobs.Order{
				Program: "pairCount", Backend: "hashmap", Plan: growing(keys),
			})
			if err != nil {
				return err
			}
			all = append(all, float64(outcome.Growth)/float64(keys))
		}
		s := stats.Summarize(all)
		r.add(fmt.Sprintf("%9d keys  %5.1f bytes a key (%.1f to %.1f)  aim %d %s", keys, s.Median, s.Min, s.Max, memoryAim, verdict(s.Median <= memoryAim)),
			perKey{keys, s.Median, s.Min, s.Max, memoryAim})
	}
	return nil
}

const stallAim = 1.0 // milliseconds

// stall is how long batches of 1024 records or less take while a table grows.
type stall struct {
	Backend          string
	P50, P999, Max   float64 // ms of the thread's CPU time; medians of the runs
	P999Min, P999Max float64
	Aim              float64
}

func measureStall(o options, r *report) error {
	keys := int64(10_000_000)
	if o.smoke {
		keys /= 100
	}
	r.say("CPU time of a batch while a table grows to %d keys, ms; medians of %d runs", keys, o.runs)
	var p50, p999, worst []float64
	for range o.runs {
		o.progress("stall: %d keys", keys)
		outcome, _, err := child.Measure[jobs.Outcome]("job", jobs.Order{
			Program: "count", Backend: "hashmap", Plan: growing(keys),
		})
		if err != nil {
			return err
		}
		l := outcome.Loading
		p50, p999, worst = append(p50, float64(l.P50)/1e6), append(p999, float64(l.P999)/1e6), append(worst, float64(l.Max)/1e6)
	}
	s := stats.Summarize(p999)
	row := stall{"hashmap", stats.Median(p50), s.Median, stats.Median(worst), s.Min, s.Max, stallAim}
	r.add(fmt.Sprintf("hashmap  p50 %.3f  p99.9 %.3f (%.3f to %.3f)  longest %.3f  aim p99.9 %.1f %s",
		row.P50, row.P999, row.P999Min, row.P999Max, row.Max, stallAim, verdict(row.P999 <= stallAim)), row)
	return nil
}

// growing is a run that is about the keys that come for the first time.
func growing(keys int64) workload.Plan {
	return workload.Plan{Keys: keys, Phases: []workload.Phase{{Records: 1024}}}
}
