package stream_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
	"github.com/weir-stream/weir/api/window"
)

// sides emits what a window has, and when it goes.
type sides struct{ gone *[]string }

func (s sides) CoGroup(ctx *stream.WindowContext[string], left, right []string, out stream.Collector[string]) error {
	out.Collect(fmt.Sprint(ctx.Window(), left, right))
	return nil
}

func (s sides) Clear(ctx *stream.WindowContext[string]) error {
	*s.gone = append(*s.gone, ctx.Window().String())
	return nil
}

// TestLateRecordsOfJoinedWindows has late records of both streams, and a co-group function that is told when its windows go.
func TestLateRecordsOfJoinedWindows(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	left, right := streamtest.Input[string](env), streamtest.Input[string](env)
	lateLeft, lateRight := stream.NewOutputTag[string]("left"), stream.NewOutputTag[string]("right")
	key := func(string) string { return "k" }
	var gone []string
	windows := stream.WindowJoin(stream.KeyBy(left.Stream(), key), stream.KeyBy(right.Stream(), key), window.Tumbling(10*time.Millisecond)).
		SideOutputLeftLateData(lateLeft).SideOutputRightLateData(lateRight)
	groups := stream.CoGroup(windows, func() sides { return sides{&gone} })
	onlyLeft := stream.ApplyJoin(stream.WindowJoin(stream.KeyBy(left.Stream(), key), stream.KeyBy(right.Stream(), key), window.Tumbling(10*time.Millisecond)).
		SideOutputLeftLateData(lateLeft), func(l, r string) string { return l + r })
	main := streamtest.Output(groups)
	lateOnes := []*streamtest.Recorded[string]{
		streamtest.Output(stream.SideOutput(groups, lateLeft)), streamtest.Output(stream.SideOutput(groups, lateRight)), streamtest.Output(stream.SideOutput(onlyLeft, lateLeft)),
	}
	h := streamtest.New(t, env)
	left.SendAt("a", 5)
	right.SendAt("b", 6)
	left.Watermark(12)
	right.Watermark(12)
	left.SendAt("late a", 7)
	right.SendAt("late b", 8)
	left.SendAt("c", 13)
	h.Run()
	if got := fmt.Sprint(main.TakeValues(), gone); got != "[[0, 10) [a] [b]] [[0, 10)]" {
		t.Errorf("groups and windows that went: %s", got)
	}
	for i, want := range []string{"[late a]", "[late b]", "[late a]"} {
		if got := fmt.Sprint(lateOnes[i].TakeValues()); got != want {
			t.Errorf("late output %d: %s, want %s", i, got, want)
		}
	}
}

// TestCountWindowAllSliding takes the last three at every second record of all keys.
func TestCountWindowAllSliding(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	in := streamtest.Input[int](env)
	out := streamtest.Output(stream.ReduceWindow(stream.CountWindowAllSliding(in.Stream(), 3, 2), func(a, b int) int { return a + b }))
	h := streamtest.New(t, env)
	for i := range 6 {
		in.Send(1 << i)
	}
	h.Run()
	if got := fmt.Sprint(out.TakeValues()); got != "[3 14 56]" {
		t.Errorf("sums %s, want [3 14 56]", got)
	}
}
