package docs_test

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
	"github.com/weir-stream/weir/api/window"
)

// lateClicks are those that come too late for clicksPerMinute.
var lateClicks = stream.NewOutputTag[Click]("late")

// clicksPerMinute is the part of a program that the tests are about.
func clicksPerMinute(clicks stream.DataStream[Click]) stream.DataStream[Row] {
	byUser := stream.KeyBy(clicks, Click.UserID)
	perMinute := stream.Window(byUser, window.Tumbling(time.Minute)).
		AllowedLateness(10 * time.Second).
		SideOutputLateData(lateClicks)
	return stream.AggregateWith(perMinute, window.Count[Click](), func() asRow { return asRow{} }).UID("perMinute")
}

func TestClicksPerMinute(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	clicks := streamtest.Input[Click](env)
	counts := clicksPerMinute(clicks.Stream())
	rows, late := streamtest.Output(counts), streamtest.Output(stream.SideOutput(counts, lateClicks))
	h := streamtest.New(t, env)

	clicks.SendAt(Click{User: "ada"}, 1_000)
	clicks.SendAt(Click{User: "ada"}, 59_999)
	clicks.SendAt(Click{User: "ada"}, 60_000) // belongs to the next minute
	expect(t, rows.TakeValues(), nil)

	clicks.Watermark(59_999)
	expect(t, rows.Take(), []streamtest.Item[Row]{
		streamtest.At(Row{"ada", 0, 2}, 59_999),
		{Kind: streamtest.Watermark, Timestamp: 59_999},
	})

	clicks.SendAt(Click{User: "ada"}, 30_000) // late, but allowed
	expect(t, rows.TakeValues(), []Row{{"ada", 0, 3}})

	clicks.Watermark(70_000)
	clicks.SendAt(Click{User: "ada"}, 30_000) // too late
	expect(t, late.TakeValues(), []Click{{User: "ada"}})

	h.Restore(h.Snapshot(), streamtest.Parallelism(3), streamtest.StateBackend("pebble"))
	h.EndInput()
	expect(t, rows.TakeValues(), []Row{{"ada", 60_000, 1}})
}

func expect[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAbsence(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	clicks := streamtest.Input[Click](env)
	byUser := stream.KeyBy(clicks.Stream(), Click.UserID)
	absent := streamtest.Output(stream.Process(byUser, func() *absence { return new(absence) }).UID("absent"))
	h := streamtest.New(t, env)

	clicks.SendAt(Click{User: "ada"}, 1_000)
	due, ok := streamtest.Value[int64](h, "absent", "ada", "due")
	if !ok || due != 61_000 {
		t.Errorf("due %d, %v", due, ok)
	}
	expect(t, streamtest.Timers[string](h, "absent"), []streamtest.Timer[string]{{Key: "ada", At: 61_000}})

	clicks.Watermark(61_000)
	expect(t, absent.TakeValues(), []string{"ada"})
	expect(t, streamtest.Keys[string](h, "absent", "due"), nil)
}

// reminding emits a user ten seconds of the clock after each click.
type reminding struct{}

func (reminding) Process(ctx *stream.KeyedContext[string], _ Click, _ stream.Collector[string]) error {
	ctx.RegisterProcessingTimeTimer(ctx.CurrentProcessingTime() + 10_000)
	return nil
}

func (reminding) OnTimer(ctx *stream.OnTimerContext[string], out stream.Collector[string]) error {
	out.Collect(ctx.Key())
	return nil
}

func TestReminders(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	clicks := streamtest.Input[Click](env)
	reminders := streamtest.Output(stream.Process(stream.KeyBy(clicks.Stream(), Click.UserID), func() reminding { return reminding{} }))
	h := streamtest.New(t, env)

	clicks.Send(Click{User: "ada"})
	h.SetProcessingTime(9_999)
	expect(t, reminders.TakeValues(), nil)
	h.SetProcessingTime(10_000)
	expect(t, reminders.TakeValues(), []string{"ada"})
}

func TestSlowestChannelCounts(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	clicks := streamtest.Input[Click](env, 2)
	rows := streamtest.Output(clicksPerMinute(clicks.Stream()))
	streamtest.New(t, env)

	clicks.Channel(0).SendAt(Click{User: "ada"}, 1_000)
	clicks.Channel(0).Watermark(60_000)
	expect(t, rows.TakeValues(), nil)
	clicks.Channel(1).Idle()
	expect(t, rows.TakeValues(), []Row{{"ada", 0, 1}})
}

func TestAsyncLookUps(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	items := streamtest.Input[string](env)
	names := streamtest.Output(stream.Async(items.Stream(), func(ctx context.Context, item string) ([]string, error) {
		name, err := shop{}.NameOf(ctx, item)
		return []string{name}, err
	}, stream.AsyncOptions[string, string]{}))
	h := streamtest.New(t, env)

	items.Send("p", "q")
	h.Await("both names", func() bool { return len(names.All()) == 2 })
	expect(t, names.TakeValues(), []string{"item p", "item q"})
}

func TestWholeJob(t *testing.T) {
	clicks := []Click{{User: "ada", At: start}, {User: "bob", At: start}, {User: "ada", At: start.Add(time.Minute)}}
	var rows *stream.Collected[Row]
	streamtest.RunJob(t, func(env *stream.Environment) error {
		source := stream.From(env, collection.From(clicks), stream.MonotonousTimestamps(Click.Time))
		rows = stream.Collect(clicksPerMinute(source))
		return nil
	}, streamtest.Properties("parallelism.default=2"))

	got, err := rows.Records()
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b Row) int { return int(a.Start - b.Start) })
	expect(t, len(got), 3)
	expect(t, got[2], Row{"ada", start.Add(time.Minute).UnixMilli(), 1})
}
