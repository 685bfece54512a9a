package main

import (
	"strconv"
	"strings"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/state"
)

// beside is the side output of process functions.
var beside = stream.NewOutputTag[row]("side")

func buildKeyedProcess(p *program) {
	switch function := p.params.text("function"); function {
	case "timers":
		out := stream.Process(p.keyed(), func() *timers { return new(timers) })
		emits(p, out)
		emitsBeside(p, out, beside)
	case "ttl":
		buildTTL(p)
	default:
		fail("function %q is not understood", function)
	}
}

func buildKeyedCoProcess(p *program) {
	p.params.must("function", "coTimers")
	emits(p, stream.KeyedCoProcess(stream.ConnectKeyed(p.keyed(), p.keyed()), func() *coTimers { return new(coTimers) }))
}

// timerCommand registers or deletes a timer if the command says so, and reports whether it did.
func timerCommand(ctx *stream.KeyedContext[string], cmd string) bool {
	name, argument, _ := strings.Cut(cmd, " ")
	act, ok := map[string]func(int64){
		"et": ctx.RegisterEventTimeTimer, "det": ctx.DeleteEventTimeTimer,
		"pt": ctx.RegisterProcessingTimeTimer, "dpt": ctx.DeleteProcessingTimeTimer,
	}[name]
	if ok {
		act(wholeNumber(argument))
	}
	return ok
}

func wholeNumber(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		fail("%v", err)
	}
	return n
}

// chain registers the timer that follows one that has fired, by the last digit of its time.
func chain(ctx *stream.OnTimerContext[string]) {
	delay, ok := map[int64]int64{7: 4, 8: -5, 9: 101}[(ctx.Timestamp()%10+10)%10]
	switch {
	case !ok:
	case ctx.TimeDomain() == stream.EventTime:
		ctx.RegisterEventTimeTimer(ctx.Timestamp() + delay)
	default:
		ctx.RegisterProcessingTimeTimer(ctx.Timestamp() + delay)
	}
}

// orNull is a value, or nil if there is none.
func orNull[V any](value V, ok bool) any {
	if !ok {
		return nil
	}
	return value
}

// timers counts the elements of each key and does what they say.
type timers struct {
	Count state.Value[int64] `state:"count"`
}

func (f *timers) Process(ctx *stream.KeyedContext[string], in event, out stream.Collector[row]) error {
	f.Count.Update(func(count *int64) { *count++ })
	if timerCommand(ctx, in.Cmd) {
		return nil
	}
	switch in.Cmd {
	case "emit":
		out.Collect(rowOf(fields{
			"key": ctx.Key(), "count": orNull(f.Count.Get()), "ts": orNull(ctx.Timestamp()),
			"wm": ctx.CurrentWatermark(), "pt": ctx.CurrentProcessingTime(),
		}))
	case "side":
		beside.Emit(ctx, rowOf(fields{"key": ctx.Key(), "n": in.N}))
	case "clear":
		f.Count.Clear()
	default:
		fail("command %q is not understood", in.Cmd)
	}
	return nil
}

func (f *timers) OnTimer(ctx *stream.OnTimerContext[string], out stream.Collector[row]) error {
	out.Collect(rowOf(fields{
		"key": ctx.Key(), "timer": ctx.Timestamp(), "domain": ctx.TimeDomain().String(), "count": orNull(f.Count.Get()),
		"ts": ctx.Timestamp(), "wm": ctx.CurrentWatermark(), "pt": ctx.CurrentProcessingTime(),
	}))
	chain(ctx)
	return nil
}

// coTimers keeps a list that the first input appends to and the second reads.
type coTimers struct {
	List state.List[int64] `state:"list"`
}

func (f *coTimers) elements() []int64 { return append([]int64{}, f.List.Slice()...) }

func (f *coTimers) Process1(ctx *stream.KeyedContext[string], in event, out stream.Collector[row]) error {
	return f.process(ctx, in, out)
}

func (f *coTimers) Process2(ctx *stream.KeyedContext[string], in event, out stream.Collector[row]) error {
	return f.process(ctx, in, out)
}

func (f *coTimers) process(ctx *stream.KeyedContext[string], in event, out stream.Collector[row]) error {
	if timerCommand(ctx, in.Cmd) {
		return nil
	}
	switch in.Cmd {
	case "add":
		f.List.Add(in.N)
	case "read":
		out.Collect(rowOf(fields{
			"key": ctx.Key(), "n": in.N, "list": f.elements(), "ts": orNull(ctx.Timestamp()), "wm": ctx.CurrentWatermark(),
		}))
	case "clear":
		f.List.Clear()
	default:
		fail("command %q is not understood", in.Cmd)
	}
	return nil
}

func (f *coTimers) OnTimer(ctx *stream.OnTimerContext[string], out stream.Collector[row]) error {
	out.Collect(rowOf(fields{
		"key": ctx.Key(), "timer": ctx.Timestamp(), "domain": ctx.TimeDomain().String(), "list": f.elements(), "wm": ctx.CurrentWatermark(),
	}))
	chain(ctx)
	return nil
}
