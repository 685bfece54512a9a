package worker

import (
	"sync"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/task"
)

// registerTimes lists how a task spends its time, under Flink's names: milliseconds of each second, and totals.
func registerTimes(group *metrics.Group, c clock.Clock, times func() task.Times) {
	shares := &timeShares{clock: c, times: times, readAt: c.Nanos()}
	for name, pick := range map[string]func(task.Times) int64{
		"busyTimeMsPerSecond":          func(t task.Times) int64 { return t.Busy },
		"idleTimeMsPerSecond":          func(t task.Times) int64 { return t.Idle },
		"backPressuredTimeMsPerSecond": func(t task.Times) int64 { return t.BackPressured },
	} {
		metrics.Gauge(group, name, func() int64 { return pick(shares.read()) })
	}
	const milli = 1e6
	metrics.Gauge(group, "accumulateBusyTimeMs", func() int64 { return times().Busy / milli })
	metrics.Gauge(group, "accumulateIdleTimeMs", func() int64 { return times().Idle / milli })
	metrics.Gauge(group, "accumulateBackPressuredTimeMs", func() int64 { return times().BackPressured / milli })
}

// timeShares turns totals into milliseconds per second over the time since the last reading, at least windowNanos.
type timeShares struct {
	clock clock.Clock
	times func() task.Times

	mu     sync.Mutex
	readAt int64
	total  task.Times
	shares task.Times
}

const windowNanos = 200e6

func (s *timeShares) read() task.Times {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Nanos()
	elapsed := now - s.readAt
	if elapsed < windowNanos {
		return s.shares
	}
	total := s.times()
	s.shares = task.Times{
		Busy:          perSecond(total.Busy-s.total.Busy, elapsed),
		Idle:          perSecond(total.Idle-s.total.Idle, elapsed),
		BackPressured: perSecond(total.BackPressured-s.total.BackPressured, elapsed),
	}
	s.readAt, s.total = now, total
	return s.shares
}

func perSecond(nanos, elapsed int64) int64 {
	const second = 1000 // milliseconds
	return min(max(0, nanos*second/elapsed), second)
}
