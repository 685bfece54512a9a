package main

import (
	"github.com/weir-stream/weir/api/stream"
)

func sumOf(a, b event) event {
	a.Value += b.Value
	return a
}

func valueOf(e event) int64   { return e.Value }
func valueIn(e *event) *int64 { return &e.Value }

func buildRolling(p *program) {
	in := p.keyed()
	switch function := p.params.text("function"); function {
	case "reduce-sum":
		emits(p, stream.Reduce(in, sumOf))
	case "sum":
		emits(p, stream.Sum(in, valueIn))
	case "min":
		emits(p, stream.Min(in, valueIn))
	case "max":
		emits(p, stream.Max(in, valueIn))
	case "minBy":
		emits(p, stream.MinBy(in, valueOf, stream.First))
	case "maxBy":
		emits(p, stream.MaxBy(in, valueOf, stream.First))
	case "minBy-last":
		emits(p, stream.MinBy(in, valueOf, stream.Last))
	case "maxBy-last":
		emits(p, stream.MaxBy(in, valueOf, stream.Last))
	default:
		fail("rolling function %q is not understood", function)
	}
}
