package sim

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// maxFailures is how many seeds may fail before no more are run.
const maxFailures = 10

// RunMany runs n seeds from one on, as many at once as there are processors, and calls failed with each that breaks an invariant, in no
// order, one at a time. It returns what has happened in all of them.
func RunMany(from uint64, n int, o Options, failed func(Result)) (counts Counts) {
	var next, failures atomic.Int64
	var mu sync.Mutex
	var running sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && failures.Load() < maxFailures; i = next.Add(1) - 1 {
				r := Run(from+uint64(i), o)
				mu.Lock()
				counts.Add(r.Counts)
				if r.Violation != nil {
					failures.Add(1)
					failed(r)
				}
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return counts
}
