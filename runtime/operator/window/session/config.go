// Package session has the fast path of session windows with a fixed gap, the default trigger, and an accumulator that is small
// and free of pointers: a session is one entry of the key's state. Everything else is the general operator's.
package session

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/window/sliced"
	"github.com/weir-stream/weir/state"
)

// Config is a session window that keeps one accumulator per session. Times are in milliseconds.
type Config[K comparable, In, Acc, Out any] struct {
	keyed.Stream[K, In]
	// Gap is how long a session waits for its next record.
	Gap int64
	// ProcessingTime takes the clock's time for that of the records; Lateness and Late have no meaning then.
	ProcessingTime bool
	// Lateness is how long a session is kept after the watermark has reached its end.
	Lateness int64
	// Late names the side output of records that come too late; the name is "" if there is none.
	Late operator.OutputTag[In]
	// Add puts a record into an accumulator, which is fresh (zero) for the first one.
	Add func(acc *Acc, fresh bool, in In)
	// Merge puts another session's accumulator into acc. The records of a session that was merged come in any order.
	Merge func(acc, other *Acc)
	// New makes the function that turns accumulators into results, for each subtask.
	New func(ctx *operator.Context, side *operator.SideOutputs) (sliced.Function[K, Acc, Out], error)
}

const (
	firstName  = "session"
	othersName = "more sessions"
	timersName = "sessions"
)

// Fits reports whether the accumulator is one for this operator. An error says that no codec can be derived for it.
func (c *Config[K, In, Acc, Out]) Fits() (bool, error) {
	descriptors, _, err := c.state()
	return err == nil && descriptors[0].Inline > 0, err
}

// States describes the operator's state, for the graph. The accumulator must fit.
func (c *Config[K, In, Acc, Out]) States() []snapshot.State {
	descriptors, _, _ := c.state()
	keys := state.Keys[K]{Codec: c.Key}
	return append(keyed.DescribeBackend(keys, descriptors), keyed.DescribeTimers(timersName, keys))
}

func (c *Config[K, In, Acc, Out]) state() ([]state.Descriptor, codec.Codec[[]open[Acc]], error) {
	first, err := codec.For[open[Acc]]()
	if err != nil {
		return nil, nil, err
	}
	others, err := codec.For[[]open[Acc]]()
	if err != nil {
		return nil, nil, err
	}
	return []state.Descriptor{state.Describe(firstName, state.KindValue, first), state.Describe(othersName, state.KindValue, others)}, others, nil
}

// Factory makes the operator. An error is that of settings which make no sense, or of an accumulator that does not fit.
func (c Config[K, In, Acc, Out]) Factory() operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		if c.Gap <= 0 || c.Lateness < 0 || c.Merge == nil {
			return operator.Instance{}, fmt.Errorf("sessions with a gap of %d ms and an allowed lateness of %d ms: the gap must be positive, the lateness not negative, and the aggregate needs a Merge", c.Gap, c.Lateness)
		}
		descriptors, others, err := c.state()
		if err != nil {
			return operator.Instance{}, err
		}
		if descriptors[0].Inline == 0 {
			return operator.Instance{}, fmt.Errorf("sessions with accumulators of type %T: it has pointers or is too large for this operator", *new(Acc))
		}
		base := operator.NewBase[Out](ctx, out)
		w := &windows[K, In, Acc, Out]{
			Base: base, config: c, lateness: c.Lateness, keys: keyed.Keys[K, In]{Stream: c.Stream},
			descriptors: descriptors, othersCodec: others,
			out: operator.NewBuffer(base.Next, ctx.RecordsOut), sides: operator.NewSideOutputs(ctx, out),
			dropped:   ctx.Metrics.Counter("numLateRecordsDropped"),
			watermark: element.NoWatermark, called: operator.NoCall,
			due: make([]state.Timer[K], 0, timerBatch),
		}
		if c.ProcessingTime {
			w.lateness = 0
		} else if c.Late.Name != "" {
			w.late = c.Late.Buffer(ctx, out)
		}
		if w.function, err = c.New(ctx, w.sides); err != nil {
			return operator.Instance{}, err
		}
		return operator.Instance{Operator: w, Inputs: []any{operator.Input[In](w)}}, nil
	}
}
