package connectortest

import (
	"testing"

	"github.com/weir-stream/weir/api/connector"
)

// A source is stopped at most at mostPositions places, spread over its records, and if it has many at fewer, since each takes a whole
// run: about mostRecords are read in all.
const (
	mostPositions = 128
	mostRecords   = 200_000
)

// checkPositions stops the source after each of its records in turn (some of them, if there are many), takes a checkpoint there, lets it go
// on for a while, loses that, and restores it, each time at another parallelism and with the splits dealt out anew.
func checkPositions[T comparable](t testing.TB, source connector.Source[T], want []T, expected map[record[T]]int, parallelisms []int) {
	t.Helper()
	n := min(len(want), mostPositions, max(8, mostRecords/max(1, len(want))))
	for i := range n + 1 {
		at := len(want)
		if i < n {
			at = i * len(want) / n
		}
		j := newJob(t, source, want, parallelisms, random(i))
		before := parallelisms[i%len(parallelisms)]
		got := j.runStoppedAt(before, at)
		if err := difference(source.Bounded(), expected, got); err != nil {
			t.Fatalf("parallelism %d, restored after record %d at parallelism %d: %v", before, at, len(j.readers), err)
		}
	}
}

// runStoppedAt is run with one restore, from a checkpoint taken when so many records were emitted.
func (j *job[T]) runStoppedAt(parallelism, records int) map[record[T]]int {
	j.t.Helper()
	j.start(parallelism)
	j.single = true
	for j.count() < records && j.step() {
	}
	j.single = false
	j.checkpoint()
	for range j.random.below(40) {
		if !j.step() {
			break
		}
	}
	j.failAll()
	return j.finish(0)
}

func (j *job[T]) count() int {
	n := len(j.committed)
	for _, s := range j.readers {
		n += len(s.emitted)
	}
	return n
}
