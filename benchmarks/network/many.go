package main

import (
	"context"
	"fmt"

	"github.com/weir-stream/weir/benchmarks/internal/stats"
)

// manySlots are those of each of the two TaskManagers: a job of 100 sources and 100 receivers fills them all.
const manySlots = 50

// crowd is a job of some subtasks.
type crowd struct {
	name                 string
	on                   *cluster
	parallelism, workers int
	apart                bool
}

// many compares jobs of 2 and of 200 subtasks on two processors: a source and what it sends to by key, once, and a hundred times, in one worker or in two. The
// receivers add up, or count in keyed state as well.
func (o options) many(ctx context.Context) error {
	together, err := o.cluster(ctx, "cluster-many", manySlots)
	if err != nil {
		return fmt.Errorf("the cluster for many subtasks: %w", err)
	}
	defer together.close()
	apart, err := o.cluster(ctx, "cluster-two", 1)
	if err != nil {
		return fmt.Errorf("the cluster for two subtasks: %w", err)
	}
	defer apart.close()
	dense, err := o.cluster(ctx, "cluster-dense", taskManagers*manySlots)
	if err != nil {
		return fmt.Errorf("the cluster for many subtasks in one worker: %w", err)
	}
	defer dense.close()
	crowds := []crowd{
		{"2 in one worker", together, 1, 1, false},
		{"2 in two workers", apart, 1, 2, true},
		{"200 in one worker", dense, taskManagers * manySlots, 1, false},
		{"200 in two workers", together, taskManagers * manySlots, 2, false},
	}
	fmt.Printf("\n28-byte records from sources by key to as many receivers\n")
	fmt.Printf("%-12s %-20s %28s %14s %24s %24s\n", "receivers", "subtasks", "M records/s (least, most)", "CPU ns/record", "of 2 in one worker", "of 2 in two workers")
	for _, keyed := range []bool{false, true} {
		runs := make([][]result, len(crowds))
		for round := range o.rounds {
			for i, w := range crowds {
				o.say("keyed state %v, round %d of %d: %s", keyed, round+1, o.rounds, w.name)
				r, err := w.on.run(ctx, jobOrder{Bytes: 28, Records: int64(o.records), Keyed: keyed, Apart: w.apart}, w.parallelism, w.workers)
				if err != nil {
					return fmt.Errorf("subtasks, %s: %w", w.name, err)
				}
				runs[i] = append(runs[i], r)
			}
		}
		reportMany(map[bool]string{false: "add up", true: "keyed state"}[keyed], crowds, runs)
	}
	return nil
}

func reportMany(receivers string, crowds []crowd, runs [][]result) {
	one, two := stats.Of(runs[0], result.rate), stats.Of(runs[1], result.rate)
	for i, w := range crowds {
		rates := stats.Of(runs[i], result.rate)
		fmt.Printf("%-12s %-20s %28s %14.0f %24s %24s\n", receivers, w.name, millions(runs[i]), nanosPerRecord(runs[i]), spread(stats.Ratios(rates, one)), spread(stats.Ratios(rates, two)))
	}
}
