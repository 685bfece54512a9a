package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/weir-stream/weir/benchmarks/killtest/internal/ledger"
	"github.com/weir-stream/weir/runtime/failpoint"
)

// tally counts what has happened.
type tally struct {
	// kills are those while the source was paced, atEnd those at the end of the input.
	kills, atEnd       int
	restores, rescales int
	// stored counts the lives in which Pebble had tables.
	stored             int
	checkpoints, hurts uint64
	// faults counts those that have befallen a cluster.
	faults map[fault]int
	// phases is how many kills came when a point was the last that had been reached.
	phases map[string]int
	torn   map[string]int
	// parallelism is that of the last life that has restored state.
	parallelism int
	// underFire is what was visible when the paced job had been killed for the last time, beforeLast before the life that nobody disturbed.
	underFire, beforeLast progress
}

// phases say what a process does after a point.
var phases = map[failpoint.Point]string{
	failpoint.Claiming:      "claiming the log",
	failpoint.Restoring:     "restored, no checkpoint yet",
	failpoint.Triggered:     "triggered",
	failpoint.Aligning:      "aligning",
	failpoint.Copying:       "copying",
	failpoint.Uploading:     "uploading",
	failpoint.Acknowledging: "before an acknowledgement",
	failpoint.Acknowledged:  "after an acknowledgement",
	failpoint.Describing:    "writing the metadata",
	failpoint.Completing:    "before the slot that completes",
	failpoint.Completed:     "complete, nobody told",
	failpoint.Notified:      "told, before commit",
	failpoint.Committing:    "in commit, or after it",
	failpoint.Releasing:     "releasing",
	failpoint.Deleting:      "between checkpoints",
	failpoint.Ending:        "ending",
}

// add counts a life that ended by a kill.
func (t *tally) add(l life, page ledger.Page) {
	phase := "starting"
	if last, any := page.Last(); any {
		phase = phases[last]
	}
	if page.Ended {
		phase += ", at the end of the input"
	}
	if l.paced {
		t.kills++
	} else {
		t.atEnd++
	}
	if t.phases == nil {
		t.phases = map[string]int{}
	}
	t.phases[phase]++
	t.live(l, page)
}

// live counts a life, however it ended.
func (t *tally) live(l life, page ledger.Page) {
	t.checkpoints += page.Count(failpoint.Completed)
	t.hurts += page.Hurts
	if l.panics > 0 && page.Count(failpoint.Triggered) > 0 {
		t.hurts++
	}
	if page.Count(failpoint.Restoring) == 0 {
		return
	}
	t.restores++
	if t.parallelism != 0 && t.parallelism != l.parallelism {
		t.rescales++
	}
	t.parallelism = l.parallelism
}

func (t *tally) tear(what string) {
	if t.torn == nil {
		t.torn = map[string]int{}
	}
	t.torn[what]++
}

func (t *tally) print(out io.Writer) {
	fmt.Fprintln(out, "kills by what the job was doing:")
	for _, phase := range slices.SortedFunc(maps.Keys(t.phases), func(a, b string) int { return t.phases[b] - t.phases[a] }) {
		fmt.Fprintf(out, "%6d  %s\n", t.phases[phase], phase)
	}
	if t.hurts > 0 {
		fmt.Fprintf(out, "%6d  times the job has hurt itself and gone on\n", t.hurts)
	}
	if t.stored > 0 {
		fmt.Fprintf(out, "%6d  times Pebble had tables of state, which it had written or taken in from a checkpoint\n", t.stored)
	}
	for _, what := range slices.Sorted(maps.Keys(t.torn)) {
		fmt.Fprintf(out, "%6d  %s\n", t.torn[what], what)
	}
}
