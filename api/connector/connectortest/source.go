// Package connectortest checks sources and sinks against their contracts, for the tests of connectors. What it drives runs
// on one goroutine under a seed, so that a failure repeats.
package connectortest

import (
	"fmt"
	"testing"

	"github.com/weir-stream/weir/api/connector"
)

// seeds is how many disturbed runs CheckSource makes at each parallelism.
const seeds = 16

// CheckSource runs the source as a job would, at several parallelisms, and checks that the records are want in any order, each
// exactly once (for an unbounded source: that want is among them and nothing comes twice, so want has to be distinct).
// It then runs it again and again with snapshots, failures of a reader or of all, and restores at another parallelism,
// at random points, and checks that each such run yields what the undisturbed one did, event times included. Last it kills the
// source after each of its records, or after some all along if there are many, and checks that what came before the snapshot and what
// comes after the restore are all records.
//
// It also checks the manners of a reader: never more records than there is room for, no wait that nobody ends, no end before
// the last split, snapshots whose splits are distinct; and of one that tells its splits that it does so for all its records, of
// splits that it was given, each of which it finishes once, and has in its snapshots until then.
func CheckSource[T comparable](t testing.TB, source connector.Source[T], want []T) {
	t.Helper()
	parallelisms := []int{1, 2, 3, 7}
	if limit, ok := source.(connector.ParallelismLimit); ok && limit.MaxReaders() > 0 {
		parallelisms = within(parallelisms, limit.MaxReaders())
	}
	undisturbed := newJob(t, source, want, parallelisms, 0)
	expected := undisturbed.run(parallelisms[0], 0)
	checkValues(t, source, expected, want)
	for _, parallelism := range parallelisms {
		for seed := range seeds {
			disturbances := min(seed, 8)
			got := newJob(t, source, want, parallelisms, random(seed)).run(parallelism, disturbances)
			if err := difference(source.Bounded(), expected, got); err != nil {
				t.Fatalf("parallelism %d, seed %d, up to %d disturbances: %v", parallelism, seed, disturbances, err)
			}
		}
	}
	checkPositions(t, source, want, expected, parallelisms)
}

func within(parallelisms []int, limit int) []int {
	var kept []int
	for _, p := range parallelisms {
		if p <= limit {
			kept = append(kept, p)
		}
	}
	return kept
}

func checkValues[T comparable](t testing.TB, source connector.Source[T], got map[record[T]]int, want []T) {
	t.Helper()
	values := map[record[T]]int{}
	for r, n := range got {
		values[record[T]{value: r.value}] += n
	}
	wanted := map[record[T]]int{}
	for _, value := range want {
		wanted[record[T]{value: value}]++
	}
	if err := difference(source.Bounded(), wanted, values); err != nil {
		t.Fatalf("undisturbed: %v", err)
	}
}

// record is what a reader emitted.
type record[T comparable] struct {
	value     T
	timestamp int64
}

// difference compares how often each record came. An unbounded source may have gone further.
func difference[T comparable](bounded bool, want, got map[record[T]]int) error {
	for r, n := range want {
		if m := got[r]; m != n && (bounded || m > 1) {
			return fmt.Errorf("record %s (event time %d) came %d times instead of %d", shown(r.value), r.timestamp, m, n)
		}
	}
	for r, n := range got {
		if _, ok := want[r]; !ok && (bounded || n > 1) {
			return fmt.Errorf("record %s (event time %d) came %d times, and should not at all", shown(r.value), r.timestamp, n)
		}
	}
	return nil
}

// shown is the beginning of a record for a message.
func shown(value any) string {
	text := fmt.Sprint(value)
	if len(text) > 100 {
		text = text[:100] + "..."
	}
	return fmt.Sprintf("%q", text)
}
