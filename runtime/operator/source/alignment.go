package source

import (
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/watermark"
)

// gate keeps a reader, or a split, from going further than the slowest source of its alignment group allows, and is the clock by
// which idleness is measured: it stands still while the gate is closed, since what may not read has no records.
type gate struct {
	limit  int64
	closed bool
	// since is when the gate was closed, still the time for which it was closed before.
	since, still int64
}

func newGate() gate { return gate{limit: watermark.NoLimit} }

// set opens or closes the gate and reports whether that was a change.
func (g *gate) set(closed bool, nanos int64) bool {
	if closed == g.closed {
		return false
	}
	if g.closed = closed; closed {
		g.since = nanos
	} else {
		g.still += nanos - g.since
	}
	return true
}

// elapsed turns a reading of the clock into one of the gate's.
func (g *gate) elapsed(nanos int64) int64 {
	if g.closed {
		nanos = g.since
	}
	return nanos - g.still
}

// Align implements the task's contract of a source: it sets how far the reader may go. The task calls Poll again afterwards.
func (s *reading[T]) Align(limit int64) {
	s.gate.limit = limit
	s.checkLimit()
}

// checkLimit closes or opens the gates of the reader and, where it can pause them, of its splits.
func (s *reading[T]) checkLimit() {
	if s.gate.limit == watermark.NoLimit && !s.gate.closed && !s.time.paused {
		return
	}
	nanos := s.Ctx.Clock.Nanos()
	s.gate.set(s.time.emitter.Current() > s.gate.limit && !s.time.emitter.Idle(), nanos)
	pauser, ok := s.reader.(connector.SplitPauser)
	if !ok {
		return
	}
	if pause, resume := s.time.pauses(s.gate.limit, s.gate.elapsed(nanos)); len(pause)+len(resume) > 0 {
		pauser.PauseSplits(pause, resume)
	}
}

// pauses closes and opens the gates of splits and returns those that have changed.
func (e *eventTime[T]) pauses(limit, nanos int64) (pause, resume []string) {
	e.paused = false
	for _, s := range e.streams {
		ahead := s.part.Watermark() > limit
		e.paused = e.paused || ahead
		switch changed := s.gate.set(ahead, nanos); {
		case changed && ahead:
			pause = append(pause, s.id)
		case changed:
			resume = append(resume, s.id)
		}
	}
	return pause, resume
}

// report tells the other sources of the group how far this reader is. One that has no watermark yet does not count, and for an idle
// one nobody waits.
func (s *reading[T]) report() {
	at := s.time.emitter.Current()
	if s.time.emitter.Idle() {
		at = element.MaxWatermark
	}
	if at == element.NoWatermark {
		return
	}
	a := s.time.strategy.Alignment()
	s.Ctx.Task.SendToCoordinator(s.Ctx.ID, EncodeReport(watermark.Report{Group: a.Group, MaxDrift: a.MaxDrift, Watermark: at}))
}

// ticks shares the operator's one call at a time between its periodic tick and its reports.
type ticks struct {
	callAt func(int64)
	// tick and report are intervals in milliseconds, 0 for none.
	tick, report         int64
	nextTick, nextReport int64
}

func newTicks(ctx *operator.Context, ticking bool, interval time.Duration, a watermark.Alignment) ticks {
	t := ticks{callAt: ctx.CallAt, nextTick: operator.NoCall, nextReport: operator.NoCall}
	if ticking && interval > 0 {
		t.tick = max(1, interval.Milliseconds())
	}
	if a.Group != "" {
		t.report = max(1, a.UpdateInterval.Milliseconds())
	}
	return t
}

func (t *ticks) aligned() bool { return t.report > 0 }

// begin sets the first call.
func (t *ticks) begin(now func() int64) {
	if t.tick == 0 && t.report == 0 {
		return
	}
	at := now()
	if t.tick > 0 {
		t.nextTick = at + t.tick
	}
	if t.report > 0 {
		t.nextReport = at + t.report
	}
	t.callAt(min(t.nextTick, t.nextReport))
}

// due reports what is to be done now, and sets the next call.
func (t *ticks) due(now int64) (tick, report bool) {
	if tick = t.nextTick <= now; tick {
		t.nextTick = now + t.tick
	}
	if report = t.nextReport <= now; report {
		t.nextReport = now + t.report
	}
	t.callAt(min(t.nextTick, t.nextReport))
	return tick, report
}
