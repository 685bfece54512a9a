package clock

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"
)

// Manual is a clock that stands still until it is advanced. Timers fire during [Manual.Advance] only, one after the other in the order of
// their times, and among equal times in the order in which they were set; the same calls give the same order every time.
//
// A test that waits for another goroutine to have set its timer uses [Manual.WaitTimers] before it advances.
type Manual struct {
	advancing sync.Mutex // held over a whole Advance, so that two of them do not interleave their timers

	mu      sync.Mutex
	start   time.Time
	now     time.Time
	timers  timerHeap
	lastSeq uint64
	waiters []waiter
}

type waiter struct {
	timers  int
	reached chan struct{}
}

// NewManual returns a clock that shows start.
func NewManual(start time.Time) *Manual {
	start = start.Round(0) // without the monotonic reading, which would not follow Advance
	return &Manual{start: start, now: start}
}

// Now returns the time the clock was set to.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Since returns how far the clock is past t.
func (m *Manual) Since(t time.Time) time.Duration { return m.Now().Sub(t) }

// Nanos returns the nanoseconds advanced since the clock was made.
func (m *Manual) Nanos() int64 { return int64(m.Since(m.start)) }

// Sleep waits until the clock has been advanced by d or ctx is done. It counts as a timer for [Manual.WaitTimers].
func (m *Manual) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, m, d) }

// NewTimer returns a timer that fires when the clock has been advanced by d, or at once if d is not positive.
func (m *Manual) NewTimer(d time.Duration) Timer {
	t := &manualTimer{clock: m, channel: make(chan time.Time, 1), index: unset}
	t.Reset(d)
	return t
}

// AfterFunc calls f on the goroutine that advances the clock by d. If d is not positive, the next Advance calls it, also Advance(0). f may
// set and stop timers, and those that become due within the same Advance fire in it; it must not advance the clock.
func (m *Manual) AfterFunc(d time.Duration, f func()) Timer {
	t := &manualTimer{clock: m, call: f, index: unset}
	t.Reset(d)
	return t
}

// Advance moves the clock forward by d and fires the timers that become due, each at its own time. It returns when all have fired.
// A negative d panics: time does not go back.
func (m *Manual) Advance(d time.Duration) {
	if d < 0 {
		panic(fmt.Sprintf("clock: Advance(%v): time does not go back", d))
	}
	m.advancing.Lock()
	defer m.advancing.Unlock()
	target := m.Now().Add(d)
	for {
		t := m.stepTo(target)
		if t == nil {
			return
		}
		t.call()
	}
}

// stepTo fires due channel timers until it meets a function, which it returns for the caller to call without the lock. It returns nil when
// the clock shows target and nothing is left to fire.
func (m *Manual) stepTo(target time.Time) *manualTimer {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.timers) > 0 && !m.timers[0].at.After(target) {
		t := heap.Pop(&m.timers).(*manualTimer)
		if t.at.After(m.now) {
			m.now = t.at
		}
		if t.call != nil {
			return t
		}
		t.channel <- m.now
	}
	m.now = target
	return nil
}

// Next returns the time of the earliest timer, and false if there is none. A simulation jumps from one to the next.
func (m *Manual) Next() (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.timers) == 0 {
		return time.Time{}, false
	}
	return m.timers[0].at, true
}

// Timers returns how many timers wait to fire.
func (m *Manual) Timers() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.timers)
}

// WaitTimers returns when at least n timers wait to fire. If ctx is done before that, the error says how many there are.
func (m *Manual) WaitTimers(ctx context.Context, n int) error {
	m.mu.Lock()
	if len(m.timers) >= n {
		m.mu.Unlock()
		return nil
	}
	reached := make(chan struct{})
	m.waiters = append(m.waiters, waiter{timers: n, reached: reached})
	m.mu.Unlock()

	select {
	case <-reached:
		return nil
	case <-ctx.Done():
		m.forget(reached)
		return fmt.Errorf("clock: waiting for %d timers, %d are set: %w", n, m.Timers(), ctx.Err())
	}
}

func (m *Manual) forget(reached chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, w := range m.waiters {
		if w.reached == reached {
			m.waiters = append(m.waiters[:i], m.waiters[i+1:]...)
			return
		}
	}
}

func (m *Manual) wakeWaiters() {
	rest := m.waiters[:0]
	for _, w := range m.waiters {
		if len(m.timers) >= w.timers {
			close(w.reached)
		} else {
			rest = append(rest, w)
		}
	}
	m.waiters = rest
}

// unset is the heap index of a timer that is not waiting.
const unset = -1

// manualTimer has either a channel or a function. All fields but these two are guarded by the clock's lock.
type manualTimer struct {
	clock   *Manual
	channel chan time.Time
	call    func()
	at      time.Time
	seq     uint64
	index   int
}

func (t *manualTimer) C() <-chan time.Time { return t.channel }

func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.stop()
}

// stop counts a value that fired but was not received as not fired, as the timers of package time do.
func (t *manualTimer) stop() bool {
	if t.index != unset {
		heap.Remove(&t.clock.timers, t.index)
		return true
	}
	select {
	case <-t.channel: // never ready for a function's timer, whose channel is nil
		return true
	default:
		return false
	}
}

func (t *manualTimer) Reset(d time.Duration) bool {
	m := t.clock
	m.mu.Lock()
	defer m.mu.Unlock()
	running := t.stop()
	if d <= 0 && t.channel != nil {
		t.channel <- m.now
		return running
	}
	m.lastSeq++
	t.at, t.seq = m.now.Add(max(d, 0)), m.lastSeq
	heap.Push(&m.timers, t)
	m.wakeWaiters()
	return running
}

// timerHeap is ordered by time, then by the order of setting.
type timerHeap []*manualTimer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*manualTimer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.index = unset
	return t
}
