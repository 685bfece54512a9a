package main

import (
	"context"
	"fmt"

	"github.com/weir-stream/weir/benchmarks/internal/stats"
)

// manySlots are those of each of the two TaskManagers: a job of 100 sources and 100 sinks fills them all.
const manySlots = 50

// many compares jobs of 2 and of 200 subtasks on two processors: a source and what it sends to by key, once, in one worker, and a hundred times, in two
// workers. The subtasks behind the shuffle add up, or count in keyed state as well.
func (o options) many(ctx context.Context) error {
	c, err := o.cluster(ctx, "cluster-many", manySlots)
	if err != nil {
		return fmt.Errorf("the cluster for many subtasks: %w", err)
	}
	defer c.close()
	fmt.Printf("\n28-byte records, 200 subtasks (100 sources, keyBy, 100 receivers, in two workers) against 2 subtasks (in one worker)\n")
	fmt.Printf("%-14s %10s %28s %14s %22s\n", "receivers", "subtasks", "M records/s (least, most)", "CPU ns/record", "of 2 subtasks")
	for _, kind := range []struct {
		name  string
		keyed bool
	}{{"add up", false}, {"keyed state", true}} {
		runs := map[int][]result{}
		for round := range o.rounds {
			for _, parallelism := range manyWays {
				o.say("%s, round %d of %d: %d subtasks", kind.name, round+1, o.rounds, 2*parallelism)
				r, err := c.run(ctx, jobOrder{Bytes: 28, Records: int64(o.records), Keyed: kind.keyed}, parallelism, min(parallelism, taskManagers))
				if err == nil {
					err = c.idle(ctx)
				}
				if err != nil {
					return fmt.Errorf("%d subtasks, %s: %w", 2*parallelism, kind.name, err)
				}
				runs[parallelism] = append(runs[parallelism], r)
			}
		}
		few := stats.Of(runs[manyWays[0]], result.rate)
		for _, parallelism := range manyWays {
			fmt.Printf("%-14s %10d %28s %14.0f %22s\n", kind.name, 2*parallelism, millions(runs[parallelism]), nanosPerRecord(runs[parallelism]),
				spread(stats.Ratios(stats.Of(runs[parallelism], result.rate), few)))
		}
	}
	return nil
}

// manyWays are the parallelisms compared.
var manyWays = []int{1, taskManagers * manySlots}
