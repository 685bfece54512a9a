package join

import (
	"errors"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/state"
)

// Interval is an inner join of two keyed streams by event time.
//
// Records are kept in buckets of time as wide as the interval, so that each arriving record looks through two buckets at the
// most instead of all that its key has. A timer per key and bucket drops a bucket once nothing of it is of use; what it
// still has then counts as dropped record by record, at the watermarks at which Flink drops them.
type Interval[K comparable, L, R, Out any] struct {
	Left  keyed.Stream[K, L]
	Right keyed.Stream[K, R]
	Bounds
	// LateLeft and LateRight are the side outputs of late records; nil drops them.
	LateLeft    *operator.OutputTag[L]
	LateRight   *operator.OutputTag[R]
	NewFunction func() operator.ProcessJoinFunction[L, R, Out]
}

// buffers is the state of a key and bucket.
type buffers[L, R any] struct {
	Left  state.List[kept[L]] `state:"left"`
	Right state.List[kept[R]] `state:"right"`
}

// States describe the state of an interval join, for the graph. An error says that a record has no codec, or that a key cannot be one
// of state.
func (j Interval[K, L, R, Out]) States() ([]snapshot.State, []snapshot.List, error) {
	fields, err := state.Fields(new(buffers[L, R]))
	if err != nil {
		return nil, nil, err
	}
	keys, err := state.WindowedKeys(state.Keys[K]{Codec: j.Left.Key})
	if err != nil {
		return nil, nil, err
	}
	states := append(keyed.DescribeFields(keys, fields), keyed.DescribeTimerService(timersName, keys)...)
	return states, []snapshot.List{describeWatermarks()}, nil
}

// Factory makes the operator.
func (j Interval[K, L, R, Out]) Factory() operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		keys, err := state.WindowedKeys(state.Keys[K]{Codec: j.Left.Key})
		if err != nil {
			return operator.Instance{}, err
		}
		two := operator.NewTwo[Out](ctx, out)
		sides := operator.NewSideOutputs(ctx, out)
		o := &interval[K, L, R, Out]{
			Two: two, buckets: buckets[K]{ctx: ctx, keys: keys, width: j.width(), watermark: element.NoWatermark},
			function: j.NewFunction(), buffer: operator.NewBuffer(two.Next, ctx.RecordsOut), sides: sides,
			context: operator.NewJoinContext(ctx, sides),
		}
		dropped := ctx.Metrics.Counter("numLateRecordsDropped")
		o.left = newSide(ctx, out, j.Left, j.LateLeft, dropped, j.leftKept())
		o.right = newSide(ctx, out, j.Right, j.LateRight, dropped, j.rightKept())
		o.OnWatermark = o.advance
		return operator.Instance{Operator: o, Inputs: []any{
			operator.InputOf(&o.Two, 0, func(batch *element.Batch[L]) error {
				return meet(&o.buckets, &o.left, &o.right, batch, j.rightOf, func(l *L, at int64, r *kept[R]) error {
					return o.pair(*l, at, r.Value, r.Timestamp)
				}, o.flush)
			}),
			operator.InputOf(&o.Two, 1, func(batch *element.Batch[R]) error {
				return meet(&o.buckets, &o.right, &o.left, batch, j.leftOf, func(r *R, at int64, l *kept[L]) error {
					return o.pair(l.Value, l.Timestamp, *r, at)
				}, o.flush)
			}),
		}}, nil
	}
}

type interval[K comparable, L, R, Out any] struct {
	operator.Two[Out]
	buckets[K]
	left     side[K, L]
	right    side[K, R]
	state    buffers[L, R]
	function operator.ProcessJoinFunction[L, R, Out]
	buffer   *operator.Buffer[Out]
	sides    *operator.SideOutputs
	context  *operator.JoinContext
	opened   bool
}

func (o *interval[K, L, R, Out]) Open() error {
	fields, err := state.Fields(&o.state)
	if err != nil {
		return err
	}
	if err := o.buckets.open(fields); err != nil {
		return err
	}
	o.left.bind(&o.state.Left, o.backend.List(0))
	o.right.bind(&o.state.Right, o.backend.List(1))
	if err := o.restore(o.left.purge, o.right.purge); err != nil {
		return err
	}
	o.opened = true
	if f, ok := o.function.(operator.Opener); ok {
		return f.Open(o.Ctx.Runtime())
	}
	return nil
}

// pair calls the function.
func (o *interval[K, L, R, Out]) pair(left L, leftAt int64, right R, rightAt int64) error {
	o.context.AtPair(leftAt, rightAt)
	o.buffer.At(max(leftAt, rightAt))
	if err := o.function.Process(o.context, left, right, o.buffer.Collector()); err != nil {
		return err
	}
	return o.buffer.Err()
}

// advance drops the buckets that are of no use from a watermark on.
func (o *interval[K, L, R, Out]) advance(at int64) (err error) {
	defer o.Ctx.Guard(&err)
	o.watermark = at
	o.context.SetWatermark(at)
	return o.timers.AdvanceWatermark(at, func(bucket state.Windowed[K], hash uint64, at int64) error {
		o.backend.Seek(bucket, hash)
		if o.left.cleanup(bucket.End) <= at {
			o.left.records.Clear()
		}
		if o.right.cleanup(bucket.End) <= at {
			o.right.records.Clear()
		}
		return nil
	})
}

func (o *interval[K, L, R, Out]) flush() error {
	if err := o.buffer.Flush(); err != nil {
		return err
	}
	return o.sides.Flush()
}

// OnProcessingTime implements operator.Timed: all timers are of event time, but state may be cleaned.
func (o *interval[K, L, R, Out]) OnProcessingTime(now int64) error {
	return o.timers.AdvanceProcessingTime(now, func(state.Windowed[K], uint64, int64) error { return nil })
}

// UserFunction implements operator.FunctionCaller.
func (o *interval[K, L, R, Out]) UserFunction() any { return o.function }

func (o *interval[K, L, R, Out]) Close() (err error) {
	if o.opened {
		if f, ok := o.function.(operator.Closer); ok {
			err = f.Close()
		}
	}
	return errors.Join(err, o.buckets.close())
}

var errNoTimestamp = errors.New("an interval join is one by event time, but a record has no timestamp: assign timestamps and watermarks before it")

// meet works on a batch of one side: each record is kept and meets those of the other side that are in its range.
func meet[K comparable, In, Other any](b *buckets[K], own *side[K, In], other *side[K, Other], batch *element.Batch[In],
	rangeOf func(int64) (from, to int64), pair func(in *In, at int64, found *kept[Other]) error, flush func() error) error {
	keys, hashes, err := own.keys.Of(batch)
	if err != nil {
		return err
	}
	urgent := b.ctx.Urgent()
	for i := range batch.Values {
		if operator.Waits(urgent) {
			if err := b.ctx.GiveWay(); err != nil {
				return err
			}
		}
		in, at := &batch.Values[i], batch.TimestampAt(i)
		if at == element.NoTimestamp {
			return errNoTimestamp
		}
		if at < b.watermark {
			own.tooLate(*in, at)
			continue
		}
		bucket, hash := b.seek(keys[i], hashes[i], bucketOf(at, b.width))
		if own.add(*in, at, b.watermark) {
			b.timers.RegisterEvent(bucket, hash, own.cleanup(bucket.End))
		}
		from, to := rangeOf(at)
		for start := bucketOf(from, b.width); start <= to; start += b.width {
			b.seek(keys[i], hashes[i], start)
			for found := range other.records.Get() {
				if from <= found.Timestamp && found.Timestamp <= to && !other.gone(&found, b.watermark) {
					if err := pair(in, at, &found); err != nil {
						return err
					}
				}
			}
			if start > to-b.width {
				break // the next start could be beyond the end of time
			}
		}
	}
	if own.late != nil {
		if err := own.late.Flush(); err != nil {
			return err
		}
	}
	return flush()
}
