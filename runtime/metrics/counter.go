package metrics

import "sync/atomic"

// Counter counts events of one goroutine, its owner; any goroutine may read it. Add is a load and a store without a read-modify-write
// cycle, so two goroutines that both add lose counts: they need a [SharedCounter]. An atomic store is not free either (on amd64 it waits
// for the store buffer, as a locked add does), so hot paths add once per batch.
type Counter struct {
	value atomic.Uint64
	_     [56]byte // counters of different owners do not share a cache line
}

// Add adds n. Only the owner may call it.
func (c *Counter) Add(n uint64) { c.value.Store(c.value.Load() + n) }

// Count returns the sum of what was added.
func (c *Counter) Count() int64 { return int64(c.value.Load()) }

// SharedCounter is a counter that any goroutine may change. It may go down, like Flink's.
type SharedCounter struct {
	value atomic.Int64
}

// Add adds n, which may be negative.
func (c *SharedCounter) Add(n int64) { c.value.Add(n) }

// Inc adds one.
func (c *SharedCounter) Inc() { c.value.Add(1) }

// Dec subtracts one.
func (c *SharedCounter) Dec() { c.value.Add(-1) }

// Count returns the sum of what was added.
func (c *SharedCounter) Count() int64 { return c.value.Load() }
