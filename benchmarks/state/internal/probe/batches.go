package probe

import (
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/weir-stream/weir/benchmarks/internal/stats"
)

// Times are CPU nanoseconds of one batch.
type Times struct {
	Batches        int
	P50, P999, Max int64
}

// Batches takes the CPU time of each batch that a thread works on.
type Batches struct {
	last            int64
	loading, steady []int64
}

// NewBatches ties the calling goroutine to its thread.
func NewBatches() (*Batches, error) {
	runtime.LockOSThread()
	last, err := threadNanos()
	return &Batches{last, make([]int64, 0, 1<<16), make([]int64, 0, 1<<16)}, err
}

// Add says that another batch is done, with keys that had not come before or with others.
func (b *Batches) Add(loading bool) error {
	now, err := threadNanos()
	if err != nil {
		return err
	}
	spent := now - b.last
	b.last = now
	if loading {
		b.loading = append(b.loading, spent)
	} else {
		b.steady = append(b.steady, spent)
	}
	return nil
}

// Times sums up; it comes last.
func (b *Batches) Times() (loading, steady Times) { return summarize(b.loading), summarize(b.steady) }

func summarize(nanos []int64) Times {
	slices.Sort(nanos)
	return Times{len(nanos), stats.Quantile(nanos, 0.5), stats.Quantile(nanos, 0.999), stats.Quantile(nanos, 1)}
}

func threadNanos() (int64, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("thread CPU time: %w", err)
	}
	return t.Nano(), nil
}
