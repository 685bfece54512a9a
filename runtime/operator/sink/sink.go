// Package sink has the operator that writes to a connector's sink and commits what waits for checkpoints.
package sink

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
)

// Operator makes the operator of a sink. That of a connector.GlobalCommittingSink has an output, of what the writer prepares, for GlobalCommitter.
func Operator[T any](sink connector.Sink[T]) operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		s := &writing[T]{ctx: ctx, calls: newCalls(ctx.CallAt)}
		registerFigures(ctx)
		writer, err := sink.NewWriter(connector.WriterContext{
			RuntimeContext: ctx.Runtime(), Clock: ctx.Clock, Checkpointing: ctx.Checkpointing, Wake: ctx.Task.Wake, CallAt: s.calls.setWriter,
		})
		if err != nil {
			return operator.Instance{}, err
		}
		s.writer = writer
		s.throttled, _ = writer.(connector.Throttled)
		s.stateful, _ = writer.(connector.StatefulWriter)
		s.timed, _ = writer.(connector.TimedWriter)
		s.listener, _ = writer.(connector.CheckpointListener)
		if err := s.twoPhases(sink, out); err != nil {
			return operator.Instance{}, err
		}
		return operator.Instance{Operator: s, Inputs: []any{operator.Input[T](s)}}, nil
	}
}

// registerFigures lists what Flink lists of a sink. What is sent is what the writer has taken; a writer that knows of bytes and errors adds to the counters, which
// it finds under their names in the group of its context.
func registerFigures(ctx *operator.Context) {
	metrics.Gauge(ctx.Metrics, "numRecordsSend", ctx.RecordsIn.Count)
	for _, name := range []string{"numBytesSend", "numRecordsSendErrors", "numRecordsOutErrors"} {
		ctx.Metrics.SharedCounter(name)
	}
}

// twoPhases sees to what the writer prepares, if it does.
func (s *writing[T]) twoPhases(sink connector.Sink[T], out operator.Outputs) error {
	committingSink, commits := sink.(connector.CommittingSink)
	_, global := sink.(connector.GlobalCommittingSink)
	s.prepares, _ = s.writer.(connector.CommittingWriter)
	switch {
	case commits && global:
		return fmt.Errorf("sink %q has a committer for each subtask and one for all: it can have one of them", sink.Name())
	case (commits || global) && s.prepares == nil:
		return fmt.Errorf("sink %q has a committer, and its writer (%T) has no PrepareCommit", sink.Name(), s.writer)
	case global:
		s.hands = newHanding(s.ctx, out)
	case commits:
		committer, err := committingSink.NewCommitter(connector.CommitterContext{RuntimeContext: s.ctx.Runtime(), Clock: s.ctx.Clock})
		if err != nil {
			return err
		}
		s.commits = newCommitting(s.ctx, committer, s.calls.setRetry)
	case s.prepares != nil:
		return fmt.Errorf("the writer of sink %q (%T) has PrepareCommit, and the sink has neither NewCommitter nor NewGlobalCommitter", sink.Name(), s.writer)
	}
	return nil
}

// writing is a sink in one subtask.
type writing[T any] struct {
	ctx       *operator.Context
	writer    connector.Writer[T]
	throttled connector.Throttled
	stateful  connector.StatefulWriter
	timed     connector.TimedWriter
	listener  connector.CheckpointListener
	// prepares is nil if what was flushed is visible. Otherwise one of commits and hands is there for what it prepares.
	prepares connector.CommittingWriter
	commits  *committing
	hands    *handing
	calls    calls
	// first is the first checkpoint that this attempt has taken part in, 0 before it.
	first ident.CheckpointID
	// finished says that the writer was flushed for the last time.
	finished bool
}

// Ready reports whether the writer wants records; the task takes no input while it does not.
func (s *writing[T]) Ready() (ready bool, err error) {
	if s.throttled == nil {
		return true, nil
	}
	defer s.ctx.Guard(&err)
	return s.throttled.Ready(), nil
}

// Open commits what the snapshot has that the job goes on from, before the writer touches anything.
func (s *writing[T]) Open() error {
	if err := s.restore(); err != nil {
		return err
	}
	return s.writer.Open()
}

func (s *writing[T]) Process(batch *element.Batch[T]) (err error) {
	defer s.ctx.Guard(&err)
	s.ctx.RecordsIn.Add(uint64(batch.Len()))
	return s.writer.Write(batch)
}

// Watermark and Idle go no further: a global committer has no use for them.
func (s *writing[T]) Watermark(int64) error { return nil }
func (s *writing[T]) Idle(bool) error       { return nil }

// OnProcessingTime implements operator.Timed.
func (s *writing[T]) OnProcessingTime(now int64) (err error) {
	defer s.ctx.Guard(&err)
	writer, retry := s.calls.due(now)
	if retry {
		if err := s.commits.commit(); err != nil {
			return err
		}
	}
	if writer && s.timed != nil && !s.finished {
		return s.timed.OnProcessingTime(now)
	}
	return nil
}

// Finish flushes for the last time. What waits to be committed then does so for the last checkpoint, which follows; without
// checkpoints it waits for nothing.
func (s *writing[T]) Finish() (err error) {
	defer s.ctx.Guard(&err)
	s.finished = true
	return s.end()
}

func (s *writing[T]) end() error {
	if err := s.flush(true); err != nil || s.commits == nil || s.ctx.Checkpointing {
		return err
	}
	return s.commits.commitAll()
}

// flush has the writer flush, and prepare what it has.
func (s *writing[T]) flush(endOfInput bool) error {
	if err := s.writer.Flush(endOfInput); err != nil || s.prepares == nil {
		return err
	}
	prepared, err := s.prepares.PrepareCommit()
	switch {
	case err != nil:
		return fmt.Errorf("prepare the commit: %w", err)
	case s.hands != nil:
		return s.hands.hand(prepared)
	}
	s.commits.take(prepared)
	return nil
}

// Drain makes what was written visible before the job is stopped: no record follows. Where results wait for checkpoints nothing is
// done: those after the last one come again when the job goes on from it.
func (s *writing[T]) Drain() error {
	if s.prepares != nil && s.ctx.Checkpointing {
		return nil
	}
	return s.end()
}

// Close closes writer and committer.
func (s *writing[T]) Close() error {
	err := s.writer.Close()
	if s.commits != nil {
		err = errors.Join(err, s.commits.committer.Close())
	}
	return err
}

// calls shares the operator's one call at a time between the writer and the committer.
type calls struct {
	callAt        func(int64)
	writer, retry int64
}

func newCalls(callAt func(int64)) calls {
	return calls{callAt: callAt, writer: operator.NoCall, retry: operator.NoCall}
}

func (c *calls) setWriter(at int64) { c.writer = at; c.callAt(min(c.writer, c.retry)) }
func (c *calls) setRetry(at int64)  { c.retry = at; c.callAt(min(c.writer, c.retry)) }

// due reports who is to be called now, and sets the next call.
func (c *calls) due(now int64) (writer, retry bool) {
	if writer = c.writer <= now; writer {
		c.writer = operator.NoCall
	}
	if retry = c.retry <= now; retry {
		c.retry = operator.NoCall
	}
	if next := min(c.writer, c.retry); next != operator.NoCall {
		c.callAt(next)
	}
	return writer, retry
}
