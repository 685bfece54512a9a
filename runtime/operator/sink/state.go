package sink

import (
	"context"
	"errors"
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
)

// The names of the operator's states. The elements of the first are the writers' own; those of the second see encodeCommittable.
const (
	writerState      = "SinkWriterState"
	CommittableState = "SinkCommittables"
)

// PrepareBarrier implements operator.BarrierPreparer: what was written so far is flushed, and what is prepared belongs to this checkpoint.
func (s *writing[T]) PrepareBarrier(checkpoint ident.CheckpointID) (err error) {
	defer s.ctx.Guard(&err)
	if s.first == 0 {
		s.first = checkpoint
	}
	if !s.finished {
		if err := s.flush(false); err != nil {
			return err
		}
	}
	if s.commits != nil {
		s.commits.stamp(checkpoint)
	}
	return nil
}

// Mark implements operator.Stateful.
func (s *writing[T]) Mark(snapshot.MarkKind) (_ operator.Capture, err error) {
	defer s.ctx.Guard(&err)
	var lists []snapshot.List
	persist := func(context.Context) error { return nil }
	if s.stateful != nil {
		states, err := s.stateful.Snapshot()
		if err != nil {
			return nil, fmt.Errorf("the state of the writer: %w", err)
		}
		lists = append(lists, snapshot.List{Name: writerState, Redistribution: snapshot.Split, Elements: states})
	}
	if s.commits != nil {
		var list snapshot.List
		list, persist = s.commits.snapshot()
		lists = append(lists, list)
	}
	if s.hands != nil {
		persist = s.hands.persist()
	}
	return capture{operator.Taken{State: &snapshot.Operator{Groups: s.ctx.KeyGroups, Lists: lists}}, persist}, nil
}

// capture makes durable what the state stands for outside, before it is a part of a snapshot.
type capture struct {
	operator.Taken
	persist func(context.Context) error
}

// Write implements operator.Capture.
func (c capture) Write(ctx context.Context, folder string, upload snapshot.Upload) (*snapshot.Operator, error) {
	if err := c.persist(ctx); err != nil {
		return nil, err
	}
	return c.Taken.Write(ctx, folder, upload)
}

// restore gives committer and writer what they had in the snapshot that the job goes on from, if it has the operator.
func (s *writing[T]) restore() error {
	if s.ctx.Restored == nil {
		return nil
	}
	waiting, err := s.ctx.RestoredList(CommittableState)
	if err != nil {
		return err
	}
	states, err := s.ctx.RestoredList(writerState)
	switch {
	case err != nil:
		return err
	case len(waiting) > 0 && s.commits == nil:
		return fmt.Errorf("the snapshot has %d results that wait to be committed, and the sink has no committer of each subtask: restore it with the sink that has written them first", len(waiting))
	case len(states) > 0 && s.stateful == nil:
		return errors.New("the snapshot has the state of a writer of another sink: give the new sink a UID of its own")
	}
	if s.commits != nil {
		if err := s.commits.restore(waiting); err != nil {
			return err
		}
	}
	if s.stateful != nil {
		return s.stateful.Restore(states)
	}
	return nil
}

// CheckpointComplete implements operator.CheckpointListener: it commits what the checkpoint has and those before it had.
func (s *writing[T]) CheckpointComplete(checkpoint ident.CheckpointID) (err error) {
	if s.first == 0 || checkpoint < s.first {
		return nil // meant for an earlier attempt
	}
	defer s.ctx.Guard(&err)
	if s.commits != nil {
		if err := s.commits.complete(checkpoint, s.finished || checkpoint == s.ctx.Stopped); err != nil {
			return err
		}
	}
	if s.listener != nil {
		return s.listener.CheckpointComplete(checkpoint)
	}
	return nil
}

// CheckpointAborted implements operator.CheckpointListener. What it had stays prepared: it is in the next one too, and committed with that.
func (s *writing[T]) CheckpointAborted(checkpoint ident.CheckpointID) (err error) {
	if s.listener == nil || s.first == 0 || checkpoint < s.first {
		return nil
	}
	defer s.ctx.Guard(&err)
	return s.listener.CheckpointAborted(checkpoint)
}
