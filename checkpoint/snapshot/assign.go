package snapshot

import (
	"fmt"

	"github.com/weir-stream/weir/state/keygroup"
)

// Share is what one new subtask of an operator takes up of the state of the former ones.
type Share struct {
	// Groups are the key groups of the new subtask.
	Groups keygroup.Range
	// Keyed are the chains of tables that have entries of these groups. Each key group is in the chains of one former subtask, so
	// the order among the chains does not matter.
	Keyed []KeyedShare
	// InputEnded says that there is nothing left to work on: the operator had finished where this share comes from.
	InputEnded bool
}

// KeyedShare is what a new subtask reads of a part of one former subtask.
type KeyedShare struct {
	// Subtask is the former one.
	Subtask int32
	Part    uint32
	// Groups are those that count, of all tables.
	Groups keygroup.Range
	// Tables are oldest first, each with a narrower range of groups if need be; a table that has none of Groups is left out.
	Tables []*Table
	// Whole says that the new subtask has all that the former one had, so that its chain can be carried on.
	Whole bool
}

// Assign deals the keyed state of an operator out to new subtasks; for operator state see DealList. Parallelism and maxParallelism are those of the new program, as Check
// has settled them. It refuses records in flight, which belong to channels that no longer exist.
func Assign(op *OperatorState, parallelism, maxParallelism int) ([]Share, error) {
	if err := keygroup.CheckMaxParallelism(maxParallelism, parallelism); err != nil {
		return nil, fmt.Errorf("operator %q: %w", op.Name, err)
	}
	if maxParallelism != int(op.MaxParallelism) && op.Keyed() {
		return nil, fmt.Errorf("operator %q: its max parallelism was %d and is now %d: its key groups would be others", op.Name, op.MaxParallelism, maxParallelism)
	}
	for _, s := range op.Subtasks {
		if len(s.Inputs)+len(s.Outputs) > 0 {
			return nil, fmt.Errorf("operator %q, subtask %d: the snapshot has records in flight (of an unaligned checkpoint), which this version cannot restore", op.Name, s.Subtask)
		}
	}
	shares := make([]Share, parallelism)
	for i := range shares {
		shares[i].Groups = keygroup.RangeOf(maxParallelism, parallelism, i)
		shares[i].Keyed = keyedShares(op, shares[i].Groups)
		shares[i].InputEnded = op.inputEnded(i, parallelism)
	}
	return shares, nil
}

// inputEnded reports whether a new subtask has nothing left to work on: the one in its place had not, or with another parallelism
// none had.
func (op *OperatorState) inputEnded(subtask, parallelism int) bool {
	for _, s := range op.Subtasks {
		if (s.Finished || s.InputEnded) && parallelism == int(op.Parallelism) && int(s.Subtask) == subtask {
			return true
		}
	}
	return op.Over() == int(op.Parallelism)
}

// Over counts the subtasks that had nothing left to work on.
func (op *OperatorState) Over() (subtasks int) {
	for _, s := range op.Subtasks {
		if s.Finished || s.InputEnded {
			subtasks++
		}
	}
	return subtasks
}

// Keyed reports whether the operator has keyed state, which belongs to its max parallelism.
func (op *OperatorState) Keyed() bool {
	for _, s := range op.Subtasks {
		if len(s.Parts) > 0 {
			return true
		}
	}
	return false
}

func keyedShares(op *OperatorState, groups keygroup.Range) (shares []KeyedShare) {
	for _, s := range op.Subtasks {
		for _, p := range s.Parts {
			had := keygroup.Range{First: uint16(p.FirstGroup), Last: uint16(p.LastGroup)}
			common, some := had.Intersect(groups)
			if !some {
				continue
			}
			share := KeyedShare{Subtask: s.Subtask, Part: p.Part, Groups: common, Whole: had == groups}
			for _, t := range p.Tables {
				if narrow, some := t.groups().Intersect(common); some {
					share.Tables = append(share.Tables, t.narrowed(narrow))
				}
			}
			shares = append(shares, share)
		}
	}
	return shares
}

func (t *Table) narrowed(to keygroup.Range) *Table {
	if t.groups() == to {
		return t
	}
	return &Table{File: t.File, FirstGroup: uint32(to.First), LastGroup: uint32(to.Last), Entries: t.Entries, Changes: t.Changes}
}
