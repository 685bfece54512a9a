package stream

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/state"
)

var sideTag = NewOutputTag[row]("side")

// commandTime is the time that a command such as "et 10" names.
func commandTime(cmd string) int64 {
	at, err := strconv.ParseInt(cmd[strings.IndexByte(cmd, ' ')+1:], 10, 64)
	if err != nil {
		panic(err)
	}
	return at
}

// timerCommand does what the vectors' timer commands say and reports whether cmd was one.
func timerCommand(ctx *KeyedContext[string], cmd string) bool {
	kind, _, ok := strings.Cut(cmd, " ")
	if !ok {
		return false
	}
	switch kind {
	case "et":
		ctx.RegisterEventTimeTimer(commandTime(cmd))
	case "pt":
		ctx.RegisterProcessingTimeTimer(commandTime(cmd))
	case "det":
		ctx.DeleteEventTimeTimer(commandTime(cmd))
	case "dpt":
		ctx.DeleteProcessingTimeTimer(commandTime(cmd))
	default:
		return false
	}
	return true
}

// follow registers the timer that the vectors' functions let follow a fired one.
func follow(ctx *OnTimerContext[string]) {
	at := ctx.Timestamp()
	var next int64
	switch (at%10 + 10) % 10 {
	case 7:
		next = at + 4
	case 8:
		next = at - 5
	case 9:
		next = at + 101
	default:
		return
	}
	if ctx.TimeDomain() == EventTime {
		ctx.RegisterEventTimeTimer(next)
	} else {
		ctx.RegisterProcessingTimeTimer(next)
	}
}

// timers is the function "timers" of the vectors.
type timers struct {
	Count state.Value[int64] `state:"count"`
}

func (f *timers) Process(ctx *KeyedContext[string], in scripted, out Collector[row]) error {
	count, _ := f.Count.Get()
	count++
	f.Count.Set(count)
	if timerCommand(ctx, in.Cmd) {
		return nil
	}
	switch in.Cmd {
	case "emit":
		fields := map[string]any{"key": ctx.Key(), "count": count, "wm": ctx.CurrentWatermark(), "pt": ctx.CurrentProcessingTime(), "ts": nil}
		if at, ok := ctx.Timestamp(); ok {
			fields["ts"] = at
		}
		out.Collect(rowOf(fields))
	case "side":
		sideTag.Emit(ctx, rowOf(map[string]any{"key": ctx.Key(), "n": in.N}))
	case "clear":
		f.Count.Clear()
	default:
		return fmt.Errorf("unknown command %q", in.Cmd)
	}
	return nil
}

func (f *timers) OnTimer(ctx *OnTimerContext[string], out Collector[row]) error {
	count, ok := f.Count.Get()
	fields := map[string]any{
		"key": ctx.Key(), "timer": ctx.Timestamp(), "domain": ctx.TimeDomain().String(), "count": count,
		"ts": ctx.Timestamp(), "wm": ctx.CurrentWatermark(), "pt": ctx.CurrentProcessingTime(),
	}
	if !ok {
		fields["count"] = nil
	}
	out.Collect(rowOf(fields))
	follow(ctx)
	return nil
}

// coTimers is the function "coTimers" of the vectors.
type coTimers struct {
	All state.List[int64] `state:"all"`
}

func (f *coTimers) list() []int64 {
	if all := f.All.Slice(); all != nil {
		return all
	}
	return []int64{}
}

func (f *coTimers) Process1(ctx *KeyedContext[string], in scripted, _ Collector[row]) error {
	if timerCommand(ctx, in.Cmd) {
		return nil
	}
	if in.Cmd != "add" {
		return fmt.Errorf("unknown command %q", in.Cmd)
	}
	f.All.Add(in.N)
	return nil
}

func (f *coTimers) Process2(ctx *KeyedContext[string], in scripted, out Collector[row]) error {
	if timerCommand(ctx, in.Cmd) {
		return nil
	}
	switch in.Cmd {
	case "read":
		fields := map[string]any{"key": ctx.Key(), "n": in.N, "list": f.list(), "ts": nil, "wm": ctx.CurrentWatermark()}
		if at, ok := ctx.Timestamp(); ok {
			fields["ts"] = at
		}
		out.Collect(rowOf(fields))
	case "clear":
		f.All.Clear()
	default:
		return fmt.Errorf("unknown command %q", in.Cmd)
	}
	return nil
}

func (f *coTimers) OnTimer(ctx *OnTimerContext[string], out Collector[row]) error {
	out.Collect(rowOf(map[string]any{
		"key": ctx.Key(), "timer": ctx.Timestamp(), "domain": ctx.TimeDomain().String(), "list": f.list(), "wm": ctx.CurrentWatermark(),
	}))
	follow(ctx)
	return nil
}

// rules is the function "rules" of the vectors.
type rules struct {
	Seen  state.Value[int64]             `state:"seen"`
	Rules state.Broadcast[string, int64] `state:"rules"`
}

func (f *rules) Process(ctx *KeyedContext[string], in scripted, out Collector[row]) error {
	seen, _ := f.Seen.Get()
	seen++
	f.Seen.Set(seen)
	if timerCommand(ctx, in.Cmd) {
		return nil
	}
	switch in.Cmd {
	case "match":
	case "clear":
		f.Seen.Clear()
		return nil
	default:
		return fmt.Errorf("unknown command %q", in.Cmd)
	}
	out.Collect(rowOf(map[string]any{
		"key": ctx.Key(), "n": in.N, "seen": seen, "rules": maps.Collect(f.Rules.All()), "wm": ctx.CurrentWatermark(),
	}))
	return nil
}

func (f *rules) OnTimer(ctx *OnTimerContext[string], out Collector[row]) error {
	out.Collect(rowOf(map[string]any{
		"key": ctx.Key(), "timer": ctx.Timestamp(), "domain": ctx.TimeDomain().String(), "rules": maps.Collect(f.Rules.All()), "wm": ctx.CurrentWatermark(),
	}))
	return nil
}

func (f *rules) ProcessBroadcast(ctx *KeyedBroadcastContext[string], in scripted, out Collector[row]) error {
	words := strings.Fields(in.Cmd)
	switch words[0] {
	case "put":
		f.Rules.Put(words[1], commandTime(words[1]+" "+words[2]))
	case "del":
		f.Rules.Remove(words[1])
	case "all":
		return ctx.ApplyToKeyedState(func(key string) error {
			seen, _ := f.Seen.Get()
			out.Collect(rowOf(map[string]any{"key": key, "n": in.N, "all": seen}))
			return nil
		})
	case "reset":
		return ctx.ApplyToKeyedState(func(string) error {
			f.Seen.Clear()
			return nil
		})
	default:
		return fmt.Errorf("unknown command %q", in.Cmd)
	}
	return nil
}

func byKey(s DataStream[scripted]) KeyedStream[string, scripted] {
	return KeyBy(s, func(in scripted) string { return in.Key })
}

func TestProcessFunctionsAgainstFlink(t *testing.T) {
	readVectors(t, "process.jsonl", 70, func(t *testing.T, v vector) {
		replay(t, v, false, func(_ *Environment, s [2]DataStream[scripted]) *graph.StreamNode {
			var out DataStream[row]
			switch v.Operator["kind"] {
			case "keyedProcess":
				out = Process(byKey(s[0]), func() *timers { return new(timers) })
			case "keyedCoProcess":
				out = KeyedCoProcess(ConnectKeyed(byKey(s[0]), byKey(s[1])), func() *coTimers { return new(coTimers) })
			case "keyedBroadcast":
				out = KeyedBroadcastProcess(ConnectKeyedBroadcast(byKey(s[0]), s[1]), func() *rules { return new(rules) })
			default:
				t.Fatalf("unknown operator %v", v.Operator)
			}
			return out.parts[0].node
		})
	})
}
