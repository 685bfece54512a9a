package main

import (
	"slices"

	"github.com/weir-stream/weir/api/stream"
)

// lateLeft and lateRight are the side outputs of interval joins.
var (
	lateLeft  = stream.NewOutputTag[event]("lateLeft")
	lateRight = stream.NewOutputTag[event]("lateRight")
)

// pairs emits each pair of an interval join.
type pairs struct{}

func (pairs) Process(ctx *stream.JoinContext, left, right event, out stream.Collector[row]) error {
	out.Collect(rowOf(fields{
		"key": left.Key, "left": left.N, "right": right.N, "leftTs": ctx.LeftTimestamp(), "rightTs": ctx.RightTimestamp(),
	}))
	return nil
}

func buildIntervalJoin(p *program) {
	join := stream.IntervalJoin(p.keyed(), p.keyed()).Between(p.params.millis("lower"), p.params.millis("upper"))
	if p.params.flag("lowerExclusive") {
		join = join.LowerBoundExclusive()
	}
	if p.params.flag("upperExclusive") {
		join = join.UpperBoundExclusive()
	}
	late := p.params.flag("lateOutputs")
	if late {
		join = join.SideOutputLeftLateData(lateLeft).SideOutputRightLateData(lateRight)
	}
	out := stream.ProcessJoin(join, func() pairs { return pairs{} })
	emits(p, out)
	if late {
		emitsBeside(p, out, lateLeft)
		emitsBeside(p, out, lateRight)
	}
	p.unordered = true // in which order a record meets its partners is that of a hash map in Flink
}

func buildWindowJoin(p *program) {
	emits(p, stream.ApplyJoin(joinedWindows(p), func(left, right event) row {
		return rowOf(fields{"key": left.Key, "left": left.N, "right": right.N})
	}))
	p.unordered = isSession(p.params) // elements of merged sessions have no order, and so their pairs have none
}

func buildCoGroup(p *program) {
	emits(p, stream.CoGroup(joinedWindows(p), func() groups { return groups{} }))
	if isSession(p.params) {
		p.sets = []string{"left", "right"}
	}
}

// joinedWindows reads assigner, trigger, evictor and lateness of the windows of two streams.
func joinedWindows(p *program) stream.JoinedWindows[string, event, event] {
	elements := elements[stream.Tagged[event, event]]{p, func(of stream.Tagged[event, event]) int64 {
		if of.IsRight {
			return of.Right.Value
		}
		return of.Left.Value
	}}
	w := stream.WindowJoin(p.keyed(), p.keyed(), elements.assigner())
	if newTrigger := elements.trigger(); newTrigger != nil {
		w = w.Trigger(newTrigger)
	}
	if p.params.has("evictor") {
		w = w.Evictor(elements.evictor())
	}
	if p.params.has("allowedLateness") {
		w = w.AllowedLateness(p.params.millis("allowedLateness"))
	}
	return w
}

// groups emits which elements of either side are in the window.
type groups struct{}

func (groups) CoGroup(ctx *stream.WindowContext[string], left, right []event, out stream.Collector[row]) error {
	out.Collect(rowOf(fields{"key": ctx.Key(), "left": ordinals(slices.Values(left)), "right": ordinals(slices.Values(right))}))
	return nil
}
