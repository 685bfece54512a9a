package streamtest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
	"github.com/weir-stream/weir/api/window"
)

// reminding registers a timer of each domain for the value of each record.
type reminding struct{}

func (reminding) Process(ctx *stream.KeyedContext[string], in reading, _ stream.Collector[string]) error {
	ctx.RegisterEventTimeTimer(in.Value)
	ctx.RegisterProcessingTimeTimer(in.Value)
	return nil
}

func (reminding) OnTimer(ctx *stream.OnTimerContext[string], out stream.Collector[string]) error {
	out.Collect(fmt.Sprintf("%s %s %d at %d", ctx.Key(), ctx.TimeDomain(), ctx.Timestamp(), ctx.CurrentProcessingTime()))
	return nil
}

func reminders(t *testing.T, opts ...streamtest.Option) (*streamtest.Feed[reading], *streamtest.Recorded[string], *streamtest.Harness) {
	env := streamtest.NewEnvironment(t)
	in := streamtest.Input[reading](env)
	out := streamtest.Output(stream.Process(stream.KeyBy(in.Stream(), reading.sensor), func() reminding { return reminding{} }).UID("reminders"))
	return in, out, streamtest.New(t, env, opts...)
}

func TestTimersFireWhenTheirTimeHasCome(t *testing.T) {
	in, out, h := reminders(t)
	in.Send(reading{"a", 10}, reading{"b", 5}, reading{"a", 10})
	equal(t, "timers", streamtest.Timers[string](h, "reminders"), []streamtest.Timer[string]{
		{Key: "b", At: 5}, {Key: "a", At: 10}, {Key: "b", At: 5, Processing: true}, {Key: "a", At: 10, Processing: true},
	})
	h.SetProcessingTime(4)
	equal(t, "before any is due", out.TakeValues(), nil)
	h.SetProcessingTime(12)
	equal(t, "of processing time", out.TakeValues(), []string{"b processing 5 at 12", "a processing 10 at 12"})
	in.Watermark(9)
	equal(t, "of event time", out.TakeValues(), []string{"b event 5 at 12"})

	h.Restore(h.Snapshot(), streamtest.Parallelism(2))
	equal(t, "timers after a restore", streamtest.Timers[string](h, "reminders"), []streamtest.Timer[string]{{Key: "a", At: 10}})
	h.EndInput()
	equal(t, "at the end", out.TakeValues(), []string{"a event 10 at 12"})
}

func TestTimersThatAreDueFireAtOnceOrWait(t *testing.T) {
	in, out, _ := reminders(t, streamtest.StartAt(100))
	in.Send(reading{"a", 7})
	equal(t, "at once", out.TakeValues(), []string{"a processing 7 at 100"})

	in, out, h := reminders(t, streamtest.StartAt(100), streamtest.DueTimersWait())
	in.Send(reading{"a", 7})
	equal(t, "while the clock stands", out.TakeValues(), nil)
	h.SetProcessingTime(100)
	equal(t, "when it is set", out.TakeValues(), []string{"a processing 7 at 100"})
}

func TestBareInputsGoPastTheValve(t *testing.T) {
	for _, bare := range []bool{false, true} {
		env := streamtest.NewEnvironment(t)
		in := streamtest.Input[reading](env)
		out := streamtest.Output(stream.Reduce(stream.KeyBy(in.Stream(), reading.sensor), func(a, b reading) reading { return a }))
		var opts []streamtest.Option
		if bare {
			opts = append(opts, streamtest.BareInputs())
		}
		streamtest.New(t, env, opts...)
		in.Idle()
		in.Watermark(5)
		want := "[idle]" // a watermark of an idle channel counts for nothing
		if bare {
			want = "[idle watermark 5]"
		}
		equal(t, fmt.Sprintf("bare %v", bare), fmt.Sprint(out.Take()), want)
	}
}

// Pre-aggregation holds records back before the shuffle, which must not be lost by a snapshot.
func TestASnapshotHasWhatIsHeldBack(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	in := streamtest.Input[reading](env)
	perSecond := stream.Window(stream.KeyBy(in.Stream(), reading.sensor), window.Tumbling(time.Second))
	out := streamtest.Output(stream.Aggregate(perSecond, window.Count[reading]()))
	h := streamtest.New(t, env)
	in.SendAt(reading{"a", 1}, 1)
	in.SendAt(reading{"a", 1}, 2)
	h.Restore(h.Snapshot(), streamtest.Parallelism(2))
	in.SendAt(reading{"a", 1}, 3)
	in.Watermark(999)
	equal(t, "counts", out.TakeValues(), []int64{3})
}
