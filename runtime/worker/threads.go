package worker

import (
	"context"
	"math"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
)

// Threads runs what a host does beside each other: its loops, its subtasks, its uploads. In production these are goroutines, and there is
// no Threads; a simulation has them take turns, so that a run can be repeated.
type Threads interface {
	// Go runs f beside the caller. It does not wait.
	Go(f func())
	// Wait returns some time after ready has come to report true or the clock's Nanos have reached until. Only what was started by Go may
	// call it; ready must not block.
	Wait(until int64, ready func() bool)
}

// never is a time by the clock's Nanos that does not come.
const never = math.MaxInt64

// sleep returns how a task waits for its waker, nil for the way of goroutines.
func sleep(threads Threads) func(signal <-chan struct{}, until int64) {
	if threads == nil {
		return nil
	}
	return func(signal <-chan struct{}, until int64) {
		threads.Wait(until, func() bool { return len(signal) > 0 })
	}
}

// pause returns how what runs beside a host's loop waits for some time.
func pause(threads Threads, c clock.Clock) func(ctx context.Context, d time.Duration) error {
	if threads == nil {
		return c.Sleep
	}
	return func(ctx context.Context, d time.Duration) error {
		threads.Wait(c.Nanos()+int64(d), func() bool { return ctx.Err() != nil })
		return ctx.Err()
	}
}
