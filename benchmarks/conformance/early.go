package main

import (
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/state"
)

// early is a trigger as a user writes one: it fires at every second element, at the window's end, and at once for an element
// that comes after that, which does not count.
type early struct {
	Count state.Value[int64] `state:"count"`
}

func newEarly() window.Trigger { return new(early) }

func (t *early) OnElement(ctx *window.TriggerContext, _ int64) window.TriggerResult {
	if ctx.Window().MaxTimestamp() <= ctx.CurrentWatermark() {
		return window.Fire
	}
	ctx.RegisterEventTimeTimer(ctx.Window().MaxTimestamp())
	count, _ := t.Count.Get()
	if count+1 < 2 {
		t.Count.Set(count + 1)
		return window.Continue
	}
	t.Count.Clear()
	return window.Fire
}

func (t *early) OnEventTime(ctx *window.TriggerContext, at int64) window.TriggerResult {
	if at == ctx.Window().MaxTimestamp() {
		return window.Fire
	}
	return window.Continue
}

func (t *early) OnProcessingTime(*window.TriggerContext, int64) window.TriggerResult {
	return window.Continue
}

func (t *early) Clear(ctx *window.TriggerContext) {
	ctx.DeleteEventTimeTimer(ctx.Window().MaxTimestamp())
	t.Count.Clear()
}

func (t *early) OnMerge(ctx *window.TriggerContext) {
	var sum int64
	ctx.EachMerged(func(window.Window) {
		count, _ := t.Count.Get()
		sum += count
	})
	if sum > 0 {
		t.Count.Set(sum)
	}
	if end := ctx.Window().MaxTimestamp(); end > ctx.CurrentWatermark() {
		ctx.RegisterEventTimeTimer(end)
	}
}
