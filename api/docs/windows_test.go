package docs_test

import (
	"iter"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/state"
)

func firstWindow(in streams) {
	clicks := in.clicks
	byUser := stream.KeyBy(clicks, Click.UserID)
	perMinute := stream.Window(byUser, window.Tumbling(time.Minute))
	counts := stream.Aggregate(perMinute, window.Count[Click]()) // DataStream[int64]
	drop(counts)
}

func assigners(in streams) {
	byUser := in.byUser
	days := stream.Window(byUser, window.Tumbling(24*time.Hour, -8*time.Hour)) // days of UTC+8
	lastMinute := stream.Window(byUser, window.Sliding(time.Minute, 10*time.Second))
	visits := stream.Window(byUser, window.Session(30*time.Minute))
	patient := stream.Window(byUser, window.DynamicSession(func(c Click) time.Duration {
		return time.Duration(1+c.Price) * time.Minute
	}))
	tens := stream.CountWindow(byUser, 10)
	lastTen := stream.CountWindowSliding(byUser, 10, 2)
	everything := stream.Window(byUser, window.GlobalToTheEnd())
	all := stream.WindowAll(in.clicks, window.Tumbling(time.Minute))
	for _, w := range []stream.WindowedStream[string, Click]{days, lastMinute, visits, patient, tens, lastTen, everything} {
		drop(stream.Aggregate(w, window.Count[Click]()))
	}
	drop(stream.Aggregate(all, window.Count[Click]()))
}

// months is an assigner of calendar months.
type months struct{}

func (months) Assign(ctx *window.AssignerContext, windows []window.Window) []window.Window {
	at := time.UnixMilli(ctx.Timestamp).UTC()
	first := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	return append(windows, window.Window{Start: first.UnixMilli(), End: first.AddDate(0, 1, 0).UnixMilli()})
}

func (months) TimeDomain() window.TimeDomain     { return window.InEventTime }
func (months) NewDefaultTrigger() window.Trigger { return window.EventTime()() }
func (months) Check() error                      { return nil }

func functions(in streams) {
	perMinute := stream.Window(in.byUser, window.Tumbling(time.Minute))
	dearest := stream.ReduceWindow(perMinute, func(a, b Click) Click {
		if b.Price > a.Price {
			return b
		}
		return a
	})
	sums := stream.Aggregate(perMinute, window.Sum(func(c Click) int64 { return c.Price }))
	drop(dearest)
	drop(sums)

	rows := stream.AggregateWith(perMinute, window.Count[Click](), func() asRow { return asRow{} })
	items := stream.ProcessWindow(perMinute, func() distinct { return distinct{} })
	drop(rows)
	drop(items)

	means := stream.Aggregate(perMinute, meanPrice)
	drop(means)
}

// Row is a user's clicks of a minute.
type Row struct {
	User   string
	Start  int64
	Clicks int64
}

type asRow struct{}

func (asRow) Process(ctx *stream.WindowContext[string], counts iter.Seq[int64], out stream.Collector[Row]) error {
	for count := range counts { // there is one
		out.Collect(Row{ctx.Key(), ctx.Window().Start, count})
	}
	return nil
}

// distinct emits how many items a user has looked at in a window.
type distinct struct{}

func (distinct) Process(_ *stream.WindowContext[string], clicks iter.Seq[Click], out stream.Collector[int]) error {
	items := map[string]bool{}
	for click := range clicks {
		items[click.Item] = true
	}
	out.Collect(len(items))
	return nil
}

type mean struct{ Sum, Count int64 }

var meanPrice = window.NewAggregate(
	func() mean { return mean{} },
	func(m mean, c Click) mean { return mean{m.Sum + c.Price, m.Count + 1} },
	func(m mean) float64 { return float64(m.Sum) / float64(m.Count) },
	func(a, b mean) mean { return mean{a.Sum + b.Sum, a.Count + b.Count} },
)

// firings counts how often each user's windows have fired.
type firings struct {
	Firings  state.Value[int64] `state:"firings"` // per key
	InWindow struct {
		window.PerWindow
		Firings state.Value[int64] `state:"firingsInWindow"` // per key and window
	}
}

func (f *firings) Process(ctx *stream.WindowContext[string], _ iter.Seq[Click], out stream.Collector[string]) error {
	f.Firings.Update(func(n *int64) { *n++ })
	f.InWindow.Firings.Update(func(n *int64) { *n++ })
	if n, _ := f.InWindow.Firings.Get(); n > 1 {
		out.Collect(ctx.Key())
	}
	return nil
}

func withState(in streams) {
	perMinute := stream.Window(in.byUser, window.Tumbling(time.Minute))
	again := stream.ProcessWindow(perMinute.AllowedLateness(time.Hour), func() *firings { return new(firings) })
	drop(again)
}

func triggers(in streams) {
	perDay := stream.Window(in.byUser, window.Tumbling(24*time.Hour))
	early := perDay.Trigger(window.Early(window.ContinuousProcessingTime(10 * time.Second)))
	hundreds := perDay.Trigger(window.Purging(window.EveryCount(100)))
	impatient := perDay.Trigger(window.Timeout(window.EventTime(), time.Minute, window.ResetByRecord))
	totals := perDay.Trigger(func() window.Trigger { return &upTo{limit: 100} })
	for _, w := range []stream.WindowedStream[string, Click]{early, hundreds, impatient, totals} {
		drop(stream.Aggregate(w, window.Count[Click]()))
	}
}

// upTo fires and empties a window when the prices in it add up to a limit.
type upTo struct {
	window.Reads[Click]
	Total state.Value[int64] `state:"total"`
	limit int64
}

func (t *upTo) OnElement(ctx *window.TriggerContext, _ int64) window.TriggerResult {
	total, _ := t.Total.Get()
	total += t.Value(ctx).Price
	if total < t.limit {
		t.Total.Set(total)
		return window.Continue
	}
	t.Total.Clear()
	return window.FireAndPurge
}

func (*upTo) OnEventTime(*window.TriggerContext, int64) window.TriggerResult { return window.Continue }
func (*upTo) OnProcessingTime(*window.TriggerContext, int64) window.TriggerResult {
	return window.Continue
}
func (t *upTo) Clear(*window.TriggerContext) { t.Total.Clear() }

func evictors(in streams) {
	perMinute := stream.Window(in.byUser, window.Tumbling(time.Minute))
	lastThree := perMinute.Evictor(window.KeepCount(3))
	lastSeconds := perMinute.Evictor(window.KeepTime(10*time.Second, window.After))
	similar := perMinute.Evictor(window.KeepDelta(5, func(c, last Click) float64 { return float64(last.Price - c.Price) }))
	paid := perMinute.Evictor(withoutFree{})
	for _, w := range []stream.WindowedStream[string, Click]{lastThree, lastSeconds, similar, paid} {
		drop(stream.Aggregate(w, window.Count[Click]()))
	}
}

// withoutFree drops elements that cost nothing.
type withoutFree struct{ window.Reads[Click] }

func (w withoutFree) EvictBefore(elements *window.Elements) {
	for i := range elements.Len() {
		if w.ElementAt(elements, i).Price == 0 {
			elements.Evict(i)
		}
	}
}

func (withoutFree) EvictAfter(*window.Elements) {}
func (withoutFree) Check() error                { return nil }

func late(in streams) {
	perMinute := stream.Window(in.byUser, window.Tumbling(time.Minute))
	lateClicks := stream.NewOutputTag[Click]("late")
	counts := stream.Aggregate(
		perMinute.AllowedLateness(10*time.Second).SideOutputLateData(lateClicks),
		window.Count[Click]()).UID("counts")
	tooLate := stream.SideOutput(counts, lateClicks)
	drop(counts)
	drop(tooLate)
}

func plainWay(in streams) {
	perMinute := stream.Window(in.byUser, window.Sliding(time.Minute, time.Second))
	counts := stream.Aggregate(perMinute.WithoutPreAggregation().WithoutSlicing(), window.Count[Click]())
	drop(counts)
}

func inMonths(in streams) {
	perMonth := stream.Window(in.byUser, months{})
	drop(stream.Aggregate(perMonth, window.Count[Click]()))
}

func TestExamplesOfWindows(t *testing.T) {
	runExamples(t, firstWindow, assigners, inMonths, functions, withState, triggers, evictors, late, plainWay)
}
