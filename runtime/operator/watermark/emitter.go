package watermark

import "github.com/weir-stream/weir/runtime/element"

// Downstream takes the events of a stream; every operator.Input does.
type Downstream interface {
	Watermark(at int64) error
	Idle(idle bool) error
}

// Emitter passes on what is news: a watermark that is higher than all before it, a change between idle and active. A
// watermark makes an idle stream active first.
type Emitter struct {
	next    Downstream
	highest int64
	idle    bool
}

// NewEmitter emits to next.
func NewEmitter(next Downstream) Emitter { return Emitter{next: next, highest: element.NoWatermark} }

// Current is the last watermark, NoWatermark before the first.
func (e *Emitter) Current() int64 { return e.highest }

// Idle reports whether the stream is idle.
func (e *Emitter) Idle() bool { return e.idle }

// Emit passes an event on.
func (e *Emitter) Emit(event element.Event) error {
	switch event.Kind {
	case element.Watermark:
		if event.Time <= e.highest {
			return nil
		}
		e.highest = event.Time
		if err := e.setIdle(false); err != nil {
			return err
		}
		return e.next.Watermark(event.Time)
	case element.Idle:
		return e.setIdle(true)
	case element.Active:
		return e.setIdle(false)
	}
	return nil
}

// EmitAll passes events on in their order.
func (e *Emitter) EmitAll(events []element.Event) error {
	for _, event := range events {
		if err := e.Emit(event); err != nil {
			return err
		}
	}
	return nil
}

func (e *Emitter) setIdle(idle bool) error {
	if e.idle == idle {
		return nil
	}
	e.idle = idle
	return e.next.Idle(idle)
}
