package main

import (
	"iter"
	"math"
	"strings"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/state"
)

// tooLate is the side output of late records.
var tooLate = stream.NewOutputTag[event]("late")

func buildWindow(p *program) {
	applyWindow(p, windowSettings(p, stream.Window(p.keyed(), elementsOf(p).assigner())))
}

func buildWindowAll(p *program) {
	applyWindow(p, windowSettings(p, stream.WindowAll(p.input(), elementsOf(p).assigner())))
}

func buildCountWindow(p *program) {
	size := int(p.params.number("size"))
	if p.params.has("slide") {
		applyWindow(p, stream.CountWindowSliding(p.keyed(), size, int(p.params.number("slide"))))
		return
	}
	applyWindow(p, stream.CountWindow(p.keyed(), size))
}

func isSession(p params) bool { return strings.HasPrefix(p.text("assigner"), "session") }

// elements are what a window operator gathers, events or events of one of two streams.
type elements[T any] struct {
	*program
	value func(T) int64
}

func elementsOf(p *program) elements[event] { return elements[event]{p, valueOf} }

func (e elements[T]) gap(of T) time.Duration { return time.Duration(e.value(of)) * time.Millisecond }

// assigner reads the assigner of windows with its sizes.
func (e elements[T]) assigner() window.Assigner {
	p := e.params
	name := p.text("assigner")
	if isSession(p) {
		return e.sessions(name)
	}
	var offset []time.Duration
	if p.has("offset") {
		offset = append(offset, p.millis("offset"))
	}
	switch name {
	case "tumbling-event":
		return window.Tumbling(p.millis("size"), offset...)
	case "tumbling-processing":
		return window.TumblingProcessing(p.millis("size"), offset...)
	case "sliding-event":
		return window.Sliding(p.millis("size"), p.millis("slide"), offset...)
	case "sliding-processing":
		return window.SlidingProcessing(p.millis("size"), p.millis("slide"), offset...)
	case "global":
		if p.text("trigger") == "end of stream" {
			return window.GlobalToTheEnd()
		}
		return window.Global()
	default:
		fail("assigner %q is not understood", name)
		return nil
	}
}

func (e elements[T]) sessions(name string) window.Assigner {
	p := e.params
	gap, _ := p.get("gap")
	dynamic := gap == "element value"
	switch {
	case name == "session-event" && dynamic:
		return window.DynamicSession(e.gap)
	case name == "session-event":
		return window.Session(p.millis("gap"))
	case name == "session-processing" && dynamic:
		return window.DynamicSessionProcessing(e.gap)
	case name == "session-processing":
		return window.SessionProcessing(p.millis("gap"))
	}
	fail("assigner %q is not understood", name)
	return nil
}

// windowSettings reads trigger, evictor, lateness and late output.
func windowSettings[K comparable](p *program, w stream.WindowedStream[K, event]) stream.WindowedStream[K, event] {
	if newTrigger := elementsOf(p).trigger(); newTrigger != nil {
		w = w.Trigger(newTrigger)
	}
	if p.params.has("evictor") {
		w = w.Evictor(elementsOf(p).evictor())
	}
	if p.params.has("allowedLateness") {
		w = w.AllowedLateness(p.params.millis("allowedLateness"))
	}
	if p.params.flag("lateOutput") {
		w = w.SideOutputLateData(tooLate)
	}
	if p.plain {
		w = w.WithoutSlicing().WithoutPreAggregation()
	}
	return w
}

// trigger reads the trigger, nil for the default one.
func (e elements[T]) trigger() window.NewTrigger {
	switch text := e.params.text("trigger"); text {
	case "", "default", "default (never)", "end of stream":
		return nil
	default:
		return e.triggerOf(text)
	}
}

// triggerOf reads a trigger such as purging(count(3)).
func (e elements[T]) triggerOf(text string) window.NewTrigger {
	p := e.program
	if text == "early: fires at every second element, at the end, and at once when late" {
		return newEarly
	}
	switch c := parseCall(text); c.name {
	case "event-time":
		return window.EventTime()
	case "processing-time":
		return window.ProcessingTime()
	case "count":
		return window.EveryCount(c.number(0))
	case "purging":
		return window.Purging(e.triggerOf(c.argument(0)))
	case "continuous-event-time":
		p.ties.eventTime = true
		return window.ContinuousEventTime(c.millis(0))
	case "continuous-processing-time":
		p.ties.clock = true
		return window.ContinuousProcessingTime(c.millis(0))
	case "delta":
		if c.argument(1) != "new value minus value at last firing" {
			fail("delta %q is not understood", c.argument(1))
		}
		return window.Delta(float64(c.number(0)), func(last, current T) float64 { return float64(e.value(current) - e.value(last)) })
	case "processing-timeout":
		p.ties.clock = true
		p.ties.eventTime = p.ties.eventTime || p.params.number("allowedLateness") > 0 // it fires when windows go, too
		var options []window.TimeoutOption
		if p.params.flag("resetTimerOnNewRecord") {
			options = append(options, window.ResetByRecord)
		}
		if p.params.flag("shouldClearOnTimeout") {
			options = append(options, window.ClearOnTimeout)
		}
		return window.Timeout(e.triggerOf(c.argument(0)), c.millis(1), options...)
	}
	fail("trigger %q is not understood", text)
	return nil
}

func (e elements[T]) evictor() window.Evictor {
	p, when := e.params, window.Before
	if p.flag("evictAfter") {
		when = window.After
	}
	text := p.text("evictor")
	switch c := parseCall(text); c.name {
	case "count":
		return window.KeepCount(int(c.number(0)), when)
	case "time":
		return window.KeepTime(c.millis(0), when)
	case "delta":
		if c.argument(1) != "absolute difference to the last element" {
			fail("delta %q is not understood", c.argument(1))
		}
		return window.KeepDelta(float64(c.number(0)), func(element, last T) float64 {
			return math.Abs(float64(e.value(element) - e.value(last)))
		}, when)
	}
	fail("evictor %q is not understood", text)
	return nil
}

// applyWindow reads the function of a window and says what comes out of it.
func applyWindow[K comparable](p *program, w stream.WindowedStream[K, event]) {
	switch function := p.params.text("function"); function {
	case "reduce-sum", "reduce-sum (key of the first element)":
		emitsWindow(p, stream.ReduceWindow(w, sumOf))
	case "reduce-sum-window":
		emitsWindow(p, stream.ReduceWindowWith(w, sumOf, func() sumInWindow[K] { return sumInWindow[K]{} }))
	case "aggregate-window":
		emitsWindow(p, stream.AggregateWith(w, countAndSum, func() resultInWindow[K] { return resultInWindow[K]{} }))
	case "elems":
		emitsWindow(p, stream.ProcessWindow(w, func() elems[K] { return elems[K]{keyed: true} }))
	case "elems (no key)":
		emitsWindow(p, stream.ProcessWindow(w, func() elems[K] { return elems[K]{} }))
	case "full":
		emitsWindow(p, stream.ProcessWindow(w, func() *full[K] { return new(full[K]) }))
	default:
		fail("function %q is not understood", function)
	}
	if isSession(p.params) {
		p.sets = []string{"elems"}
	}
}

func emitsWindow[E interface{ row() row }](p *program, s stream.DataStream[E]) {
	emits(p, s)
	if p.params.flag("lateOutput") {
		emitsBeside(p, s, tooLate)
	}
}

// countedSum is the accumulator and the result of countAndSum.
type countedSum struct {
	Count int64 `json:"count"`
	Sum   int64 `json:"sum"`
}

// addNumber folds numbers into a countedSum.
type addNumber struct{}

func (addNumber) Create() countedSum { return countedSum{} }
func (addNumber) Add(acc countedSum, value int64) countedSum {
	return countedSum{acc.Count + 1, acc.Sum + value}
}
func (addNumber) Result(acc countedSum) countedSum { return acc }

// countAndSum counts events and sums up their values.
var countAndSum = window.NewAggregate(
	func() countedSum { return countedSum{} },
	func(acc countedSum, e event) countedSum { return countedSum{acc.Count + 1, acc.Sum + e.Value} },
	func(acc countedSum) countedSum { return acc },
	func(a, b countedSum) countedSum { return countedSum{a.Count + b.Count, a.Sum + b.Sum} },
)

// inWindow are the fields that tell the window.
func inWindow[K any](ctx *stream.WindowContext[K]) fields {
	if ctx.Window() == window.GlobalWindow {
		return fields{}
	}
	return fields{"start": ctx.Window().Start, "end": ctx.Window().End}
}

// sumInWindow emits the one element, which is the sum, with the window.
type sumInWindow[K any] struct{}

func (sumInWindow[K]) Process(ctx *stream.WindowContext[K], sums iter.Seq[event], out stream.Collector[row]) error {
	for sum := range sums {
		f := inWindow(ctx)
		f["key"], f["sum"] = ctx.Key(), sum.Value
		out.Collect(rowOf(f))
	}
	return nil
}

// resultInWindow emits the one element, which is the aggregate's result, with the window.
type resultInWindow[K any] struct{}

func (resultInWindow[K]) Process(ctx *stream.WindowContext[K], results iter.Seq[countedSum], out stream.Collector[row]) error {
	for result := range results {
		f := inWindow(ctx)
		f["key"], f["result"] = ctx.Key(), result
		out.Collect(rowOf(f))
	}
	return nil
}

func ordinals(elements iter.Seq[event]) []int64 {
	all := []int64{}
	for e := range elements {
		all = append(all, e.N)
	}
	return all
}

// elems emits which elements are in the window, and with keyed also whose it is and when.
type elems[K any] struct{ keyed bool }

func (e elems[K]) Process(ctx *stream.WindowContext[K], elements iter.Seq[event], out stream.Collector[row]) error {
	f := inWindow(ctx)
	f["elems"] = ordinals(elements)
	if e.keyed {
		f["key"], f["wm"], f["pt"] = ctx.Key(), ctx.CurrentWatermark(), ctx.CurrentProcessingTime()
	}
	out.Collect(rowOf(f))
	return nil
}

// full counts the firings too, of the key and of the window.
type full[K any] struct {
	OfKey    state.Value[int64] `state:"keyFirings"`
	InWindow struct {
		window.PerWindow
		Firings state.Value[int64] `state:"windowFirings"`
	}
}

func (s *full[K]) Process(ctx *stream.WindowContext[K], elements iter.Seq[event], out stream.Collector[row]) error {
	f := inWindow(ctx)
	f["key"], f["elems"], f["wm"] = ctx.Key(), ordinals(elements), ctx.CurrentWatermark()
	for name, counter := range map[string]*state.Value[int64]{"keyFirings": &s.OfKey, "windowFirings": &s.InWindow.Firings} {
		counter.Update(func(n *int64) { *n++ })
		f[name], _ = counter.Get()
	}
	out.Collect(rowOf(f))
	return nil
}
