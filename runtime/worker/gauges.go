package worker

import (
	"slices"
	"sync"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/task"
)

// registerTimes lists how a task spends its time, under Flink's names: milliseconds of each second, totals, and the longest waits.
func registerTimes(group *metrics.Group, c clock.Clock, times func() task.Times, waits func() task.Waits) {
	shares := &timeShares{clock: c, times: times, waits: waits, readAt: c.Nanos()}
	const milli = 1e6
	for name, pick := range map[string]func(shared) int64{
		"busyTimeMsPerSecond":              func(s shared) int64 { return s.Busy },
		"idleTimeMsPerSecond":              func(s shared) int64 { return s.Idle },
		"backPressuredTimeMsPerSecond":     func(s shared) int64 { return s.BackPressured },
		"softBackPressuredTimeMsPerSecond": func(s shared) int64 { return s.BackPressured - s.Hard },
		"hardBackPressuredTimeMsPerSecond": func(s shared) int64 { return s.Hard },
		"maxSoftBackPressureTimeMs":        func(s shared) int64 { return s.longest.Soft / milli },
		"maxHardBackPressureTimeMs":        func(s shared) int64 { return s.longest.Hard / milli },
		"changelogBusyTimeMsPerSecond":     func(shared) int64 { return 0 }, // there is no changelog: increments come from the tables
	} {
		metrics.Gauge(group, name, func() int64 { return pick(shares.read()) })
	}
	metrics.Gauge(group, "isBackPressured", func() bool { return shares.read().BackPressured > 0 })
	metrics.Gauge(group, "accumulateBusyTimeMs", func() int64 { return times().Busy / milli })
	metrics.Gauge(group, "accumulateIdleTimeMs", func() int64 { return times().Idle / milli })
	metrics.Gauge(group, "accumulateBackPressuredTimeMs", func() int64 { return times().BackPressured / milli })
}

// timeShares turns totals into milliseconds per second over the time since the last reading, at least windowNanos.
type timeShares struct {
	clock clock.Clock
	times func() task.Times
	waits func() task.Waits

	mu     sync.Mutex
	readAt int64
	total  task.Times
	shares shared
}

// shared is what a reading of timeShares gives: milliseconds per second, and the longest waits since the reading before.
type shared struct {
	task.Times
	longest task.Waits
}

// registerFigures lists what a task has moved and where it stands, under Flink's names.
func registerFigures(group *metrics.Group, f *task.Figures) {
	counts(group, map[string]metrics.CountFunc{
		"numRecordsIn": f.RecordsIn, "numRecordsOut": of(f, task.RecordsOut), "numBytesIn": of(f, task.BytesIn), "numBytesOut": of(f, task.BytesOut),
		"numBuffersIn": of(f, task.BatchesIn), "numBuffersOut": of(f, task.BatchesOut), "numFiredTimers": f.FiredTimers,
	})
	for name, read := range map[string]metrics.CountFunc{
		"currentInputWatermark": of(f, task.WatermarkIn), "checkpointStartDelayNanos": of(f, task.StartDelay), "checkpointAlignmentTime": of(f, task.Alignment),
		"mailboxQueueSize": of(f, task.MailsWaiting), "initializationTime": of(f, task.Initialization),
	} {
		metrics.Gauge[int64](group, name, read)
	}
	group.MeterOf("mailboxMailsPerSecond", of(f, task.MailsServed))
	registerExchange(group, f)
}

// registerExchange lists what comes from where, and how full channels are. A channel has its credit for itself, as the exclusive buffers of Flink's; there are none
// that float between channels.
func registerExchange(group *metrics.Group, f *task.Figures) {
	origins := map[string]metrics.CountFunc{
		"numBytesInRemote": of(f, task.RemoteBytesIn), "numBuffersInRemote": of(f, task.RemoteBatchesIn),
		"numBytesInLocal":   func() int64 { return f.Of(task.BytesIn) - f.Of(task.RemoteBytesIn) },
		"numBuffersInLocal": func() int64 { return f.Of(task.BatchesIn) - f.Of(task.RemoteBatchesIn) },
	}
	netty := group.Add("Shuffle").Add("Netty")
	counts(group, origins)
	counts(netty.Add("Input"), origins)
	in, out := netty.Add("Input").Add("Buffers"), netty.Add("Output").Add("Buffers")
	metrics.Gauge[int64](in, "inputQueueLength", of(f, task.QueuedIn))
	metrics.Gauge[int64](in, "inputQueueSize", of(f, task.QueuedBytesIn))
	metrics.Gauge[int64](out, "outputQueueLength", of(f, task.QueuedOut))
	metrics.Gauge[int64](out, "outputQueueSize", of(f, task.QueuedBytesOut))
	usedIn := func() float64 { return usage(f.Of(task.QueuedIn), f.Of(task.RoomIn)) }
	metrics.Gauge(in, "inPoolUsage", usedIn)
	metrics.Gauge(in, "inputExclusiveBuffersUsage", usedIn)
	metrics.Gauge(in, "inputFloatingBuffersUsage", func() float64 { return 0 })
	metrics.Gauge(out, "outPoolUsage", func() float64 { return usage(f.Of(task.QueuedOut), f.Of(task.RoomOut)) })
}

// usage is which part of a room is taken. More may wait than there is room for: what has no credit, and frames of events alone.
func usage(used, room int64) float64 {
	if room == 0 {
		return 0
	}
	return min(1, float64(used)/float64(room))
}

// counts lists totals and their rates.
func counts(group *metrics.Group, all map[string]metrics.CountFunc) {
	for name, read := range all {
		metrics.Gauge[int64](group, name, read)
		group.MeterOf(name+"PerSecond", read)
	}
}

// registerOperators lists what the operators of a task have in common. Watermarks run through a chain without a stop: what comes in and what goes out is told of
// all of its operators. Bytes are those of the task, at the first and the last operator that has to do with a channel.
func registerOperators(group *metrics.Group, operators []*graph.ChainedOperator, f *task.Figures, source, sends bool) {
	none := func() int64 { return 0 }
	sender := slices.IndexFunc(operators, func(op *graph.ChainedOperator) bool { return len(op.Edges) > 0 })
	for i, op := range operators {
		own := group.Child(metrics.LevelOperator,
			metrics.Variable{Name: metrics.OperatorID, Value: op.ID.String()}, metrics.Variable{Name: metrics.OperatorName, Value: op.Name})
		for _, name := range []string{"numRecordsIn", "numRecordsOut"} {
			own.MeterOf(name+"PerSecond", own.Counter(name))
		}
		bytes := map[string]metrics.CountFunc{"numBytesIn": none, "numBytesOut": none}
		if i == 0 {
			bytes["numBytesIn"] = of(f, task.BytesIn)
		}
		if i == sender {
			bytes["numBytesOut"] = of(f, task.BytesOut)
		}
		counts(own, bytes)
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

func of(f *task.Figures, one task.Figure) metrics.CountFunc { return func() int64 { return f.Of(one) } }

const windowNanos = 200e6

func (s *timeShares) read() shared {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Nanos()
	elapsed := now - s.readAt
	if elapsed < windowNanos {
		return s.shares
	}
	total := s.times()
	s.shares = shared{longest: s.waits(), Times: task.Times{
		Busy:          perSecond(total.Busy-s.total.Busy, elapsed),
		Idle:          perSecond(total.Idle-s.total.Idle, elapsed),
		BackPressured: perSecond(total.BackPressured-s.total.BackPressured, elapsed),
		Hard:          perSecond(total.Hard-s.total.Hard, elapsed),
	}}
	s.readAt, s.total = now, total
	return s.shares
}

func perSecond(nanos, elapsed int64) int64 {
	const second = 1000 // milliseconds
	return min(max(0, nanos*second/elapsed), second)
}
