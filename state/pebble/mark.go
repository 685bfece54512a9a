package pebble

import (
	"errors"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	changes "github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// Mark copies all entries at once, whatever is asked for.
func (b *Backend[K]) Mark(kind snapshot.MarkKind, to *changes.Rows) state.Capture {
	b.hot.Leave()
	return captureAll(b, b.db.options.Groups, numbers(b.byNumber(), func(c *column) uint16 { return c.Number }), kind, to)
}

// Mark copies all entries at once, whatever is asked for.
func (p *Panes[K]) Mark(kind snapshot.MarkKind, to *changes.Rows) state.Capture {
	return captureAll(p, p.db.options.Groups, numbers(p.descriptors, func(d state.Descriptor) uint16 { return d.Number }), kind, to)
}

// Mark copies all timers at once, whatever is asked for.
func (t *timers[K]) Mark(kind snapshot.MarkKind, to *changes.Rows) state.Capture {
	return captureAll(t, t.db.options.Groups, []uint16{t.number}, kind, to)
}

func numbers[S any](states []S, of func(S) uint16) []uint16 {
	all := make([]uint16, len(states))
	for i, st := range states {
		all[i] = of(st)
	}
	return all
}

func captureAll(part state.Durable, groups keygroup.Range, numbers []uint16, kind snapshot.MarkKind, to *changes.Rows) state.Capture {
	capture, err := state.CaptureAll(part, groups, numbers, kind, to)
	if err != nil {
		if failure := (*state.Failure)(nil); errors.As(err, &failure) {
			panic(failure)
		}
		panic(&state.Failure{Action: "copy", Cause: err})
	}
	return capture
}
