// Package probe has the sink that times a run from inside: it stands in the task whose state is measured.
package probe

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/benchmarks/internal/resident"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
	"github.com/weir-stream/weir/runtime/element"
)

// Seen is what a probe has seen. It is complete once the job has finished.
type Seen struct {
	// Records counts all results, Sum is a checksum of them that does not depend on their order.
	Records int64
	Sum     uint64
	// Began and Ended are when the first result after the warm-up and the last one came.
	Began, Ended time.Time
	// Loading and Steady are the thread's CPU times of the batches in the warm-up and after it.
	Loading, Steady Times
	// Before and After are the memory of the process at the start and after the last record, when garbage was collected.
	Before, After resident.Memory
}

// Times are CPU nanoseconds of one batch.
type Times struct {
	Batches        int
	P50, P999, Max int64
}

// Sink counts results and times batches. The first warmUp of them are not part of the steady phase. There is one subtask.
func Sink[T any](seen *Seen, warmUp int64, sum func(T) uint64) connector.Sink[T] {
	return sink[T]{seen, warmUp, sum}
}

type sink[T any] struct {
	seen   *Seen
	warmUp int64
	sum    func(T) uint64
}

func (sink[T]) Name() string { return "Probe" }

func (s sink[T]) NewWriter(connector.WriterContext) (connector.Writer[T], error) {
	return &writer[T]{sink: s}, nil
}

type writer[T any] struct {
	sink[T]
	last            int64
	loading, steady []int64
}

// Open ties the task to its thread, so that the thread's CPU time is the task's.
func (w *writer[T]) Open() (err error) {
	runtime.LockOSThread()
	w.last, err = threadNanos()
	if err == nil {
		w.seen.Before, err = settled()
	}
	w.loading = make([]int64, 0, 1<<16)
	w.steady = make([]int64, 0, 1<<16)
	return err
}

// Write counts a batch.
func (w *writer[T]) Write(batch *element.Batch[T]) error {
	now, err := threadNanos()
	if err != nil {
		return err
	}
	spent := now - w.last
	w.last = now
	seen := w.seen
	if seen.Records < w.warmUp {
		w.loading = append(w.loading, spent)
	} else {
		if seen.Began.IsZero() {
			seen.Began = time.Now()
		}
		w.steady = append(w.steady, spent)
	}
	seen.Records += int64(len(batch.Values))
	for _, v := range batch.Values {
		seen.Sum += w.sum(v)
	}
	return nil
}

// Flush ends the measurement while the state is still there.
func (w *writer[T]) Flush(endOfInput bool) (err error) {
	if !endOfInput {
		return nil
	}
	w.seen.Ended = time.Now()
	w.seen.Loading, w.seen.Steady = summarize(w.loading), summarize(w.steady)
	w.seen.After, err = settled()
	return err
}

// Close implements connector.Writer.
func (w *writer[T]) Close() error { return nil }

func summarize(nanos []int64) Times {
	slices.Sort(nanos)
	return Times{len(nanos), stats.Quantile(nanos, 0.5), stats.Quantile(nanos, 0.999), stats.Quantile(nanos, 1)}
}

// settled is the memory of the process once the collector has given back what it can.
func settled() (resident.Memory, error) {
	freeMemory()
	return resident.Own()
}

func threadNanos() (int64, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("thread CPU time: %w", err)
	}
	return t.Nano(), nil
}
