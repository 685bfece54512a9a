package task

import (
	"fmt"

	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/failpoint"
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
		next, ok := t.nextChannel()
		if !ok {
			return 0, false, nil
		}
		t.current = next
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
	if more && t.aligner.Blocked(t.current) {
		t.held = append(t.held, int32(t.current))
		more = false
	}
	if !more {
		t.current = -1
	}
	return records, true, err
}

// nextChannel returns a channel that has something and is not blocked by a checkpoint.
func (t *Task) nextChannel() (int, bool) {
	for {
		next, ok := t.nextNotice()
		if !ok {
			return 0, false
		}
		if !t.aligner.Blocked(int(next)) {
			return int(next), true
		}
		t.held = append(t.held, next)
	}
}

// nextNotice returns the oldest notice of the inbox. Those that were held back come first.
func (t *Task) nextNotice() (int32, bool) {
	if len(t.released) > 0 {
		next := t.released[0]
		t.released = t.released[1:]
		return next, true
	}
	return t.inbox.Pop()
}

// noInput reports whether there is nothing to take.
func (t *Task) noInput() bool { return len(t.released) == 0 && t.inbox.Empty() }

// release puts back what was held at channels that were blocked.
func (t *Task) release() {
	t.released = append(t.released, t.held...)
	t.held = t.held[:0]
}

func (t *Task) handleEvent(in *input, event element.Event) error {
	channel := in.gate.first + in.index
	switch event.Kind {
	case element.Watermark:
		return in.gate.valve.apply(in.gate.valve.watermark(channel, event.Time))
	case element.Idle, element.Active:
		return in.gate.valve.apply(in.gate.valve.status(channel, event.Kind == element.Idle))
	case element.CheckpointBarrier:
		if err := t.follow(t.aligner.Barrier(t.current, event.Barrier, t.clock.Now())); err != nil || !t.aligner.Blocked(t.current) {
			return err
		}
		return failpoint.Reach(failpoint.Aligning)
	case element.LatencyMarker:
		t.passMarker(event)
		return nil
	case element.Drain:
		return t.drainChannel(in)
	case element.EndOfInput:
		if event.Barrier != nil {
			t.drainedBy = event.Barrier
		}
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
	last, err := t.countDown(in)
	if err != nil {
		return err
	}
	if last {
		if err := t.finish(); err != nil {
			return err
		}
	}
	// A checkpoint that waited for the last channel is taken when the chain has finished: what that emitted is before the barrier,
	// which nobody needs any more behind the end of the input.
	if err := t.follow(t.aligner.Finish(t.current, t.clock.Now())); err != nil {
		return err
	}
	if last {
		return nil
	}
	return t.drainIfLast()
}

// countDown ends the channel's gate, and its input, if nothing is left of them, and reports whether that was the last.
func (t *Task) countDown(in *input) (last bool, err error) {
	if in.gate.open--; in.gate.open > 0 {
		return false, nil
	}
	valve := in.gate.valve
	if valve.gates--; valve.gates == 0 && !t.over {
		if err := t.chain.endInput(valve.index); err != nil {
			return false, err
		}
	}
	t.open--
	return t.open == 0, nil
}
