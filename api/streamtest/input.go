package streamtest

import (
	"fmt"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Feed is an input of the operators under test. What it is told to send has reached every output when the call
// returns. It can be used once a harness was made of its program, and then serves the harness that was made last.
type Feed[E any] struct {
	core *feedCore[E]
	// channel is the subtask that sends, all for plain feeds.
	channel int
}

// all stands for all subtasks of a feed.
const all = -1

type feedCore[E any] struct {
	name     string
	stream   stream.DataStream[E]
	harness  *Harness
	subtasks []*feeding[E]
	// next is the subtask that sends the next record.
	next int
}

// inputKind is the kind of the nodes of inputs.
const inputKind = "test input"

// Input adds an input to a program: a source of one subtask, or of as many as channels says. Several subtasks are several
// channels to each subtask behind them, whose watermarks are combined.
func Input[E any](env *stream.Environment, channels ...int) *Feed[E] {
	core := &feedCore[E]{name: "input"}
	core.stream = stream.From(env, placeholder[E]{})
	node := lastNode(env)
	node.Kind, node.Factory, node.NewEnumerator, node.EmitsWatermarks = inputKind, core.operator, nil, true
	node.Parallelism, node.FixedParallelism = 1, true
	if len(channels) > 0 {
		node.Parallelism, node.FixedParallelism = channels[0], false
	}
	return &Feed[E]{core, all}
}

// Stream is what the feed sends, for the program.
func (f *Feed[E]) Stream() stream.DataStream[E] { return f.core.stream }

// Channel is the feed of one of several subtasks.
func (f *Feed[E]) Channel(subtask int) *Feed[E] { return &Feed[E]{f.core, subtask} }

// Send sends records without event time, as one batch. Several subtasks send in turn.
func (f *Feed[E]) Send(values ...E) {
	f.record(element.Batch[E]{Values: values})
}

// SendAt sends a record with an event time in milliseconds since the epoch.
func (f *Feed[E]) SendAt(value E, timestamp int64) {
	batch := element.Batch[E]{}
	batch.Append(value, timestamp)
	f.record(batch)
}

// Watermark says that event time has reached so many milliseconds since the epoch.
func (f *Feed[E]) Watermark(at int64) { f.event(event{kind: Watermark, at: at}) }

// Idle says that the input no longer holds event time back.
func (f *Feed[E]) Idle() { f.event(event{kind: Idle}) }

// Active ends Idle.
func (f *Feed[E]) Active() { f.event(event{kind: Active}) }

// End ends this input without a last watermark; Harness.EndInput ends all of them in the usual way.
func (f *Feed[E]) End() { f.event(event{kind: ended}) }

func (f *Feed[E]) record(batch element.Batch[E]) {
	h := f.core.running()
	h.t.Helper()
	to := f.channel
	if to == all {
		to = f.core.next % len(f.core.subtasks)
		f.core.next++
	}
	f.core.subtasks[to].queue = append(f.core.subtasks[to].queue, item[E]{records: batch})
	h.settle()
}

func (f *Feed[E]) event(e event) {
	h := f.core.running()
	h.t.Helper()
	for i, s := range f.core.subtasks {
		if f.channel == all || f.channel == i {
			s.queue = append(s.queue, item[E]{event: e})
		}
	}
	h.settle()
}

func (c *feedCore[E]) running() *Harness {
	if c.harness == nil {
		panic("streamtest: a feed sends nothing before streamtest.New was called with its program")
	}
	return c.harness
}

// send implements feed.
func (c *feedCore[E]) send(e event) {
	for _, s := range c.subtasks {
		s.queue = append(s.queue, item[E]{event: e})
	}
}

// item is what a feed was told to send: records, or an event.
type item[E any] struct {
	records element.Batch[E]
	event   event
}

// event is what stands between records.
type event struct {
	kind Kind
	at   int64
}

// operator is the operator.Factory of the input.
func (c *feedCore[E]) operator(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
	of, ok := ctx.Task.(subtask)
	if !ok {
		return operator.Instance{}, errOutside("input")
	}
	if ctx.Subtask == 0 {
		c.harness, c.subtasks, c.next = of.harness, nil, 0
		c.harness.feeds = append(c.harness.feeds, c)
	}
	f := &feeding[E]{Base: operator.NewBase[E](ctx, out)}
	c.subtasks = append(c.subtasks, f)
	return operator.Instance{Operator: f}, nil
}

func errOutside(what string) error {
	return fmt.Errorf("an %s of package streamtest runs in a harness only: use streamtest.New instead of executing the program", what)
}

// feeding is the source operator of one subtask of an input.
type feeding[E any] struct {
	operator.Base[E]
	queue []item[E]
	done  bool
}

// Poll sends what stands first in the queue.
func (f *feeding[E]) Poll(int) (int, connector.Status, error) {
	if f.done {
		return 0, connector.Ended, nil
	}
	if len(f.queue) == 0 {
		return 0, connector.Waiting, nil
	}
	next := &f.queue[0]
	f.queue = f.queue[1:]
	switch next.event.kind {
	case Watermark:
		return 1, connector.More, f.Base.Watermark(next.event.at)
	case Idle, Active:
		return 1, connector.More, f.Base.Idle(next.event.kind == Idle)
	case ended:
		f.done = true
		return 0, connector.Ended, nil
	}
	return next.records.Len(), connector.More, f.Emit(&next.records)
}

func (f *feeding[E]) Woken() bool                       { return len(f.queue) > 0 }
func (f *feeding[E]) AddSplits([]connector.Split) error { return nil }
func (f *feeding[E]) NoMoreSplits() error               { return nil }

// placeholder stands in the program for an input or output until its node is given the real operator.
type placeholder[E any] struct{}

func (placeholder[E]) Name() string  { return "test" }
func (placeholder[E]) Bounded() bool { return false }

func (placeholder[E]) NewEnumerator(connector.EnumeratorContext) (connector.Enumerator, error) {
	return nil, errOutside("input")
}

func (placeholder[E]) NewReader(connector.ReaderContext) (connector.Reader[E], error) {
	return nil, errOutside("input")
}

func (placeholder[E]) NewWriter(connector.WriterContext) (connector.Writer[E], error) {
	return nil, errOutside("output")
}
