package stream_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/state"
)

// sale is a record of the window tests.
type sale struct {
	Item   string
	Amount int64
	At     int64
}

func (s sale) item() string  { return s.Item }
func (s sale) amount() int64 { return s.Amount }
func (s sale) at() int64     { return s.At }

// itemTotal is what a window of an item comes to.
type itemTotal struct {
	Item          string
	Start, Amount int64
}

type totaling struct{}

func (totaling) Process(ctx *stream.WindowContext[string], sums iter.Seq[int64], out stream.Collector[itemTotal]) error {
	for sum := range sums {
		out.Collect(itemTotal{ctx.Key(), ctx.Window().Start, sum})
	}
	return nil
}

func newTotaling() totaling { return totaling{} }

const ms = time.Millisecond

func salesOf(n int) []sale {
	random := rand.New(rand.NewSource(1))
	sales := make([]sale, n)
	for i := range sales {
		sales[i] = sale{string(rune('a' + random.Intn(20))), int64(random.Intn(100)), int64(i/3 + random.Intn(50))}
	}
	return sales
}

// TestAggregationBeforeTheShuffleIsNotSeen runs one program in all the ways that its windows can be kept.
func TestAggregationBeforeTheShuffleIsNotSeen(t *testing.T) {
	run := func(t *testing.T, slide time.Duration, parallelism int, properties ...string) []itemTotal {
		env, err := stream.NewEnvironment("totals", properties...)
		if err != nil {
			t.Fatal(err)
		}
		env.SetParallelism(parallelism)
		sales := stream.From(env, collection.From(salesOf(5000)), stream.BoundedOutOfOrderness(50*ms, sale.at)).Rebalance()
		again := stream.Map(sales, func(s sale) sale { return s })
		w := stream.Window(stream.KeyBy(again, sale.item), window.Sliding(100*ms, slide))
		got, err := stream.ExecuteAndCollect(context.Background(), stream.AggregateWith(w, window.Sum(sale.amount), newTotaling))
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got, func(a, b itemTotal) int {
			return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Start, b.Start))
		})
		return got
	}
	const slicing, before = "weir.window.slicing.enabled=", "weir.window.pre-aggregation.enabled="
	for _, slide := range []time.Duration{100 * ms, 30 * ms} {
		want := run(t, slide, 1, slicing+"false")
		if len(want) < 100 {
			t.Fatalf("only %d windows", len(want))
		}
		for _, parallelism := range []int{1, 3} {
			for _, on := range []string{"true", "false"} {
				if got := run(t, slide, parallelism, slicing+"true", before+on); !slices.Equal(got, want) {
					t.Errorf("slide %v, parallelism %d, pre-aggregation %s: %d windows differ from %d", slide, parallelism, on, len(got), len(want))
				}
			}
		}
	}
}

func TestFastWindowsAreUsedWhereTheyCan(t *testing.T) {
	sum, first := window.Sum(sale.amount), func(a, _ sale) sale { return a }
	reset := func(w stream.WindowedStream[string, sale]) stream.WindowedStream[string, sale] { return w }
	for name, c := range map[string]struct {
		assigner window.Assigner
		change   func(stream.WindowedStream[string, sale]) stream.WindowedStream[string, sale]
		reduce   bool
		want     string
	}{
		"tumbling":            {window.Tumbling(ms), reset, false, "window pre-aggregation, sliced window of partials"},
		"sliding":             {window.Sliding(4*ms, ms), reset, false, "window pre-aggregation, sliced window of partials"},
		"no pre-aggregation":  {window.Sliding(4*ms, ms), stream.WindowedStream[string, sale].WithoutPreAggregation, false, "sliced window"},
		"no slicing":          {window.Sliding(4*ms, ms), stream.WindowedStream[string, sale].WithoutSlicing, false, "window"},
		"processing time":     {window.TumblingProcessing(ms), reset, false, "sliced window"},
		"sessions":            {window.Session(ms), reset, false, "session window"},
		"sessions, unsliced":  {window.Session(ms), stream.WindowedStream[string, sale].WithoutSlicing, false, "window"},
		"reduce, sessions":    {window.Session(ms), reset, true, "window"},
		"reduce":              {window.Tumbling(ms), reset, true, "window pre-aggregation, sliced window of partials"},
		"reduce, overlapping": {window.Sliding(4*ms, ms), reset, true, "window"},
		"trigger": {window.Tumbling(ms), func(w stream.WindowedStream[string, sale]) stream.WindowedStream[string, sale] {
			return w.Trigger(window.EveryCount(2))
		}, false, "window"},
		"evictor": {window.Tumbling(ms), func(w stream.WindowedStream[string, sale]) stream.WindowedStream[string, sale] {
			return w.Evictor(window.KeepCount(2))
		}, false, "window"},
		"lateness": {window.Tumbling(ms), func(w stream.WindowedStream[string, sale]) stream.WindowedStream[string, sale] {
			return w.AllowedLateness(ms)
		}, false, "sliced window"},
		"late output": {window.Tumbling(ms), func(w stream.WindowedStream[string, sale]) stream.WindowedStream[string, sale] {
			return w.SideOutputLateData(stream.NewOutputTag[sale]("late"))
		}, false, "sliced window"},
	} {
		t.Run(name, func(t *testing.T) {
			env := streamtest.NewEnvironment(t)
			w := c.change(stream.Window(stream.KeyBy(streamtest.Input[sale](env).Stream(), sale.item), c.assigner))
			if c.reduce {
				stream.ReduceWindow(w, first)
			} else {
				stream.Aggregate(w, sum)
			}
			if got := strings.Join(streamtest.Operators(env)[1:], ", "); got != c.want {
				t.Errorf("built %q, want %q", got, c.want)
			}
		})
	}
}

// hoarding has state in each window.
type hoarding struct {
	InWindow struct {
		window.PerWindow
		Seen state.Value[int64] `state:"seen"`
	}
}

func (h *hoarding) Process(_ *stream.WindowContext[string], elements iter.Seq[sale], out stream.Collector[sale]) error {
	for e := range elements {
		h.InWindow.Seen.Update(func(n *int64) { *n++ })
		e.Amount, _ = h.InWindow.Seen.Get()
		out.Collect(e)
	}
	return nil
}

// twice declares a name in both of its states.
type twice struct {
	hoarding
	Seen state.Value[int64] `state:"seen"`
}

// unmerged is an aggregate without Merge.
type unmerged struct{}

func (unmerged) Create() int64                    { return 0 }
func (unmerged) Add(acc int64, in sale) int64     { return acc + in.Amount }
func (unmerged) Result(acc int64) int64           { return acc }
func gapOf(sale) time.Duration                    { return ms }
func nameGap(string) time.Duration                { return ms }
func diff(last, current string) float64           { return float64(len(current) - len(last)) }
func oneSale() collection.Source[sale]            { return collection.From([]sale{{"a", 1, 1}}) }
func hoard() *hoarding                            { return new(hoarding) }
func hoardTwice() *twice                          { return new(twice) }
func late() stream.OutputTag[sale]                { return stream.NewOutputTag[sale]("late") }
func inOrder() stream.WatermarkStrategy[sale]     { return stream.MonotonousTimestamps(sale.at) }
func sumOf() window.Aggregate[sale, int64, int64] { return window.Sum(sale.amount) }

func TestBadWindowsAreRefusedWhenTheGraphIsBuilt(t *testing.T) {
	type windows = stream.WindowedStream[string, sale]
	sum := func(w windows) { stream.To(stream.Aggregate(w, sumOf()), discard.Sink[int64]()) }
	hoardAll := func(w windows) { stream.To(stream.ProcessWindow(w, hoard), discard.Sink[sale]()) }
	for name, c := range map[string]struct {
		assigner window.Assigner
		apply    func(w windows)
		want     []string
		// marks says that the source has a watermark strategy.
		marks bool
	}{
		"fine":                {window.Tumbling(ms), sum, nil, true},
		"no watermarks":       {window.Tumbling(ms), sum, []string{"Window Aggregate", "none of its sources emits watermarks", "processing time"}, false},
		"clock":               {window.TumblingProcessing(ms), sum, nil, false},
		"size":                {window.Tumbling(0), sum, []string{"Window Aggregate", "size 0s", "positive"}, true},
		"slide":               {window.Sliding(ms, -ms), sum, []string{"slide -1ms", "positive"}, true},
		"offset":              {window.Sliding(4*ms, 2*ms, -2*ms), sum, []string{"offset -2ms", "less than"}, true},
		"microseconds":        {window.Tumbling(1500 * time.Microsecond), sum, []string{"1.5ms", "whole milliseconds"}, true},
		"gap":                 {window.Session(0), sum, []string{"gap 0s"}, true},
		"gap of another type": {window.DynamicSession(nameGap), sum, []string{"records of type string", "sale"}, true},
		"gap of the type":     {window.DynamicSession(gapOf), sum, nil, true},
		"trigger of another type": {window.Tumbling(ms), func(w windows) {
			sum(w.Trigger(window.Purging(window.Delta(1, diff))))
		}, []string{"deltaTrigger", "records of type string"}, true},
		"trigger that cannot merge": {window.Session(ms), func(w windows) {
			sum(w.Trigger(window.Purging(window.Timeout(window.EveryCount(1), ms))))
		}, []string{"timeout", "OnMerge"}, true},
		"count of nothing": {window.Tumbling(ms), func(w windows) { sum(w.Trigger(window.EveryCount(0))) }, []string{"count of 0"}, true},
		"continuous for ever": {window.Global(), func(w windows) {
			sum(w.Trigger(window.Purging(window.ContinuousEventTime(ms))))
		}, []string{"every interval of event time", "bounded"}, true},
		"continuous clock": {window.Global(), func(w windows) { sum(w.Trigger(window.ContinuousProcessingTime(ms))) }, nil, true},
		"lateness": {window.Tumbling(ms), func(w windows) {
			hoardAll(w.AllowedLateness(-ms))
		}, []string{"allowed lateness of -1 ms"}, true},
		"sliced lateness": {window.Tumbling(ms), func(w windows) { sum(w.AllowedLateness(-ms)) }, []string{"allowed lateness of -1 ms"}, true},
		"evictor":         {window.Tumbling(ms), func(w windows) { sum(w.Evictor(window.KeepCount(-1))) }, []string{"-1", "negative"}, true},
		"sessions with unmergeable aggregate": {window.Session(ms), func(w windows) {
			stream.To(stream.Aggregate(w, unmerged{}), discard.Sink[int64]())
		}, []string{"Merge(a, b Acc) Acc"}, true},
		"state per window that merges": {window.Session(ms), hoardAll, []string{`"seen"`, "merge", "per key"}, true},
		"state per window":             {window.Tumbling(ms), hoardAll, nil, true},
		"a state name twice": {window.Tumbling(ms), func(w windows) {
			stream.To(stream.ProcessWindow(w, hoardTwice), discard.Sink[sale]())
		}, []string{`"seen"`, "taken"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			env, err := stream.NewEnvironment("bad")
			if err != nil {
				t.Fatal(err)
			}
			env.SetParallelism(1)
			var strategies []stream.WatermarkStrategy[sale]
			if c.marks {
				strategies = append(strategies, inOrder())
			}
			c.apply(stream.Window(stream.KeyBy(stream.From(env, oneSale(), strategies...), sale.item), c.assigner))
			_, err = env.Execute(context.Background())
			if (err == nil) != (c.want == nil) {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v\nlacks %q", err, part)
				}
			}
		})
	}
}

// TestEarlyAndLateFirings checks a trigger of this project's own.
func TestEarlyAndLateFirings(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	sales := streamtest.Input[sale](env)
	w := stream.Window(stream.KeyBy(sales.Stream(), sale.item), window.Tumbling(10*ms)).AllowedLateness(10 * ms)
	w = w.Trigger(window.EarlyAndLate(window.ContinuousProcessingTime(5*ms), window.EveryCount(2)))
	out := streamtest.Output(stream.Aggregate(w, window.Count[sale]()))
	h := streamtest.New(t, env)
	expect := func(what string, counts ...int64) {
		t.Helper()
		var got []int64
		for _, item := range out.Take() {
			if item.Kind == streamtest.Record {
				got = append(got, item.Value)
			}
		}
		if !slices.Equal(got, counts) {
			t.Errorf("%s: fired with %v, want %v", what, got, counts)
		}
	}
	sales.SendAt(sale{Item: "a"}, 1)
	h.SetProcessingTime(4)
	expect("before the interval")
	h.SetProcessingTime(5)
	expect("early", 1)
	sales.SendAt(sale{Item: "a"}, 2)
	sales.Watermark(9)
	expect("at the end", 2)
	h.SetProcessingTime(20)
	expect("no longer early")
	sales.SendAt(sale{Item: "a"}, 3)
	expect("one late record")
	sales.SendAt(sale{Item: "a"}, 4)
	expect("two late records", 4)
	sales.Watermark(19)
	sales.SendAt(sale{Item: "a"}, 5)
	expect("too late")
}

// TestWindowAllIsOneSubtask has a program that would be split otherwise.
func TestWindowAllIsOneSubtask(t *testing.T) {
	env, err := stream.NewEnvironment("all")
	if err != nil {
		t.Fatal(err)
	}
	env.SetParallelism(3)
	sales := stream.From(env, collection.From(salesOf(1000)), stream.BoundedOutOfOrderness(50*ms, sale.at)).Rebalance()
	w := stream.WindowAll(stream.Map(sales, func(s sale) sale { return s }), window.GlobalToTheEnd())
	got, err := stream.ExecuteAndCollect(context.Background(), stream.Aggregate(w, window.Avg(sale.amount)))
	var sum int64
	for _, s := range salesOf(1000) {
		sum += s.Amount
	}
	if want := []float64{float64(sum) / 1000}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestLateRecordsGoToTheSideOutput(t *testing.T) {
	for _, slicing := range []bool{true, false} {
		t.Run(fmt.Sprint("slicing ", slicing), func(t *testing.T) {
			env := streamtest.NewEnvironment(t)
			sales := streamtest.Input[sale](env)
			w := stream.Window(stream.KeyBy(sales.Stream(), sale.item), window.Tumbling(10*ms)).SideOutputLateData(late())
			if !slicing {
				w = w.WithoutSlicing()
			}
			sums := stream.Aggregate(w, sumOf())
			out, side := streamtest.Output(sums), streamtest.Output(stream.SideOutput(sums, late()))
			streamtest.New(t, env)
			sales.Watermark(10)
			sales.SendAt(sale{"a", 1, 9}, 9)
			sales.SendAt(sale{"a", 2, 10}, 10)
			sales.Watermark(20)
			var text []string
			for _, item := range out.Take() {
				text = append(text, item.String())
			}
			if got := fmt.Sprint(text); got != "[watermark 10 2 @ 19 watermark 20]" {
				t.Errorf("main output: %v", got)
			}
			if got := fmt.Sprint(side.Take()); !strings.Contains(got, "{Item:a Amount:1 At:9} @ 9") || strings.Contains(got, "Amount:2") {
				t.Errorf("late output: %v", got)
			}
		})
	}
}
