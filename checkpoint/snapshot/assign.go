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
	// Lists are in the order of OperatorState.lists.
	Lists []ListShare
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

// ListShare is what a new subtask reads of one operator state.
type ListShare struct {
	Schema *ListSchema
	// Runs are in the order in which the elements come.
	Runs []Run
}

// Run is elements From up to, without, To of what one former subtask had.
type Run struct {
	Subtask  int32
	Elements *FileRef
	From, To int
	// Count is the number of elements that Elements has.
	Count int
}

// Assign deals the state of an operator out to new subtasks. Parallelism and maxParallelism are those of the new program, as Check
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
	for i := range op.Lists {
		dealList(op, i, shares)
	}
	return shares, nil
}

// inputEnded reports whether a new subtask has nothing left to work on: the one in its place had not, or with another parallelism
// none had.
func (op *OperatorState) inputEnded(subtask, parallelism int) bool {
	over := 0
	for _, s := range op.Subtasks {
		if !s.Finished && !s.InputEnded {
			continue
		}
		if over++; parallelism == int(op.Parallelism) && int(s.Subtask) == subtask {
			return true
		}
	}
	return over == int(op.Parallelism)
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

// dealList deals one operator state out as package keygroup and Flink do.
func dealList(op *OperatorState, list int, shares []Share) {
	runs := make([][]Run, op.Parallelism)
	for _, s := range op.Subtasks {
		for _, l := range s.Lists {
			if int(l.List) == list && l.Count > 0 {
				runs[s.Subtask] = []Run{{Subtask: s.Subtask, Elements: l.Elements, To: int(l.Count), Count: int(l.Count)}}
			}
		}
	}
	for i := range shares {
		share := ListShare{Schema: op.Lists[list]}
		switch share.Schema.Kind {
		case ListKind_UNION:
			share.Runs = keygroup.Union(runs)
		case ListKind_BROADCAST:
			share.Runs = broadcastRuns(op, runs, i)
		default:
			share.Runs = splitRuns(runs, len(shares), i)
		}
		shares[i].Lists = append(shares[i].Lists, share)
	}
}

// broadcastRuns returns the elements of one subtask for a new one: of the same number, if there was one, otherwise going
// round among those that have not finished.
func broadcastRuns(op *OperatorState, runs [][]Run, subtask int) []Run {
	var live [][]Run
	for _, s := range op.Subtasks {
		if !s.Finished {
			live = append(live, runs[s.Subtask])
		}
	}
	if len(live) == 0 {
		return nil
	}
	return live[subtask%len(live)]
}

// splitRuns returns the runs of elements that keygroup.Split deals to a subtask.
func splitRuns(runs [][]Run, parallelism, subtask int) (share []Run) {
	if parallelism == len(runs) {
		return runs[subtask]
	}
	all, total := keygroup.Union(runs), 0
	for _, r := range all {
		total += r.Count
	}
	each, longer := total/parallelism, total%parallelism
	from := subtask*each + min(subtask, longer)
	to := from + each
	if subtask < longer {
		to++
	}
	before := 0
	for _, r := range all {
		first, last := max(from-before, 0), min(to-before, r.Count)
		if first < last {
			share = append(share, Run{r.Subtask, r.Elements, first, last, r.Count})
		}
		before += r.Count
	}
	return share
}
