package task

import (
	"fmt"

	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/runtime/element"
)

// input is one channel of a gate.
type input struct {
	exchange.InputChannel
	gate  *gate
	index int
	// drained and ended say that the channel's last record was taken: for this time, and for ever.
	drained, ended bool
}

// gate is one input edge: the channels from all producers that this subtask is connected with.
type gate struct {
	valve *inputValve
	// first is the position of the edge's first channel in its valve.
	first int
	open  int
}

// inputValve is the valve of one input of the head operator, which several edges feed in a union.
type inputValve struct {
	*valve
	head  headInput
	index int
	gates int
}

// headInput is the part of operator.Input that does not depend on the record type.
type headInput interface {
	Watermark(at int64) error
	Idle(idle bool) error
}

// stepInput works on the batch in hand or takes the next one.
func (t *Task) stepInput() (records int, worked bool, err error) {
	if t.current < 0 {
		next, ok := t.inbox.Pop()
		if !ok {
			return 0, false, nil
		}
		t.current = int(next)
	}
	in := &t.inputs[t.current]
	more := false
	switch in.Front() {
	case exchange.Records:
		records, more, err = in.Deliver(t.slice.limit)
	case exchange.Event:
		var event element.Event
		event, more = in.TakeEvent()
		err = t.handleEvent(in, event)
	}
	if !more {
		t.current = -1
	}
	return records, true, err
}

func (t *Task) handleEvent(in *input, event element.Event) error {
	channel := in.gate.first + in.index
	switch event.Kind {
	case element.Watermark:
		return in.gate.valve.apply(in.gate.valve.watermark(channel, event.Time))
	case element.Idle, element.Active:
		return in.gate.valve.apply(in.gate.valve.status(channel, event.Kind == element.Idle))
	case element.Drain:
		return t.drainChannel(in)
	case element.EndOfInput:
		return t.endChannel(in)
	}
	return fmt.Errorf("task cannot handle a %s event", event.Kind)
}

func (v *inputValve) apply(c change) error {
	if c.hasWatermark {
		if err := v.head.Watermark(c.watermark); err != nil {
			return err
		}
	}
	if c.status == 0 {
		return nil
	}
	return v.head.Idle(c.status == element.Idle)
}

// endChannel counts channels, gates and inputs down; with the last one the chain is finished.
func (t *Task) endChannel(in *input) error {
	if in.ended {
		return fmt.Errorf("channel %d of an input ended twice", in.index)
	}
	in.ended = true
	if in.gate.open--; in.gate.open > 0 {
		return t.drainIfLast()
	}
	valve := in.gate.valve
	if valve.gates--; valve.gates == 0 {
		if err := t.chain.endInput(valve.index); err != nil {
			return err
		}
	}
	if t.open--; t.open > 0 {
		return t.drainIfLast()
	}
	return t.finish()
}
