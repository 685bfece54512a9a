package main

import (
	"maps"
	"strings"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/state"
)

func buildKeyedBroadcast(p *program) {
	p.params.must("function", "rules")
	emits(p, stream.KeyedBroadcastProcess(stream.ConnectKeyedBroadcast(p.keyed(), p.input()), func() *rules { return new(rules) }))
}

// rules counts the elements of each key, and keeps the rules that the second input puts.
type rules struct {
	Seen  state.Value[int64]             `state:"seen"`
	Rules state.Broadcast[string, int64] `state:"rules"`
}

func (f *rules) Process(ctx *stream.KeyedContext[string], in event, out stream.Collector[row]) error {
	f.Seen.Update(func(seen *int64) { *seen++ })
	if timerCommand(ctx, in.Cmd) {
		return nil
	}
	switch in.Cmd {
	case "match":
		out.Collect(rowOf(fields{
			"key": ctx.Key(), "n": in.N, "seen": orNull(f.Seen.Get()), "rules": f.all(), "wm": ctx.CurrentWatermark(),
		}))
	case "clear":
		f.Seen.Clear()
	default:
		fail("command %q is not understood", in.Cmd)
	}
	return nil
}

func (f *rules) all() map[string]int64 { return maps.Collect(f.Rules.All()) }

func (f *rules) ProcessBroadcast(ctx *stream.KeyedBroadcastContext[string], in event, out stream.Collector[row]) error {
	words := strings.Fields(in.Cmd)
	switch words[0] {
	case "put":
		f.Rules.Put(words[1], wholeNumber(words[2]))
	case "del":
		f.Rules.Remove(words[1])
	case "all":
		return ctx.ApplyToKeyedState(func(key string) error {
			out.Collect(rowOf(fields{"key": key, "n": in.N, "all": orNull(f.Seen.Get())}))
			return nil
		})
	case "reset":
		return ctx.ApplyToKeyedState(func(string) error {
			f.Seen.Clear()
			return nil
		})
	default:
		fail("command %q is not understood", in.Cmd)
	}
	return nil
}

func (f *rules) OnTimer(ctx *stream.OnTimerContext[string], out stream.Collector[row]) error {
	out.Collect(rowOf(fields{
		"key": ctx.Key(), "timer": ctx.Timestamp(), "domain": ctx.TimeDomain().String(), "rules": f.all(), "wm": ctx.CurrentWatermark(),
	}))
	return nil
}
