package join

import (
	"maps"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
)

// Late names the side outputs of records that come too late for the windows of two streams. Either may be nil: the late records of
// that stream are counted and dropped.
type Late[L, R any] struct {
	Left  *operator.OutputTag[L]
	Right *operator.OutputTag[R]
}

// IsWanted reports whether there is one.
func (l Late[L, R]) IsWanted() bool { return l.Left != nil || l.Right != nil }

// Tag is that of the late records of an operator on tagged records, as they are before they are told apart.
func (Late[L, R]) Tag() operator.OutputTag[Tagged[L, R]] {
	return operator.NewOutputTag[Tagged[L, R]]("late records of either stream")
}

// apart adds to the outputs of an operator on tagged records the one that takes its late records.
func (l Late[L, R]) apart(ctx *operator.Context, out operator.Outputs) operator.Outputs {
	counted := *ctx
	counted.RecordsOut = new(metrics.Counter) // the operator has counted them
	p := &parting[L, R]{dropped: ctx.Metrics.Counter("numLateRecordsDropped")}
	if l.Left != nil {
		p.left = l.Left.Buffer(&counted, out)
	}
	if l.Right != nil {
		p.right = l.Right.Buffer(&counted, out)
	}
	out.Side = maps.Clone(out.Side)
	if out.Side == nil {
		out.Side = map[string][]any{}
	}
	out.Side[l.Tag().Name] = []any{operator.Input[Tagged[L, R]](p)}
	return out
}

// parting hands each late record to the side output of its stream.
type parting[L, R any] struct {
	left    *operator.Buffer[L]
	right   *operator.Buffer[R]
	dropped *metrics.Counter
}

// Process implements operator.Input.
func (p *parting[L, R]) Process(batch *element.Batch[Tagged[L, R]]) error {
	for i, record := range batch.Values {
		switch {
		case record.IsRight && p.right != nil:
			p.right.Collector().CollectAt(record.Right, batch.TimestampAt(i))
		case !record.IsRight && p.left != nil:
			p.left.Collector().CollectAt(record.Left, batch.TimestampAt(i))
		default:
			p.dropped.Add(1)
		}
	}
	if p.left != nil {
		if err := p.left.Flush(); err != nil {
			return err
		}
	}
	if p.right != nil {
		return p.right.Flush()
	}
	return nil
}

// Watermark implements operator.Input. The readers of the side outputs have it from the operator.
func (*parting[L, R]) Watermark(int64) error { return nil }

// Idle implements operator.Input.
func (*parting[L, R]) Idle(bool) error { return nil }
