package worker

import (
	"sync"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/graph"
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
	metrics.Gauge(group, "isBackPressured", func() bool { return shares.read().BackPressured > 0 })
	metrics.Gauge(group, "softBackPressuredTimeMsPerSecond", func() int64 { return shares.read().BackPressured })
	metrics.Gauge(group, "hardBackPressuredTimeMsPerSecond", func() int64 { return 0 }) // writing never blocks
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

// registerFigures lists what a task has moved and where it stands, under Flink's names.
func registerFigures(group *metrics.Group, f *task.Figures) {
	for name, read := range map[string]counting{
		"numRecordsIn": f.RecordsIn, "numRecordsOut": of(f, task.RecordsOut), "numBytesIn": of(f, task.BytesIn), "numBytesOut": of(f, task.BytesOut),
		"numBuffersIn": of(f, task.BatchesIn), "numBuffersOut": of(f, task.BatchesOut),
	} {
		metrics.Gauge[int64](group, name, read)
		group.MeterOf(name+"PerSecond", read)
	}
	for name, read := range map[string]counting{
		"currentInputWatermark": of(f, task.WatermarkIn), "checkpointStartDelayNanos": of(f, task.StartDelay), "checkpointAlignmentTime": of(f, task.Alignment),
		"mailboxQueueSize": of(f, task.MailsWaiting), "initializationTime": of(f, task.Initialization),
	} {
		metrics.Gauge[int64](group, name, read)
	}
	group.MeterOf("mailboxMailsPerSecond", of(f, task.MailsServed))
	buffers := func(side string) *metrics.Group { return group.Add("Shuffle").Add("Netty").Add(side).Add("Buffers") }
	metrics.Gauge[int64](buffers("Input"), "inputQueueLength", of(f, task.QueuedIn))
	metrics.Gauge[int64](buffers("Output"), "outputQueueLength", of(f, task.QueuedOut))
}

// registerOperators lists what the operators of a task have in common. Watermarks run through a chain without a stop: what comes in and what goes out is told of
// all of its operators.
func registerOperators(group *metrics.Group, operators []*graph.ChainedOperator, f *task.Figures, source, sends bool) {
	for i, op := range operators {
		own := group.Child(metrics.LevelOperator,
			metrics.Variable{Name: metrics.OperatorID, Value: op.ID.String()}, metrics.Variable{Name: metrics.OperatorName, Value: op.Name})
		for _, name := range []string{"numRecordsIn", "numRecordsOut"} {
			own.MeterOf(name+"PerSecond", own.Counter(name))
		}
		in, out := of(f, task.WatermarkIn), of(f, task.WatermarkOut)
		if source {
			in = out
		}
		if !sends {
			out = in
		}
		if i > 0 || !source {
			metrics.Gauge[int64](own, "currentInputWatermark", in)
		}
		metrics.Gauge[int64](own, "currentOutputWatermark", out)
	}
}

// counting is a number that is read when somebody looks.
type counting func() int64

// Count implements metrics.Counting.
func (c counting) Count() int64 { return c() }

func of(f *task.Figures, one task.Figure) counting { return func() int64 { return f.Of(one) } }

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
