package main

import (
	"fmt"
	"os"

	"github.com/weir-stream/weir/benchmarks/internal/child"
	"github.com/weir-stream/weir/benchmarks/state/internal/jobs"
	"github.com/weir-stream/weir/benchmarks/state/internal/workload"
)

const (
	// memoryLimit is what the job on Pebble is told it may use, allowed what it may have resident at the most.
	memoryLimit = 512 << 20
	allowed     = memoryLimit + memoryLimit/4
	// bytesOfKey is what a key of the job has: the key, 100 bytes of value, nothing of what any store adds.
	bytesOfKey = 8 + 100
)

// bigger is a job whose state is larger than its memory.
type bigger struct {
	Backend                string
	StateBytes, Limit      int64
	Peak                   int64
	LoadRate, Rate         float64 // M records/s
	SameResult, WithinRoom bool
}

// measureBigger runs a job with eight times as much state as memory, and the same with all of it in memory.
func measureBigger(o options, r *report) error {
	limit, keys, records := int64(memoryLimit), int64(8*memoryLimit/bytesOfKey), int64(2_000_000)
	if o.smoke {
		keys, records = keys/100, records/100
	}
	r.say("A job with %d MiB of state (%d keys, values of 100 bytes): every key written once, then %d random ones read, changed and written",
		keys*bytesOfKey>>20, keys, records)
	order := jobs.Order{Program: "wide", Plan: workload.Plan{Keys: keys, Phases: []workload.Phase{{Records: records, Checked: records}}}}
	var inMemory jobs.Outcome
	for _, backend := range []string{"hashmap", "pebble"} {
		o.progress("bigger: %s", backend)
		order.Backend = backend
		outcome, err := measureLimited(order, limit)
		if err != nil {
			return err
		}
		if backend == "hashmap" {
			inMemory = outcome
		}
		row := bigger{
			backend, keys * bytesOfKey, limit, outcome.Peak, float64(keys) / outcome.LoadSeconds / 1e6, outcome.Rate(),
			outcome.Sum == inMemory.Sum, outcome.Peak <= allowed,
		}
		line := fmt.Sprintf("%-8s  loading %.2f, then %.2f M records/s; at most %d MiB resident", backend, row.LoadRate, row.Rate, row.Peak>>20)
		if backend == "pebble" {
			line += fmt.Sprintf(" of a limit of %d (aim %d %s); same result as in memory: %t", limit>>20, allowed>>20, verdict(row.WithinRoom), row.SameResult)
			if !row.SameResult {
				return fmt.Errorf("the result on pebble is not that of hashmap: checksum %x, not %x", outcome.Sum, inMemory.Sum)
			}
		}
		r.add(line, row)
	}
	return nil
}

// measureLimited tells the job on Pebble its limit as an operator would: by GOMEMLIMIT.
func measureLimited(order jobs.Order, limit int64) (jobs.Outcome, error) {
	if order.Backend == "pebble" {
		if err := os.Setenv("GOMEMLIMIT", fmt.Sprint(limit)); err != nil {
			return jobs.Outcome{}, err
		}
		defer os.Unsetenv("GOMEMLIMIT")
	}
	outcome, _, err := child.Measure[jobs.Outcome]("job", order)
	return outcome, err
}
