package watermark

import (
	"slices"

	"github.com/weir-stream/weir/runtime/element"
)

// Splits combines the watermarks of the splits that one subtask of a source reads: the lowest of those that are not idle,
// which never goes back; a new split only holds it. It decides and emits nothing itself (Flink's WatermarkOutputMultiplexer).
type Splits struct {
	parts    []*Part
	combined int64
	idle     bool
	said     []element.Event
}

// Part is one split among others.
type Part struct {
	watermark int64
	idle      bool
}

// Watermark is the highest that the split has said.
func (p *Part) Watermark() int64 { return p.watermark }

// Idle reports whether the split is idle.
func (p *Part) Idle() bool { return p.idle }

// NewSplits begins without splits.
func NewSplits() Splits { return Splits{combined: element.NoWatermark} }

// Register adds a split. It holds event time until it has said something.
func (s *Splits) Register() *Part {
	p := &Part{watermark: element.NoWatermark}
	s.parts = append(s.parts, p)
	return p
}

// Unregister takes a split out. It counts no longer from the next call of Combine on.
func (s *Splits) Unregister(p *Part) {
	s.parts = slices.DeleteFunc(s.parts, func(other *Part) bool { return other == p })
}

// Defer notes what a split says; Combine takes it into account.
func (s *Splits) Defer(p *Part, event element.Event) (raised bool) {
	p.idle = event.Kind == element.Idle
	if event.Kind != element.Watermark || event.Time <= p.watermark {
		return false
	}
	p.watermark = event.Time
	return true
}

// Now notes what a split says and returns what follows from it at once. The result is valid until the next call.
func (s *Splits) Now(p *Part, event element.Event) []element.Event {
	raised := s.Defer(p, event)
	if event.Kind == element.Watermark && !(raised && event.Time > s.combined) {
		return nil
	}
	return s.Combine()
}

// Combine returns what follows from all that was said: a higher watermark; that all splits are idle, however often it was
// said before. When the last one has gone idle, the highest watermark of all is let through, since none holds it back. The result is
// valid until the next call.
func (s *Splits) Combine() []element.Event {
	s.said = s.said[:0]
	lowest, highest, active := element.MaxWatermark, element.NoWatermark, false
	for _, p := range s.parts {
		highest = max(highest, p.watermark)
		if !p.idle {
			lowest, active = min(lowest, p.watermark), true
		}
	}
	if len(s.parts) > 0 {
		s.idle = !active
	}
	next := highest
	if active {
		next = lowest
	}
	if next > s.combined {
		s.combined = next
		s.said = append(s.said, element.Event{Kind: element.Watermark, Time: next})
	}
	if s.idle {
		s.said = append(s.said, element.Event{Kind: element.Idle})
	}
	return s.said
}
