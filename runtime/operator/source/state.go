package source

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
)

// StateName is the name of the operator's state, which is Flink's: the splits that the reader has not finished, each an element of its
// own, so that any subtask may go on with it. Watermarks are no part of it: those of each split start anew.
const StateName = "SourceReaderState"

// PrepareBarrier implements operator.BarrierPreparer.
func (s *reading[T]) PrepareBarrier(checkpoint ident.CheckpointID) error {
	s.checkpoint = checkpoint
	return nil
}

// Mark implements operator.Stateful.
func (s *reading[T]) Mark(snapshot.MarkKind) (_ operator.Capture, err error) {
	defer s.Ctx.Guard(&err)
	left, err := s.snapshot()
	if err != nil {
		return nil, fmt.Errorf("the reader's splits: %w", err)
	}
	list := snapshot.List{Name: StateName, Redistribution: snapshot.Split, Elements: make([][]byte, len(left))}
	for i := range left {
		list.Elements[i] = splits.Encode(left[i : i+1])
	}
	return operator.Taken{State: &snapshot.Operator{Groups: s.Ctx.KeyGroups, Lists: []snapshot.List{list}}}, nil
}

func (s *reading[T]) snapshot() ([]connector.Split, error) {
	if s.checkpointed != nil {
		return s.checkpointed.SnapshotFor(s.checkpoint)
	}
	return s.reader.Snapshot()
}

// restored returns the splits that this subtask is to go on with.
func (s *reading[T]) restored() ([]connector.Split, error) {
	elements, err := s.Ctx.RestoredList(StateName)
	if err != nil {
		return nil, err
	}
	all := make([]connector.Split, len(elements))
	for i, element := range elements {
		one, err := splits.Decode(element)
		if err == nil && len(one) != 1 {
			err = errors.New("it is not one split")
		}
		if err != nil {
			return nil, fmt.Errorf("restore the reader's splits: element %d of %d: %w", i, len(elements), err)
		}
		all[i] = one[0]
	}
	return all, nil
}

// CheckpointComplete implements operator.CheckpointListener.
func (s *reading[T]) CheckpointComplete(checkpoint ident.CheckpointID) (err error) {
	if s.checkpointed == nil {
		return nil
	}
	defer s.Ctx.Guard(&err)
	return s.checkpointed.CheckpointComplete(checkpoint)
}

// CheckpointAborted implements operator.CheckpointListener.
func (s *reading[T]) CheckpointAborted(checkpoint ident.CheckpointID) (err error) {
	if s.checkpointed == nil {
		return nil
	}
	defer s.Ctx.Guard(&err)
	return s.checkpointed.CheckpointAborted(checkpoint)
}
