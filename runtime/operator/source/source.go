// Package source has the operator that reads a connector's source.
package source

import (
	"sync/atomic"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/watermark"
)

// Operator makes the operator of a source whose records keep the event times they have. At the end of bounded input it ends
// event time.
func Operator[T any](source connector.Source[T]) operator.Factory {
	return WithWatermarks(source, watermark.Strategy[T]{}, 0)
}

// WithWatermarks makes the operator of a source with a strategy for event time, whose periodic tick comes every interval of
// processing time, or never if that is 0.
func WithWatermarks[T any](source connector.Source[T], strategy watermark.Strategy[T], interval time.Duration) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		s := &reading[T]{Base: operator.NewBase[T](ctx, out)}
		s.time = newEventTime(strategy, watermark.NewEmitter(s.Next), emitsWatermarks(source))
		s.ticks = newTicks(ctx, strategy.Ticks() || s.time.on, interval, strategy.Alignment())
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
		s.figures = newFigures(ctx)
		ctx.Note(s.publish)
		s.checkpointed, _ = reader.(connector.CheckpointedReader)
		return operator.Instance{Operator: s}, nil
	}
}

func emitsWatermarks[T any](source connector.Source[T]) bool {
	w, ok := source.(connector.WatermarkSource)
	return ok && w.EmitsWatermarks()
}

type reading[T any] struct {
	operator.Base[T]
	reader connector.Reader[T]
	// checkpointed is the reader if it acts on checkpoints, and checkpoint the one whose barrier is being sent on.
	checkpointed connector.CheckpointedReader
	checkpoint   ident.CheckpointID

	out   connector.Output[T]
	time  eventTime[T]
	gate  gate
	ticks ticks
	// woken says that Poll is worth calling since it last returned Waiting.
	woken   atomic.Bool
	figures *figures

	// batch is what the last Poll yielded; of it, seen records are accounted for and sent ones emitted. Part is what is
	// emitted when it is not all.
	batch, part element.Batch[T]
	seen, sent  int
	// polled counts all records, lastTime is the event time of the last one.
	polled   uint64
	lastTime int64
}

func (s *reading[T]) wake() {
	s.woken.Store(true)
	s.Ctx.Task.Wake()
}

// Woken implements the task's contract of a source.
func (s *reading[T]) Woken() bool { return s.woken.Load() && !s.gate.closed }

// Open opens the reader, which may already ask for splits, and gives it those that it is to go on with.
func (s *reading[T]) Open() error {
	s.gate = newGate()
	s.ticks.begin(s.Ctx.Now)
	restored, err := s.restored()
	if err != nil {
		return err
	}
	if err := s.reader.Open(); err != nil || len(restored) == 0 {
		return err
	}
	return s.AddSplits(restored)
}

// Poll emits at most limit records.
func (s *reading[T]) Poll(limit int) (records int, status connector.Status, err error) {
	defer s.Ctx.Guard(&err)
	if s.gate.closed {
		return 0, connector.Waiting, nil
	}
	s.woken.Store(false)
	s.batch.Reset()
	s.out.Reset(&s.batch, limit)
	if status, err = s.reader.Poll(&s.out); err != nil {
		return 0, status, err
	}
	return s.batch.Len(), status, s.emitPolled()
}

// emitPolled emits the batch with the event times of the strategy, and between its records the watermarks that do not
// wait for a tick.
func (s *reading[T]) emitPolled() error {
	s.seen, s.sent = 0, 0
	n := s.batch.Len()
	if s.polled += uint64(n); n > 0 && s.time.strategy.Stamps() {
		s.time.strategy.Stamp(s.batch.Values, operator.Resize(&s.batch.Timestamps, n))
	}
	if s.time.on {
		if err := s.observePolled(); err != nil {
			return err
		}
	}
	if n > 0 {
		s.lastTime = s.batch.TimestampAt(n - 1)
	}
	return s.emitUpTo(n)
}

// observePolled shows each split its records.
func (s *reading[T]) observePolled() error {
	current := s.time.main
	for _, note := range s.out.Notes() {
		if err := s.observe(current, note.At); err != nil {
			return err
		}
		switch note.Kind {
		case connector.SplitBegins:
			current = s.time.split(note.Split)
		case connector.SplitFinished:
			if s.time.finish(note.Split); current.id == note.Split {
				current = s.time.main
			}
		case connector.WatermarkReached:
			if err := s.say(current, element.Event{Kind: element.Watermark, Time: note.Watermark}); err != nil {
				return err
			}
		case connector.SplitIdle:
			if err := s.say(current, element.Event{Kind: element.Idle}); err != nil {
				return err
			}
		}
	}
	if err := s.observe(current, s.batch.Len()); err != nil {
		return err
	}
	s.checkLimit()
	return nil
}

// observe shows the records up to a place in the batch to the stream that they are of.
func (s *reading[T]) observe(of *stream[T], to int) error {
	for s.seen < to {
		var timestamps []int64
		if len(s.batch.Timestamps) > 0 {
			timestamps = s.batch.Timestamps[s.seen:to]
		}
		n, said := of.tracker.Observe(s.batch.Values[s.seen:to], timestamps)
		s.seen += n
		for _, event := range said {
			if err := s.say(of, event); err != nil {
				return err
			}
		}
	}
	return nil
}

// say emits the records so far, then what follows from an event behind them.
func (s *reading[T]) say(of *stream[T], event element.Event) error {
	if err := s.emitUpTo(s.seen); err != nil {
		return err
	}
	return s.time.now(of, event)
}

func (s *reading[T]) emitUpTo(to int) error {
	from := s.sent
	if s.sent = to; from == to {
		return nil
	}
	if from == 0 && to == s.batch.Len() {
		return s.Emit(&s.batch)
	}
	s.batch.View(from, to, &s.part)
	return s.Emit(&s.part)
}

// AddSplits implements the task's contract of a source.
func (s *reading[T]) AddSplits(splits []connector.Split) (err error) {
	defer s.Ctx.Guard(&err)
	s.time.assign(splits)
	return s.reader.AddSplits(splits)
}

// NoMoreSplits implements the task's contract of a source.
func (s *reading[T]) NoMoreSplits() (err error) {
	defer s.Ctx.Guard(&err)
	s.reader.NoMoreSplits()
	return nil
}

// OnProcessingTime implements operator.Timed: it is the periodic tick, and the time to report to other sources.
func (s *reading[T]) OnProcessingTime(now int64) (err error) {
	defer s.Ctx.Guard(&err)
	tick, report := s.ticks.due(now)
	if tick {
		nanos := s.Ctx.Clock.Nanos()
		if err := s.time.tick(s.gate.elapsed(nanos) - watermark.BackPressured(s.Ctx)); err != nil {
			return err
		}
		s.checkLimit()
	}
	if report {
		s.report()
	}
	return nil
}

// Finish ends event time: what reads a bounded source gets all its results.
func (s *reading[T]) Finish() error {
	if err := s.time.emitter.Emit(element.Event{Kind: element.Watermark, Time: element.MaxWatermark}); err != nil {
		return err
	}
	if s.ticks.aligned() {
		s.report()
	}
	return nil
}

// Close closes the reader.
func (s *reading[T]) Close() error {
	s.figures.close()
	return s.reader.Close()
}
