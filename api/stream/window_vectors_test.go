package stream

import (
	"encoding/json"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/state"
)

var lateTag = NewOutputTag[scripted]("late")

// windowElems is the function "elems" of the vectors, and "full" where it counts firings.
type windowElems[K comparable] struct {
	sorted, full, plain bool
	InKey               state.Value[int64] `state:"keyFirings"`
	fullState
}

type fullState struct {
	window.PerWindow
	InWindow state.Value[int64] `state:"windowFirings"`
}

// sessionWindowElems is elems without state per window.
type sessionWindowElems[K comparable] struct{ sorted, plain bool }

func (f sessionWindowElems[K]) Process(ctx *WindowContext[K], elements iter.Seq[scripted], out Collector[row]) error {
	out.Collect(rowOf(elemsOf(ctx, elements, f.sorted, f.plain)))
	return nil
}

func elemsOf[K comparable](ctx *WindowContext[K], elements iter.Seq[scripted], sorted, plain bool) map[string]any {
	ordinals := []int64{}
	for e := range elements {
		ordinals = append(ordinals, e.N)
	}
	if sorted {
		slices.Sort(ordinals)
	}
	fields := map[string]any{"elems": ordinals}
	if ctx.Window() != window.GlobalWindow {
		fields["start"], fields["end"] = ctx.Window().Start, ctx.Window().End
	}
	if !plain {
		fields["key"], fields["wm"], fields["pt"] = ctx.Key(), ctx.CurrentWatermark(), ctx.CurrentProcessingTime()
	}
	return fields
}

func (f *windowElems[K]) Process(ctx *WindowContext[K], elements iter.Seq[scripted], out Collector[row]) error {
	fields := elemsOf(ctx, elements, f.sorted, f.plain)
	if f.full {
		f.InKey.Update(func(n *int64) { *n++ })
		f.InWindow.Update(func(n *int64) { *n++ })
		fields["keyFirings"], _ = f.InKey.Get()
		fields["windowFirings"], _ = f.InWindow.Get()
		delete(fields, "pt")
	}
	out.Collect(rowOf(fields))
	return nil
}

// windowSums is what the vectors' reducing and aggregating functions emit.
type windowSums[K comparable, R any] struct{ function string }

func (f windowSums[K, R]) Process(ctx *WindowContext[K], results iter.Seq[R], out Collector[row]) error {
	for result := range results {
		switch r := any(result).(type) {
		case scripted:
			if strings.HasPrefix(f.function, "reduce-sum-window") {
				out.Collect(rowOf(map[string]any{"key": ctx.Key(), "start": ctx.Window().Start, "end": ctx.Window().End, "sum": r.Value}))
			} else {
				out.Collect(rowOf(map[string]any{"key": r.Key, "value": r.Value, "n": r.N}))
			}
		case countedSum:
			out.Collect(rowOf(map[string]any{"key": ctx.Key(), "start": ctx.Window().Start, "end": ctx.Window().End, "result": map[string]any{"count": r.Count, "sum": r.Sum}}))
		}
	}
	return nil
}

type countedSum struct{ Count, Sum int64 }

var countAndSum = window.NewAggregate(
	func() countedSum { return countedSum{} },
	func(c countedSum, in scripted) countedSum { return countedSum{c.Count + 1, c.Sum + in.Value} },
	func(c countedSum) countedSum { return c },
	func(a, b countedSum) countedSum { return countedSum{a.Count + b.Count, a.Sum + b.Sum} })

func vectorMillis(v any) time.Duration { return time.Duration(vectorNumber(v)) * time.Millisecond }

func vectorNumber(v any) int64 {
	if v == nil {
		return 0
	}
	n, err := v.(json.Number).Int64()
	if err != nil {
		panic(err)
	}
	return n
}

func vectorText(v any) string { s, _ := v.(string); return s }

func assignerOf(o map[string]any) window.Assigner {
	size, slide, offset := vectorMillis(o["size"]), vectorMillis(o["slide"]), vectorMillis(o["offset"])
	gap := func(in scripted) time.Duration { return time.Duration(in.Value) * time.Millisecond }
	dynamic := o["gap"] == "element value"
	switch o["assigner"] {
	case "tumbling-event":
		return window.Tumbling(size, offset)
	case "tumbling-processing":
		return window.TumblingProcessing(size, offset)
	case "sliding-event":
		return window.Sliding(size, slide, offset)
	case "sliding-processing":
		return window.SlidingProcessing(size, slide, offset)
	case "session-event":
		if dynamic {
			return window.DynamicSession(gap)
		}
		return window.Session(vectorMillis(o["gap"]))
	case "session-processing":
		if dynamic {
			return window.DynamicSessionProcessing(gap)
		}
		return window.SessionProcessing(vectorMillis(o["gap"]))
	case "global":
		return window.Global()
	}
	panic(fmt.Sprint("unknown assigner ", o["assigner"]))
}

var triggerCall = regexp.MustCompile(`^([a-z-]+)\((.*)\)$`)

// triggerOf reads a trigger such as purging(count(3)); nil is the default.
func triggerOf(name string, o map[string]any) func() window.Trigger {
	switch {
	case name == "" || strings.HasPrefix(name, "default"):
		return nil
	case name == "end of stream" || name == "event-time":
		return window.EventTime()
	case strings.HasPrefix(name, "early"):
		return func() window.Trigger { return new(everySecond) }
	}
	parts := triggerCall.FindStringSubmatch(name)
	inner := parts[2]
	switch parts[1] {
	case "count":
		return window.EveryCount(vectorInt(inner))
	case "purging":
		return window.Purging(triggerOf(inner, o))
	case "continuous-event-time":
		return window.ContinuousEventTime(time.Duration(vectorInt(inner)) * time.Millisecond)
	case "continuous-processing-time":
		return window.ContinuousProcessingTime(time.Duration(vectorInt(inner)) * time.Millisecond)
	case "delta":
		return window.Delta(3, func(last, current scripted) float64 { return float64(current.Value - last.Value) })
	case "processing-timeout":
		comma := strings.LastIndex(inner, ", ")
		var options []window.TimeoutOption
		if o["resetTimerOnNewRecord"] == true {
			options = append(options, window.ResetByRecord)
		}
		if o["shouldClearOnTimeout"] == true {
			options = append(options, window.ClearOnTimeout)
		}
		return window.Timeout(triggerOf(inner[:comma], o), time.Duration(vectorInt(inner[comma+2:]))*time.Millisecond, options...)
	}
	panic("unknown trigger " + name)
}

// everySecond is the trigger "early" of the vectors, as a user would write it.
type everySecond struct {
	Count state.Value[int64] `state:"count"`
}

func (t *everySecond) OnElement(ctx *window.TriggerContext, _ int64) window.TriggerResult {
	if ctx.Window().MaxTimestamp() <= ctx.CurrentWatermark() {
		return window.Fire
	}
	ctx.RegisterEventTimeTimer(ctx.Window().MaxTimestamp())
	count, _ := t.Count.Get()
	count++
	t.Count.Set(count)
	if count >= 2 {
		t.Count.Clear()
		return window.Fire
	}
	return window.Continue
}

func (t *everySecond) OnEventTime(ctx *window.TriggerContext, at int64) window.TriggerResult {
	if at == ctx.Window().MaxTimestamp() {
		return window.Fire
	}
	return window.Continue
}

func (t *everySecond) OnProcessingTime(*window.TriggerContext, int64) window.TriggerResult {
	return window.Continue
}

func (t *everySecond) Clear(ctx *window.TriggerContext) {
	ctx.DeleteEventTimeTimer(ctx.Window().MaxTimestamp())
}

func (t *everySecond) OnMerge(ctx *window.TriggerContext) {
	var sum int64
	ctx.EachMerged(func(window.Window) {
		count, _ := t.Count.Get()
		sum += count
	})
	t.Count.Set(sum)
	if end := ctx.Window().MaxTimestamp(); end > ctx.CurrentWatermark() {
		ctx.RegisterEventTimeTimer(end)
	}
}

func vectorInt(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func evictorOf(o map[string]any) window.Evictor {
	when := window.Before
	if o["evictAfter"] == true {
		when = window.After
	}
	name := vectorText(o["evictor"])
	switch {
	case name == "":
		return nil
	case strings.HasPrefix(name, "delta(3"):
		return window.KeepDelta(3, func(element, last scripted) float64 {
			return max(float64(element.Value-last.Value), float64(last.Value-element.Value))
		}, when)
	}
	parts := triggerCall.FindStringSubmatch(name)
	switch parts[1] {
	case "count":
		return window.KeepCount(int(vectorInt(parts[2])), when)
	case "time":
		return window.KeepTime(time.Duration(vectorInt(parts[2]))*time.Millisecond, when)
	}
	panic("unknown evictor " + name)
}

// windowOf applies the settings of a vector to a stream of one key type.
func windowOf[K comparable](o map[string]any, w WindowedStream[K, scripted], plainly bool) *graph.StreamNode {
	if trigger := triggerOf(vectorText(o["trigger"]), o); trigger != nil {
		w = w.Trigger(trigger)
	}
	if evictor := evictorOf(o); evictor != nil {
		w = w.Evictor(evictor)
	}
	w = w.AllowedLateness(vectorMillis(o["allowedLateness"]))
	if o["lateOutput"] == true {
		w = w.SideOutputLateData(lateTag)
	}
	w = w.WithoutPreAggregation() // the replayer has one operator
	if plainly {
		w = w.WithoutSlicing()
	}
	return applyWindowFunction(o, w)
}

func applyWindowFunction[K comparable](o map[string]any, w WindowedStream[K, scripted]) *graph.StreamNode {
	function := vectorText(o["function"])
	session := isSession(o)
	add := func(a, b scripted) scripted { return scripted{Key: a.Key, Value: a.Value + b.Value, N: a.N} }
	plain := strings.HasSuffix(function, "(no key)")
	var out DataStream[row]
	switch {
	case function == "full" || strings.HasPrefix(function, "elems") && !session:
		out = ProcessWindow(w, func() *windowElems[K] { return &windowElems[K]{full: function == "full", plain: plain} })
	case strings.HasPrefix(function, "elems"):
		out = ProcessWindow(w, func() sessionWindowElems[K] { return sessionWindowElems[K]{sorted: true, plain: plain} })
	case strings.HasPrefix(function, "reduce-sum"):
		out = ReduceWindowWith(w, add, func() windowSums[K, scripted] { return windowSums[K, scripted]{function} })
	case function == "aggregate-window":
		out = AggregateWith(w, countAndSum, func() windowSums[K, countedSum] { return windowSums[K, countedSum]{function} })
	default:
		panic("unknown function " + function)
	}
	return out.parts[0].node
}

func isSession(o map[string]any) bool { return strings.HasPrefix(vectorText(o["assigner"]), "session") }

// sortSessionElems brings the elements of merged windows, whose order is arbitrary, into the order in which they came.
func sortSessionElems(v vector) {
	for _, outputs := range v.Outputs {
		for _, o := range outputs {
			record, _ := o.Record.(map[string]any)
			if list, ok := record["elems"].([]any); ok {
				slices.SortFunc(list, func(a, b any) int { return int(vectorNumber(a) - vectorNumber(b)) })
			}
		}
	}
}

func replayWindows(t *testing.T, v vector, plainly bool) {
	o := v.Operator
	if isSession(o) {
		sortSessionElems(v)
	}
	// Timers of one time fire in an order that is an accident of Flink's timer heap, also those of several windows of a key.
	timeout := strings.Contains(vectorText(o["trigger"]), "timeout")
	replay(t, v, timeout, func(_ *Environment, streams [2]DataStream[scripted]) *graph.StreamNode {
		byKey := KeyBy(streams[0], func(in scripted) string { return in.Key })
		switch o["kind"] {
		case "window":
			return windowOf(o, Window(byKey, assignerOf(o)), plainly)
		case "windowAll":
			return windowOf(o, WindowAll(streams[0], assignerOf(o)), plainly)
		case "countWindow":
			if o["slide"] != nil {
				return applyWindowFunction(o, CountWindowSliding(byKey, int(vectorNumber(o["size"])), int(vectorNumber(o["slide"]))))
			}
			return applyWindowFunction(o, CountWindow(byKey, int(vectorNumber(o["size"]))))
		}
		t.Fatalf("unknown kind %v", o["kind"])
		return nil
	})
}

// TestWindowsAgainstFlink replays what Flink's own windows do.
func TestWindowsAgainstFlink(t *testing.T) {
	for file, count := range map[string]int{
		"windows-event-time.jsonl": 116, "windows-processing-time.jsonl": 31, "triggers.jsonl": 124, "evictors.jsonl": 39,
	} {
		t.Run(strings.TrimSuffix(file, ".jsonl"), func(t *testing.T) {
			readVectors(t, file, count, func(t *testing.T, v vector) { replayWindows(t, v, false) })
		})
		t.Run(strings.TrimSuffix(file, ".jsonl")+"/plainly", func(t *testing.T) {
			readVectors(t, file, count, func(t *testing.T, v vector) { replayWindows(t, v, true) })
		})
	}
}
