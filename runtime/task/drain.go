package task

import "github.com/weir-stream/weir/runtime/element"

// Draining stops a job without losing what its sources have already emitted: sources stop, what is in flight goes through to
// the sinks, which flush it, and then the job is canceled. Unlike the end of the input it finishes no operator, so
// that no result of half an input passes for a final one.

// Drain has the source of this task stop, once and for good; tasks behind it are drained through their channels. Any
// goroutine may call it.
func (t *Task) Drain() {
	t.Do(func() {
		if t.chain.source != nil && !t.drained && t.phase == running {
			t.keepFault(t.passDrain())
		}
	})
}

func (t *Task) drainChannel(in *input) error {
	in.drained = true
	return t.drainIfLast()
}

// drainIfLast passes the drain on once no channel has more to give. At least one was drained then: when all have ended,
// the task finishes instead.
func (t *Task) drainIfLast() error {
	if t.drained {
		return nil
	}
	for i := range t.inputs {
		in := &t.inputs[i]
		if !in.drained && !in.ended {
			return nil
		}
	}
	return t.passDrain()
}

// passDrain flushes the sinks of the chain and passes the drain on.
func (t *Task) passDrain() error {
	t.drained = true
	if err := t.chain.drain(); err != nil {
		return err
	}
	for _, out := range t.outputs {
		out.Broadcast(element.Event{Kind: element.Drain})
	}
	if t.spec.Drained != nil {
		t.spec.Drained(t.spec.Execution)
	}
	return nil
}
