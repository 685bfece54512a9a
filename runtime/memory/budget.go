// Package memory divides the memory that a process may use. [Detect] finds the limit, [Apply] tells Go's collector, and a [Budget] has the
// shares of those parts of the runtime that could otherwise grow without end: state tables, network buffers, and the caches of the managed
// store. They reserve what they use and do something about a refusal (spill, wait); the rest is left to user code. Nothing is to be tuned.
package memory

import (
	"fmt"
	"math"
	"runtime/debug"
	"sync/atomic"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/invariant"
)

// GoMemory returns what the Go runtime should be told of the limit: nine tenths of an enforced one, since the collector lets the heap pass its
// limit for a moment and does not count the binary's own pages; all of one that nobody enforces.
func (l Limit) GoMemory() int64 {
	if l.Enforced {
		return l.Bytes - l.Bytes/10
	}
	return l.Bytes
}

// Apply makes bytes the soft limit of Go's memory (GOMEMLIMIT) and returns the limit that now holds. It never raises a limit that is set
// already, by the environment or an earlier call.
func Apply(bytes int64) int64 {
	if before := debug.SetMemoryLimit(-1); before <= bytes {
		return before
	}
	debug.SetMemoryLimit(bytes)
	return bytes
}

// Change makes bytes the soft limit of Go's memory, more or less than it was, and has what is over given back to the system.
func Change(bytes int64) {
	if before := debug.SetMemoryLimit(bytes); bytes < before {
		debug.FreeOSMemory()
	}
}

// Budget has the shares of a process.
type Budget struct {
	State   Share // state tables: one half
	Network Share // batches and frames between tasks: an eighth
	Managed Share // caches and write buffers of the managed store (Pebble): an eighth
}

// NewBudget divides total bytes; a quarter of them is no share, and is left to user code and the runtime itself.
func NewBudget(total int64) *Budget {
	return &Budget{
		State: Share{name: "state", limit: total / 2,
			advice: "give the process more memory, or spread the job over more TaskManagers"},
		Network: Share{name: "network", limit: total / 8,
			advice: "give the process more memory, lower " + config.BatchMemory.Key() + ", or run fewer subtasks in one process"},
		Managed: Share{name: "managed", limit: total / 8,
			advice: "give the process more memory, or run fewer subtasks in one process"},
	}
}

// Usage is what a share shows in metrics.
type Usage struct {
	Share             string
	Used, Limit, Peak int64 // bytes
}

// Usage returns the usage of all shares.
func (b *Budget) Usage() []Usage {
	return []Usage{b.State.Usage(), b.Network.Usage(), b.Managed.Usage()}
}

// Share is a part of the budget. Reserving is bookkeeping: it allocates nothing. Any goroutine may use it; reserve in large pieces, not
// per record.
type Share struct {
	name, advice string
	limit        int64
	used, peak   atomic.Int64
}

// Reserve takes bytes from the share, all or none. It fails with an [*Exceeded] if they are not there; what to do then is up to the caller.
func (s *Share) Reserve(bytes int64) error {
	invariant.Check(bytes >= 0, "memory share %s: reserving %d bytes", s.name, bytes)
	for {
		used := s.used.Load()
		if bytes > s.limit-used {
			return &Exceeded{Share: s.name, Requested: bytes, Used: used, Limit: s.limit, advice: s.advice}
		}
		if s.used.CompareAndSwap(used, used+bytes) {
			s.raisePeak(used + bytes)
			return nil
		}
	}
}

func (s *Share) raisePeak(used int64) {
	for {
		peak := s.peak.Load()
		if used <= peak || s.peak.CompareAndSwap(peak, used) {
			return
		}
	}
}

// Release gives back bytes that were reserved.
func (s *Share) Release(bytes int64) {
	left := s.used.Add(-bytes)
	invariant.Check(bytes >= 0 && left >= 0, "memory share %s: releasing %d bytes leaves %d", s.name, bytes, left)
}

// Limit returns the size of the share in bytes.
func (s *Share) Limit() int64 { return s.limit }

// Used returns the bytes that are reserved.
func (s *Share) Used() int64 { return s.used.Load() }

// Usage returns the usage of the share.
func (s *Share) Usage() Usage {
	return Usage{Share: s.name, Used: s.used.Load(), Limit: s.limit, Peak: s.peak.Load()}
}

// Exceeded is the error of a share that has not enough left.
type Exceeded struct {
	Share                  string
	Requested, Used, Limit int64 // bytes
	advice                 string
}

// Error names the share, its limit and what to do.
func (e *Exceeded) Error() string {
	return fmt.Sprintf("memory for %s is full: %s more is asked for, %s of %s are in use; %s",
		e.Share, inUnits(e.Requested), inUnits(e.Used), inUnits(e.Limit), e.advice)
}

// inUnits writes bytes for people, rounded to a tenth.
func inUnits(bytes int64) string {
	unit, name := 1.0, "bytes"
	for _, next := range []string{"kb", "mb", "gb", "tb"} {
		if math.Abs(float64(bytes)) < 1024*unit {
			break
		}
		unit, name = unit*1024, next
	}
	return fmt.Sprintf("%.4g %s", math.Round(float64(bytes)/unit*10)/10, name)
}
