package source

import (
	"sync"
	"sync/atomic"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
)

// figures are what others may read of a reader. It writes them when its task notes its figures, so that nothing is spent per record.
type figures struct {
	ctx *operator.Context
	// polled is how many records there were at the last note.
	polled uint64
	// emitted is when the last record came, lag how long after its event time, watermark what was emitted last; in milliseconds of the wall clock.
	emitted, lag, watermark atomic.Int64
	// timed and marked say that there were event times, and watermarks: what concerns them is listed from then on.
	timed, marked bool
	splitsNoted   int64
	splits        map[*splitFigures]bool
}

// splitsPause is the least time between two notes of the splits, which may be many, in nanoseconds.
const splitsPause = 100e6

func newFigures(ctx *operator.Context) *figures {
	f := &figures{ctx: ctx, splits: map[*splitFigures]bool{}}
	f.emitted.Store(ctx.Now())
	metrics.Gauge(ctx.Metrics, "sourceIdleTime", func() int64 { return max(0, ctx.Now()-f.emitted.Load()) })
	ctx.Metrics.SharedCounter("numRecordsInErrors")
	return f
}

// publish writes what the reader has come to.
func (s *reading[T]) publish(nanos int64) {
	s.figures.note(s.polled, s.lastTime, s.time.emitter.Current())
	if nanos-s.figures.splitsNoted < splitsPause {
		return
	}
	s.figures.splitsNoted = nanos
	for _, split := range s.time.streams {
		if split.figures == nil {
			split.figures = newSplitFigures(s.Ctx, split.id, nanos)
			s.figures.splits[split.figures] = true
		}
		state := active
		switch {
		case split.gate.closed || s.gate.closed:
			state = paused
		case split.part.Idle():
			state = idle
		}
		split.figures.note(state, split.part.Watermark(), nanos)
	}
}

func (f *figures) note(polled uint64, last, watermark int64) {
	if polled != f.polled {
		f.polled = polled
		now := f.ctx.Now()
		f.emitted.Store(now)
		if last != element.NoTimestamp {
			f.lag.Store(now - last)
			if !f.timed {
				f.timed = true
				metrics.Gauge(f.ctx.Metrics, "currentEmitEventTimeLag", f.lag.Load)
			}
		}
	}
	if watermark == element.NoWatermark || watermark == element.MaxWatermark {
		return
	}
	f.watermark.Store(watermark)
	if !f.marked {
		f.marked = true
		metrics.Gauge(f.ctx.Metrics, "watermarkLag", func() int64 { return f.ctx.Now() - f.watermark.Load() })
	}
}

// close has the splits no longer listed.
func (f *figures) close() {
	for split := range f.splits {
		split.close()
	}
}

// splitState is what a split does.
type splitState int

const (
	active splitState = iota
	// paused waits for slower sources of its alignment group.
	paused
	idle
	splitStates
)

// splitFigures are what others may read of a split.
type splitFigures struct {
	group *metrics.Group
	clock func() int64

	mu        sync.Mutex
	watermark int64
	state     splitState
	since     int64
	spent     [splitStates]int64
}

func newSplitFigures(ctx *operator.Context, id string, nanos int64) *splitFigures {
	f := &splitFigures{group: ctx.Metrics.AddPair("split", id), clock: ctx.Clock.Nanos, watermark: element.NoWatermark, since: nanos}
	listed := f.group.Add("watermark")
	metrics.Gauge(listed, "currentWatermark", func() int64 {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.watermark
	})
	for name, state := range map[string]splitState{"Active": active, "Paused": paused, "Idle": idle} {
		metrics.Gauge[int64](listed, "accumulated"+name+"TimeMs", f.millis(state))
	}
	for name, state := range map[string]splitState{"active": active, "paused": paused, "idle": idle} {
		listed.MeterOf(name+"TimeMsPerSecond", f.millis(state))
	}
	return f
}

// millis is how long the split has been in a state.
func (f *splitFigures) millis(state splitState) metrics.CountFunc {
	return func() int64 {
		f.mu.Lock()
		defer f.mu.Unlock()
		spent := f.spent[state]
		if state == f.state {
			spent += max(0, f.clock()-f.since)
		}
		return spent / 1e6
	}
}

func (f *splitFigures) note(state splitState, watermark, nanos int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spent[f.state] += max(0, nanos-f.since)
	f.state, f.since, f.watermark = state, nanos, watermark
}

// close has the split no longer listed. One that has not been noted is nil.
func (f *splitFigures) close() {
	if f != nil {
		f.group.Close()
	}
}
