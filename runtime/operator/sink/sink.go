// Package sink has the operator that writes to a connector's sink.
package sink

import (
	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Operator makes the operator of a sink.
func Operator[T any](sink connector.Sink[T]) operator.Factory {
	return func(ctx *operator.Context, _ operator.Outputs) (operator.Instance, error) {
		writer, err := sink.NewWriter(connector.WriterContext{
			RuntimeContext: ctx.Runtime(), Clock: ctx.Clock, Wake: ctx.Task.Wake,
		})
		if err != nil {
			return operator.Instance{}, err
		}
		s := &writing[T]{ctx: ctx, writer: writer}
		s.throttled, _ = writer.(connector.Throttled)
		return operator.Instance{Operator: s, Inputs: []any{operator.Input[T](s)}}, nil
	}
}

type writing[T any] struct {
	ctx       *operator.Context
	writer    connector.Writer[T]
	throttled connector.Throttled
}

// Ready reports whether the writer wants records; the task takes no input while it does not.
func (s *writing[T]) Ready() (ready bool, err error) {
	if s.throttled == nil {
		return true, nil
	}
	defer s.ctx.Guard(&err)
	return s.throttled.Ready(), nil
}

func (s *writing[T]) Open() error { return s.writer.Open() }

func (s *writing[T]) Process(batch *element.Batch[T]) (err error) {
	defer s.ctx.Guard(&err)
	s.ctx.RecordsIn.Add(uint64(batch.Len()))
	return s.writer.Write(batch)
}

func (s *writing[T]) Watermark(int64) error { return nil }
func (s *writing[T]) Idle(bool) error       { return nil }
func (s *writing[T]) Finish() error         { return s.writer.Flush(true) }
func (s *writing[T]) Close() error          { return s.writer.Close() }

// Drain makes what was written visible before the job is stopped: no record follows.
func (s *writing[T]) Drain() error { return s.writer.Flush(true) }
