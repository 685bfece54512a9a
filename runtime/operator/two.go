package operator

import "github.com/weir-stream/weir/runtime/element"

// Two is the base of an operator with two inputs: event time is the lower of their watermarks, leaving out an idle input.
type Two[Out any] struct {
	Base[Out]
	marks [2]int64
	idle  [2]bool
	out   int64
	// OnWatermark, if set, does what event time causes, before the watermark is passed on.
	OnWatermark func(at int64) error
}

// NewTwo emits to the main output.
func NewTwo[Out any](ctx *Context, out Outputs) Two[Out] {
	return Two[Out]{
		Base:  NewBase[Out](ctx, out),
		marks: [2]int64{element.NoWatermark, element.NoWatermark},
		out:   element.NoWatermark,
	}
}

// TwoInput is one side of a Two: records go to a function, events to the operator that both sides share.
type TwoInput[In any] struct {
	ctx     *Context
	process func(*element.Batch[In]) error
	mark    func(at int64) error
	status  func(idle bool) error
}

// InputOf makes side index (0 or 1) of an operator with two inputs.
func InputOf[In, Out any](two *Two[Out], index int, process func(*element.Batch[In]) error) Input[In] {
	return &TwoInput[In]{
		ctx: two.Ctx, process: process,
		mark:   func(at int64) error { return two.mark(index, at) },
		status: func(idle bool) error { return two.status(index, idle) },
	}
}

// Process implements Input.
func (t *TwoInput[In]) Process(batch *element.Batch[In]) (err error) {
	defer t.ctx.Guard(&err)
	t.ctx.RecordsIn.Add(uint64(batch.Len()))
	return t.process(batch)
}

// Watermark implements Input.
func (t *TwoInput[In]) Watermark(at int64) error { return t.mark(at) }

// Idle implements Input.
func (t *TwoInput[In]) Idle(idle bool) error { return t.status(idle) }

func (t *Two[Out]) mark(input int, at int64) error {
	t.marks[input] = max(at, t.marks[input])
	t.idle[input] = false // as in Flink, an input with a watermark is active
	return t.advance()
}

func (t *Two[Out]) advance() error {
	at := element.MaxWatermark
	for i, mark := range t.marks {
		if !t.idle[i] {
			at = min(at, mark)
		}
	}
	if t.idle[0] && t.idle[1] {
		return nil
	}
	return t.raise(at)
}

func (t *Two[Out]) raise(at int64) error {
	if at <= t.out {
		return nil
	}
	t.out = at
	if t.OnWatermark != nil {
		if err := t.OnWatermark(at); err != nil {
			return err
		}
	}
	return t.Watermark(at)
}

// status lets event time go on where an idle input no longer holds it back. When the last active input goes idle while
// it was what held the output, the higher watermark of the two is let through first.
func (t *Two[Out]) status(input int, idle bool) error {
	wasIdle := t.idle[0] && t.idle[1]
	t.idle[input] = idle
	isIdle := t.idle[0] && t.idle[1]
	err := t.advance()
	if isIdle && !wasIdle && t.marks[input] == t.out {
		err = t.raise(max(t.marks[0], t.marks[1]))
	}
	if err != nil || isIdle == wasIdle {
		return err
	}
	return t.Idle(isIdle)
}
