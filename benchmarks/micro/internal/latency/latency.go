// Package latency measures how long after its scheduled time a record of an unloaded pipeline reaches the sink, and how long
// the same schedule takes with no engine behind its source.
//
// Both sides are paced by the generator source of the engine, its reader driven by its own contract, read the same clock, wait
// with one timer and a select for each subtask, and note the time once per batch that has arrived. What differs is
// what lies between: with the engine the task with its mailbox, the exchange to the keyed subtask, which wakes for it, and the
// count in keyed state; without it nothing. So the difference is what the engine adds; how late the
// machine's timers are is in both.
package latency

import (
	"math"
	"slices"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
	"github.com/weir-stream/weir/runtime/clock"
)

// Order says what to measure.
type Order struct {
	PerSecond   float64
	Seconds     float64
	Parallelism int
}

// Outcome has nanoseconds.
type Outcome struct {
	// Late is from the scheduled time of a record to its arrival, Way from when the source has made it.
	Late, Way Quantiles
	Records   int
}

// Quantiles of a duration.
type Quantiles struct{ P50, P99, P999 int64 }

// warmUp is the share of the records, the first ones, that are not counted: tables grow and code is run first there.
const warmUp = 0.1

// keys is how many distinct keys there are.
const keys = 10_000

func (o Order) records() int64 { return int64(o.PerSecond * o.Seconds) }

// event is a record that knows when it was due.
type event struct {
	Key, Index int64
	// Due and Made are readings of the clock's Nanos.
	Due, Made int64
}

// source makes events on schedule. When a subtask's schedule began is seen from its events: none is made before it is due, so
// it began no later than each of them says. The first alone could have been held up between the source's look at the clock and here.
func (o Order) source(c clock.Clock) datagen.Source[event] {
	return datagen.GenerateWith(o.records(), func(int) func(int64) event {
		origin := int64(math.MaxInt64)
		return func(index int64) event {
			now, after := c.Nanos(), int64(float64(index)*1e9/o.PerSecond)
			origin = min(origin, now-after)
			return event{Key: index * 7919 % keys, Index: index, Due: origin + after, Made: now}
		}
	}).Rate(o.PerSecond)
}

// recorder keeps what one subtask of a sink sees.
type recorder struct {
	clock     clock.Clock
	first     int64 // the index of the first record that counts
	late, way []int64
}

// newRecorder has room for all records, so that nothing is allocated while it is measured.
func (o Order) newRecorder(c clock.Clock) *recorder {
	return &recorder{clock: c, first: int64(float64(o.records()) * warmUp), late: make([]int64, 0, o.records()), way: make([]int64, 0, o.records())}
}

// arrived takes the records of a batch.
func (r *recorder) arrived(batch []event) {
	now := r.clock.Nanos()
	for i := range batch {
		if batch[i].Index >= r.first {
			r.late = append(r.late, now-batch[i].Due)
			r.way = append(r.way, now-batch[i].Made)
		}
	}
}

func outcome(recorders []*recorder) Outcome {
	var late, way []int64
	for _, r := range recorders {
		late, way = append(late, r.late...), append(way, r.way...)
	}
	return Outcome{quantiles(late), quantiles(way), len(late)}
}

func quantiles(of []int64) Quantiles {
	slices.Sort(of)
	return Quantiles{stats.Quantile(of, 0.5), stats.Quantile(of, 0.99), stats.Quantile(of, 0.999)}
}
