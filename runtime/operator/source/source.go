// Package source has the operator that reads a connector's source.
package source

import (
	"sync/atomic"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// Operator makes the operator of a source.
func Operator[T any](source connector.Source[T]) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		s := &reading[T]{Base: operator.NewBase[T](ctx, out)}
		reader, err := source.NewReader(connector.ReaderContext{
			RuntimeContext: ctx.Runtime(),
			Clock:          ctx.Clock,
			RequestSplit:   func() { ctx.Task.SendToCoordinator(ctx.ID, EncodeRequest()) },
			Wake:           s.wake,
			WakeAt:         ctx.Task.WakeAt,
		})
		if err != nil {
			return operator.Instance{}, err
		}
		s.reader = reader
		return operator.Instance{Operator: s}, nil
	}
}

type reading[T any] struct {
	operator.Base[T]
	reader connector.Reader[T]
	batch  element.Batch[T]
	out    connector.Output[T]
	// woken says that Poll is worth calling since it last returned Waiting.
	woken atomic.Bool
}

func (s *reading[T]) wake() {
	s.woken.Store(true)
	s.Ctx.Task.Wake()
}

// Woken implements the task's contract of a source.
func (s *reading[T]) Woken() bool { return s.woken.Load() }

// Open opens the reader, which may already ask for splits.
func (s *reading[T]) Open() error { return s.reader.Open() }

// Poll emits at most limit records.
func (s *reading[T]) Poll(limit int) (records int, status connector.Status, err error) {
	defer s.Ctx.Guard(&err)
	s.woken.Store(false)
	s.batch.Reset()
	s.out = connector.NewOutput(&s.batch, limit)
	if status, err = s.reader.Poll(&s.out); err != nil {
		return 0, status, err
	}
	if records = s.batch.Len(); records == 0 {
		return 0, status, nil
	}
	return records, status, s.Emit(&s.batch)
}

// AddSplits implements the task's contract of a source.
func (s *reading[T]) AddSplits(splits []connector.Split) (err error) {
	defer s.Ctx.Guard(&err)
	return s.reader.AddSplits(splits)
}

// NoMoreSplits implements the task's contract of a source.
func (s *reading[T]) NoMoreSplits() (err error) {
	defer s.Ctx.Guard(&err)
	s.reader.NoMoreSplits()
	return nil
}

// Close closes the reader.
func (s *reading[T]) Close() error { return s.reader.Close() }
