// Package clock is the runtime's only source of time and timers. Everything that waits or measures takes a [Clock], so that a test or a
// simulation can turn time by hand ([Manual]) and a run depends on nothing it was not given.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and makes timers. All methods may be called from any goroutine.
type Clock interface {
	// Now returns the wall clock's time, for timestamps that people or other machines read. It may jump when the machine's clock is set.
	Now() time.Time
	// Since returns the time that has passed since t. It is monotonic if t came from Now of the same clock.
	Since(t time.Time) time.Duration
	// Nanos returns nanoseconds since an arbitrary fixed point in this process; it never goes back. It is the cheapest way to measure,
	// meant to be read once per batch.
	Nanos() int64
	// NewTimer returns a timer whose channel receives the time once, when d has passed. Zero or less means at once.
	NewTimer(d time.Duration) Timer
	// AfterFunc calls f once, when d has passed, on a goroutine of the clock. f must not block. The timer's C is nil.
	AfterFunc(d time.Duration, f func()) Timer
	// Sleep waits until d has passed or ctx is done, and returns ctx's error in the latter case. Zero or less does not wait.
	Sleep(ctx context.Context, d time.Duration) error
}

// Timer is a single event in the future, made by [Clock.NewTimer] or [Clock.AfterFunc].
type Timer interface {
	// C receives the time when the timer fires. After Stop or Reset it never yields a value from before that call.
	C() <-chan time.Time
	// Stop reports whether it kept the timer from firing. A function of AfterFunc that has begun is not waited for.
	Stop() bool
	// Reset makes the timer fire once, d from now, whether or not it has fired before. It reports whether the timer was still running.
	Reset(d time.Duration) bool
}

// System returns the clock of the machine.
func System() Clock { return system{} }

// sleep is Sleep for any clock whose timers work.
func sleep(ctx context.Context, c Clock, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	timer := c.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
