package streamtest

import (
	"fmt"

	"github.com/weir-stream/weir/api/internal/inside"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Kind tells apart what comes out of an operator.
type Kind uint8

// The kinds.
const (
	// Record is a record of the stream.
	Record Kind = iota
	// Watermark says that event time has reached Item.Timestamp.
	Watermark
	// Idle says that the stream no longer holds event time back; Active that it does again.
	Idle
	Active

	ended
)

// NoTimestamp is the event time of a record that has none.
const NoTimestamp = element.NoTimestamp

// NoWatermark is event time before the first watermark, MaxWatermark the last watermark of an input that ends.
const (
	NoWatermark  = element.NoWatermark
	MaxWatermark = element.MaxWatermark
)

// Item is what came out: a record with its event time, or an event in its place among the records.
type Item[E any] struct {
	Kind  Kind
	Value E
	// Timestamp is the event time of a record, NoTimestamp if it has none, or of a watermark; 0 for idleness.
	Timestamp int64
}

// String is for messages of tests.
func (i Item[E]) String() string {
	switch {
	case i.Kind == Watermark:
		return fmt.Sprintf("watermark %d", i.Timestamp)
	case i.Kind == Idle:
		return "idle"
	case i.Kind == Active:
		return "active"
	case i.Timestamp == NoTimestamp:
		return fmt.Sprintf("%+v", i.Value)
	}
	return fmt.Sprintf("%+v @ %d", i.Value, i.Timestamp)
}

// At is a record with an event time, for comparisons with what came out.
func At[E any](value E, timestamp int64) Item[E] {
	return Item[E]{Kind: Record, Value: value, Timestamp: timestamp}
}

// Recorded keeps what comes out of a stream. The subtasks of the operator are channels to it: records in the order in
// which the subtasks have worked, and watermarks combined.
type Recorded[E any] struct {
	items []Item[E]
	// taken counts those that a Take has returned.
	taken int
}

// Output adds an output to a program, which keeps what comes out of a stream, a side output as well as a main one.
func Output[E any](s stream.DataStream[E]) *Recorded[E] {
	r := &Recorded[E]{}
	node := inside.Node(stream.To(s, placeholder[E]{}).Parallelism(1))
	node.Kind, node.Factory, node.FixedParallelism = "test output", r.operator, true
	return r
}

// All returns everything that has come out, also before a Restore.
func (r *Recorded[E]) All() []Item[E] { return r.items }

// Take returns what has come out since the last Take or TakeValues.
func (r *Recorded[E]) Take() []Item[E] {
	items := r.items[r.taken:]
	r.taken = len(r.items)
	return items
}

// TakeValues is Take of the records alone, without their event times.
func (r *Recorded[E]) TakeValues() []E {
	var values []E
	for _, item := range r.Take() {
		if item.Kind == Record {
			values = append(values, item.Value)
		}
	}
	return values
}

// operator is the operator.Factory of the output.
func (r *Recorded[E]) operator(ctx *operator.Context, _ operator.Outputs) (operator.Instance, error) {
	if _, ok := ctx.Task.(subtask); !ok {
		return operator.Instance{}, errOutside("output")
	}
	to := recording[E]{r}
	return operator.Instance{Operator: to, Inputs: []any{operator.Input[E](to)}}, nil
}

// recording is the operator of an output.
type recording[E any] struct{ *Recorded[E] }

func (recording[E]) Open() error   { return nil }
func (recording[E]) Finish() error { return nil }
func (recording[E]) Close() error  { return nil }

func (r recording[E]) Process(batch *element.Batch[E]) error {
	for i, v := range batch.Values {
		r.items = append(r.items, At(v, batch.TimestampAt(i)))
	}
	return nil
}

func (r recording[E]) Watermark(at int64) error {
	r.items = append(r.items, Item[E]{Kind: Watermark, Timestamp: at})
	return nil
}

func (r recording[E]) Idle(idle bool) error {
	kind := Active
	if idle {
		kind = Idle
	}
	r.items = append(r.items, Item[E]{Kind: kind})
	return nil
}
