package docs_test

import (
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/state"
)

// refusal is why a program over clicks of a bounded source cannot be built.
func refusal(t *testing.T, build func(clicks stream.DataStream[Click])) string {
	t.Helper()
	env := streamtest.NewEnvironment(t)
	clicks := stream.From(env, collection.Of(Click{User: "ada"}), stream.MonotonousTimestamps(Click.Time))
	build(clicks)
	_, err := env.Execute(t.Context())
	if err == nil {
		t.Fatal("the program was accepted")
	}
	return err.Error()
}

type timersWithoutKeys struct{ sorting }

func (timersWithoutKeys) OnTimer(*stream.OnTimerContext[string], stream.Collector[Click]) error {
	return nil
}

type openWithoutContext struct{ sorting }

func (openWithoutContext) Open() error { return nil }

type sameNames struct {
	dedup
	Other state.Value[bool] `state:"seen"`
}

type unknownOption struct {
	dedup
	Other state.Value[bool] `state:"other,tll=1h"`
}

type copied struct {
	sorting
	Seen state.Value[bool] `state:"seen"`
}

type listPerWindow struct {
	distinct
	Open state.OperatorList[Click] `state:"open"`
}

type distinctOpened struct{ distinct }

func (distinctOpened) Open() error { return nil }

type sessionState struct {
	InWindow struct {
		window.PerWindow
		Count state.Value[int64] `state:"count"`
	}
}

func (*sessionState) Process(*stream.WindowContext[string], iter.Seq[Click], stream.Collector[Click]) error {
	return nil
}

// TestMistakesThatThePagesName are found when the graph is built.
func TestMistakesThatThePagesName(t *testing.T) {
	for name, mistake := range map[string]struct {
		build func(clicks stream.DataStream[Click])
		says  string
	}{
		"timers without keys": {func(clicks stream.DataStream[Click]) {
			drop(stream.ProcessEach(clicks, func() timersWithoutKeys { return timersWithoutKeys{} }))
		}, "KeyBy"},
		"another signature": {func(clicks stream.DataStream[Click]) {
			drop(stream.ProcessEach(clicks, func() openWithoutContext { return openWithoutContext{} }))
		}, "never be called"},
		"a name twice": {func(clicks stream.DataStream[Click]) {
			drop(stream.Process(stream.KeyBy(clicks, Click.UserID), func() *sameNames { return new(sameNames) }))
		}, `"seen"`},
		"an unknown option": {func(clicks stream.DataStream[Click]) {
			drop(stream.Process(stream.KeyBy(clicks, Click.UserID), func() *unknownOption { return new(unknownOption) }))
		}, `"tll=1h"`},
		"a struct with state": {func(clicks stream.DataStream[Click]) {
			drop(stream.ProcessEach(clicks, func() copied { return copied{} }))
		}, "pointer"},
		"state without keys in a window function": {func(clicks stream.DataStream[Click]) {
			perMinute := stream.Window(stream.KeyBy(clicks, Click.UserID), window.Tumbling(time.Minute))
			drop(stream.ProcessWindow(perMinute, func() *listPerWindow { return new(listPerWindow) }))
		}, `"open"`},
		"another signature in a window function": {func(clicks stream.DataStream[Click]) {
			perMinute := stream.Window(stream.KeyBy(clicks, Click.UserID), window.Tumbling(time.Minute))
			drop(stream.ProcessWindow(perMinute, func() distinctOpened { return distinctOpened{} }))
		}, "never be called"},
		"state per window that merges": {func(clicks stream.DataStream[Click]) {
			sessions := stream.Window(stream.KeyBy(clicks, Click.UserID), window.Session(time.Minute))
			drop(stream.ProcessWindow(sessions, func() *sessionState { return new(sessionState) }))
		}, "merge"},
		"endless firings": {func(clicks stream.DataStream[Click]) {
			all := stream.WindowAll(clicks, window.Global()).Trigger(window.ContinuousEventTime(time.Second))
			drop(stream.Aggregate(all, window.Count[Click]()))
		}, "bounded"},
		"two types of a side output": {func(clicks stream.DataStream[Click]) {
			dear := stream.ProcessEach(clicks, func() sorting { return sorting{} })
			drop(stream.SideOutput(dear, cheap))
			drop(stream.SideOutput(dear, stream.NewOutputTag[string]("cheap")))
		}, `"cheap"`},
		"one UID for two": {func(clicks stream.DataStream[Click]) {
			same := func(c Click) Click { return c }
			drop(stream.Map(stream.Map(clicks, same).UID("same"), same).UID("same"))
		}, "uid"},
		"alignment behind the source": {func(clicks stream.DataStream[Click]) {
			drop(stream.AssignTimestampsAndWatermarks(clicks, stream.MonotonousTimestamps(Click.Time).WithAlignment("g", 0, 0)))
		}, "source"},
		"a property of a union": {func(clicks stream.DataStream[Click]) {
			drop(stream.Union(clicks, clicks).Name("both"))
		}, "union"},
	} {
		t.Run(name, func(t *testing.T) {
			if says := refusal(t, mistake.build); !strings.Contains(says, mistake.says) {
				t.Errorf("it says %q, which lacks %q", says, mistake.says)
			}
		})
	}
}

func TestEventTimeWindowsWithoutWatermarksAreRefused(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	clicks := stream.From(env, collection.Of(Click{}), stream.NoWatermarks(Click.Time))
	drop(stream.Aggregate(stream.WindowAll(clicks, window.Tumbling(time.Minute)), window.Count[Click]()))
	if _, err := env.Execute(t.Context()); err == nil || !strings.Contains(err.Error(), "watermark") {
		t.Errorf("got %v", err)
	}
}

// TestFasterWaysAreTakenAsThePageSays looks at what the operators of windows do.
func TestFasterWaysAreTakenAsThePageSays(t *testing.T) {
	const plain, inSlices, ahead = "window", "sliced window", "sliced window of partials"
	tumbling, sliding := window.Tumbling(time.Minute), window.Sliding(time.Minute, time.Second)
	larger := func(a, b Click) Click { return a }
	for name, test := range map[string]struct {
		build func(byUser stream.KeyedStream[string, Click])
		want  string
	}{
		"tumbling": {func(s stream.KeyedStream[string, Click]) {
			drop(stream.Aggregate(stream.Window(s, tumbling), meanPrice))
		}, ahead},
		"sliding": {func(s stream.KeyedStream[string, Click]) {
			drop(stream.Aggregate(stream.Window(s, sliding), meanPrice))
		}, ahead},
		"reduce of a tumbling window": {func(s stream.KeyedStream[string, Click]) {
			drop(stream.ReduceWindow(stream.Window(s, tumbling), larger))
		}, ahead},
		"reduce of a sliding window": {func(s stream.KeyedStream[string, Click]) {
			drop(stream.ReduceWindow(stream.Window(s, sliding), larger))
		}, plain},
		"late records": {func(s stream.KeyedStream[string, Click]) {
			drop(stream.Aggregate(stream.Window(s, sliding).AllowedLateness(time.Second), meanPrice))
		}, inSlices},
		"processing time": {func(s stream.KeyedStream[string, Click]) {
			drop(stream.Aggregate(stream.Window(s, window.TumblingProcessing(time.Minute)), meanPrice))
		}, inSlices},
		"without pre-aggregation": {func(s stream.KeyedStream[string, Click]) {
			drop(stream.Aggregate(stream.Window(s, sliding).WithoutPreAggregation(), meanPrice))
		}, inSlices},
		"without slicing": {func(s stream.KeyedStream[string, Click]) {
			drop(stream.Aggregate(stream.Window(s, sliding).WithoutSlicing(), meanPrice))
		}, plain},
		"a trigger": {func(s stream.KeyedStream[string, Click]) {
			drop(stream.Aggregate(stream.Window(s, sliding).Trigger(window.EventTime()), meanPrice))
		}, plain},
		"an evictor": {func(s stream.KeyedStream[string, Click]) {
			drop(stream.Aggregate(stream.Window(s, sliding).Evictor(window.KeepCount(1)), meanPrice))
		}, plain},
		"all records": {func(s stream.KeyedStream[string, Click]) {
			drop(stream.ProcessWindow(stream.Window(s, tumbling), func() distinct { return distinct{} }))
		}, plain},
		"a session": {func(s stream.KeyedStream[string, Click]) {
			drop(stream.Aggregate(stream.Window(s, window.Session(time.Minute)), meanPrice))
		}, "session window"},
	} {
		t.Run(name, func(t *testing.T) {
			env := streamtest.NewEnvironment(t)
			clicks := streamtest.Input[Click](env)
			test.build(stream.KeyBy(clicks.Stream(), Click.UserID))
			if got := streamtest.Operators(env); !slices.Contains(got, test.want) {
				t.Errorf("operators %q, want one that is a %q", got, test.want)
			}
		})
	}
}
