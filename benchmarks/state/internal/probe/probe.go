// Package probe has the sink that times a run from inside: it stands in the task whose state is measured.
package probe

import (
	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/benchmarks/internal/resident"
	"github.com/weir-stream/weir/benchmarks/state/internal/workload"
	"github.com/weir-stream/weir/runtime/element"
)

// Seen is what a probe has seen. It is complete once the job has finished.
type Seen struct {
	// Watch has the times of the phases.
	*Watch
	// Records counts all results. Sum is a checksum of those that the plan wants checked, and does not depend on their order.
	Records int64
	Sum     uint64
	// Loading and Steady are the thread's CPU times of the batches while new keys come and after it.
	Loading, Steady Times
	// Before and After are the memory of the process at the start and after the last record, when garbage was collected.
	Before, After resident.Memory
}

// Sink counts results and times batches. There is one subtask.
func Sink[T any](seen *Seen, plan workload.Plan, sum func(T) uint64) connector.Sink[T] {
	return sink[T]{seen, plan, sum}
}

type sink[T any] struct {
	seen *Seen
	plan workload.Plan
	sum  func(T) uint64
}

func (sink[T]) Name() string { return "Probe" }

func (s sink[T]) NewWriter(connector.WriterContext) (connector.Writer[T], error) {
	return &writer[T]{sink: s}, nil
}

type writer[T any] struct {
	sink[T]
	batches *Batches
}

// Open ties the task to its thread, so that the thread's CPU time is the task's.
func (w *writer[T]) Open() (err error) {
	if w.batches, err = NewBatches(); err != nil {
		return err
	}
	w.seen.Before, err = settled()
	w.seen.Watch = NewWatch(w.plan)
	return err
}

// Write counts a batch.
func (w *writer[T]) Write(batch *element.Batch[T]) error {
	seen := w.seen
	if err := w.batches.Add(seen.Watch.Loading()); err != nil {
		return err
	}
	seen.Records += int64(len(batch.Values))
	for left := batch.Values; len(left) > 0; {
		n, checked := seen.Next(len(left))
		if checked {
			for _, v := range left[:n] {
				seen.Sum += w.sum(v)
			}
		}
		left = left[n:]
	}
	return nil
}

// Flush ends the measurement while the state is still there.
func (w *writer[T]) Flush(endOfInput bool) (err error) {
	if !endOfInput {
		return nil
	}
	w.seen.Loading, w.seen.Steady = w.batches.Times()
	w.seen.After, err = settled()
	return err
}

// Close implements connector.Writer.
func (w *writer[T]) Close() error { return nil }

// settled is the memory of the process once the collector has given back what it can.
func settled() (resident.Memory, error) {
	freeMemory()
	return resident.Own()
}
