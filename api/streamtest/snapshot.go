package streamtest

import (
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
)

// Snapshot is the state of all operators of a harness at one moment. It never changes, and does not depend on the
// harness that it came from.
type Snapshot struct {
	operators []*operatorState
}

// operatorState is the state of one operator, in each of its subtasks.
type operatorState struct {
	id        ident.OperatorID
	name, uid string
	subtasks  []*snapshot.Operator
}

// Snapshot takes the state of all operators, producers first: what one of them emits because of it is part of the state of those
// behind it.
func (h *Harness) Snapshot() *Snapshot {
	h.t.Helper()
	h.settle()
	s := &Snapshot{}
	h.snapshotting = true
	h.snapshots++
	firstTask := 0
	for _, v := range h.job.Vertices {
		for _, op := range v.Operators {
			h.prepare(op)
		}
		for _, op := range v.Operators {
			if of := h.snapshotOf(op, v.Parallelism); of != nil {
				s.operators = append(s.operators, of)
			}
		}
		h.runFrom(firstTask)
		firstTask += v.Parallelism
	}
	h.snapshotting = false
	for _, do := range h.held {
		do()
	}
	h.held = nil
	h.settle()
	return s
}

// prepare has an operator emit what it holds back, in all its subtasks.
func (h *Harness) prepare(op *graph.ChainedOperator) {
	h.t.Helper()
	for _, o := range h.operators {
		holding, ok := o.operator.(operator.BarrierPreparer)
		if !ok || o.ctx.ID != op.ID {
			continue
		}
		if err := holding.PrepareBarrier(h.snapshots); err != nil {
			h.t.Fatalf("operator %q before a barrier: %v", op.Name, err)
		}
	}
}

// snapshotOf takes the state of one operator in all its subtasks; nil if it has none.
func (h *Harness) snapshotOf(op *graph.ChainedOperator, subtasks int) *operatorState {
	h.t.Helper()
	var of *operatorState
	for _, o := range h.operators {
		stateful, ok := o.operator.(operator.Stateful)
		if !ok || o.ctx.ID != op.ID {
			continue
		}
		taken, err := operator.Snapshot(stateful)
		if err != nil {
			h.t.Fatalf("snapshot of operator %q: %v", op.Name, err)
		}
		if of == nil {
			of = &operatorState{id: op.ID, name: op.Name, uid: op.UID, subtasks: make([]*snapshot.Operator, subtasks)}
		}
		of.subtasks[o.ctx.Subtask] = taken
	}
	return of
}

// Restore replaces all operators by new ones that go on from a snapshot, while the clock stands where it is. Inputs, outputs
// and what the outputs hold stay. Options change how the program is run from now on, for example in how many subtasks.
func (h *Harness) Restore(s *Snapshot, opts ...Option) {
	h.t.Helper()
	for _, option := range opts {
		option(&h.options)
	}
	h.start(s)
}

func (s *Snapshot) find(id ident.OperatorID) *operatorState {
	if s == nil {
		return nil
	}
	for _, o := range s.operators {
		if o.id == id {
			return o
		}
	}
	return nil
}

// of is what an operator is given as Context.Restored.
func (s *Snapshot) of(id ident.OperatorID) []*snapshot.Operator {
	if o := s.find(id); o != nil {
		return o.subtasks
	}
	return nil
}

// check refuses a program that lacks an operator whose state is in the snapshot.
func (s *Snapshot) check(job *graph.JobGraph) error {
	if s == nil {
		return nil
	}
	for _, o := range s.operators {
		if _, found := job.Operator(o.id); found == nil {
			return fmt.Errorf("the snapshot has state of operator %q, which the program does not have: give the operator a UID that stays", o.name)
		}
	}
	return nil
}
