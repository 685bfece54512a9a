package main

import (
	"strconv"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator/watermark"
)

func buildWatermarks(p *program) {
	var strategy stream.WatermarkStrategy[event]
	switch at := p.params.text("timestamp"); at {
	case "":
		strategy = strategyOf(p, stream.RecordTimestamp[event])
	case "element value":
		strategy = strategyOf(p, valueOf)
	default:
		fail("timestamp %q is not understood", at)
	}
	if p.params.has("idleness") {
		strategy = strategy.WithIdleness(p.params.millis("idleness"))
	}
	emits(p, stream.AssignTimestampsAndWatermarks(p.input(), strategy))
}

func strategyOf[M stream.Moment](p *program, at func(event) M) stream.WatermarkStrategy[event] {
	switch generator := p.params.text("generator"); generator {
	case "monotonousTimestamps":
		return stream.MonotonousTimestamps(at)
	case "boundedOutOfOrderness":
		return stream.BoundedOutOfOrderness(p.params.millis("bound"), at)
	case "noWatermarks":
		return stream.NoWatermarks(at)
	case "punctuated: watermark = timestamp after each element with an odd value":
		return stream.PunctuatedWatermarks(at, func(e event, timestamp int64) (int64, bool) { return timestamp, e.Value%2 != 0 })
	default:
		fail("generator %q is not understood", generator)
		panic("unreachable")
	}
}

// buildValve has an operator that is fed by several subtasks: each is a channel to it.
func buildValve(p *program) {
	in := p.input(int(p.params.number("channels")))
	emits(p, stream.Map(in.Rebalance(), func(e event) event { return e }).Parallelism(1))
}

// buildSplits has the part of a source that combines the watermarks of its splits; the format tells it in which moment each
// split says what, which no program can.
func buildSplits(p *program) {
	splits, parts := watermark.NewSplits(), map[string]*watermark.Part{}
	var said []item
	emits(p, p.input())
	say := func(events []element.Event) {
		for _, e := range events {
			switch e.Kind {
			case element.Watermark:
				said = append(said, item{Watermark: &e.Time})
			case element.Idle:
				said = append(said, item{Status: "idle"})
			case element.Active:
				said = append(said, item{Status: "active"})
			}
		}
	}
	p.main = func() []item {
		items := said
		said = nil
		return items
	}
	p.special = func(s step) bool {
		if s.PeriodicEmit {
			say(splits.Combine())
			return true
		}
		part := parts[s.Split]
		switch {
		case s.Split == "":
			return false
		case s.Register:
			parts[s.Split] = splits.Register()
			return true
		case part == nil:
			fail("split %s is not registered", strconv.Quote(s.Split))
		case s.Unregister:
			splits.Unregister(part)
			return true
		}
		change := element.Event{Kind: element.Active}
		switch {
		case s.Watermark != nil:
			change = element.Event{Kind: element.Watermark, Time: *s.Watermark}
		case s.Status == "idle":
			change.Kind = element.Idle
		case s.Status != "active":
			return false
		}
		if s.Deferred {
			splits.Defer(part, change)
		} else {
			say(splits.Now(part, change))
		}
		return true
	}
}
