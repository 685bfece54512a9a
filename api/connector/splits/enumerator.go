// Package splits has what most sources share whose splits are known when the job starts: an Enumerator that hands out a
// list on request, a Queue for the reader's side, and an encoding of lists of splits.
package splits

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/api/connector"
)

// Plan is what an Enumerator needs to know of its source.
type Plan struct {
	// List finds the splits, once, when the job starts anew. They are handed out in this order.
	List func() ([]connector.Split, error)
	// Weigh says how much work a split is, at least 1, in any unit. It is called for restored and returned splits too, whose
	// state is input from outside, and so is the place to check that. Nil counts each split as 1.
	Weigh func(connector.Split) (int64, error)
	// MaxShare is the most weight that one request is answered with, one split being the least; 0 means one split.
	MaxShare int64
	// Fixed gives the splits to all subtasks in turn, and each subtask all of its own at its first request. It is for splits
	// that never end, or end together: a reader of those has no reason to ask again.
	Fixed bool
}

// Enumerator is a connector.Enumerator that hands out a list of splits, a share at a time. Shares shrink as the list
// does: each is at most the part 1/(2*parallelism) of the weight that is left, so that many small splits need few requests
// and yet all readers end at nearly the same time (guided self-scheduling: Polychronopoulos and Kuck, IEEE Transactions on
// Computers C-36, 1987).
type Enumerator struct {
	ctx   connector.EnumeratorContext
	plan  Plan
	left  []item
	total int64 // sum of the weights of left
	// told has the subtasks whose readers know that no split will come. A late request of theirs gets none, even if splits
	// have come back since; those are for the reader that failed.
	told map[int]bool
}

// item is a split that is not assigned; owner is the subtask it is kept for, if the plan is Fixed.
type item struct {
	split  connector.Split
	weight int64
	owner  int
}

// NewEnumerator makes an enumerator of what plan lists.
func NewEnumerator(ctx connector.EnumeratorContext, plan Plan) *Enumerator {
	return &Enumerator{ctx: ctx, plan: plan, told: map[int]bool{}}
}

// Start lists the splits.
func (e *Enumerator) Start() error {
	found, err := e.plan.List()
	if err != nil {
		return err
	}
	return e.spread(found)
}

// AddReader expects requests of the subtask, which is all: readers ask.
func (e *Enumerator) AddReader(subtask int) error {
	delete(e.told, subtask)
	return nil
}

// RequestSplit assigns the next share, and says so when nothing is left after it.
func (e *Enumerator) RequestSplit(subtask int) error {
	if e.told[subtask] {
		return nil
	}
	var assigned []connector.Split
	if e.plan.Fixed {
		assigned = e.takeOwn(subtask)
	} else {
		assigned = e.take(share(e.left, e.total, e.ctx.Parallelism(), e.plan.MaxShare))
	}
	if len(assigned) > 0 {
		e.ctx.Assign(subtask, assigned...)
	}
	if len(e.left) == 0 || e.plan.Fixed {
		e.told[subtask] = true
		e.ctx.NoMoreSplits(subtask)
	}
	return nil
}

// share is how many of the splits, from the first, answer one request.
func share(left []item, total int64, parallelism int, most int64) int {
	quota := min(most, total/int64(2*max(parallelism, 1)))
	n := 0
	for n < len(left) && (n == 0 || left[n].weight <= quota) {
		quota -= left[n].weight
		n++
	}
	return n
}

func (e *Enumerator) take(n int) []connector.Split {
	taken := make([]connector.Split, n)
	for i, it := range e.left[:n] {
		taken[i] = it.split
		e.total -= it.weight
	}
	e.left = e.left[n:]
	return taken
}

func (e *Enumerator) takeOwn(subtask int) []connector.Split {
	var taken []connector.Split
	kept := e.left[:0]
	for _, it := range e.left {
		if it.owner == subtask {
			taken = append(taken, it.split)
		} else {
			kept = append(kept, it)
		}
	}
	e.left = kept
	return taken
}

// AddSplitsBack puts the splits in front of those left.
func (e *Enumerator) AddSplitsBack(subtask int, splits []connector.Split) error {
	return e.putBack(splits, func(int) int { return subtask })
}

// spread puts splits that nobody had into the list.
func (e *Enumerator) spread(splits []connector.Split) error {
	parallelism := max(e.ctx.Parallelism(), 1)
	return e.putBack(splits, func(i int) int { return i % parallelism })
}

func (e *Enumerator) putBack(splits []connector.Split, owner func(i int) int) error {
	items := make([]item, len(splits), len(splits)+len(e.left))
	for i, split := range splits {
		items[i] = item{split, 1, owner(i)}
		if e.plan.Weigh != nil {
			weight, err := e.plan.Weigh(split)
			if err != nil {
				return fmt.Errorf("split %q: %w", split.ID, err)
			}
			items[i].weight = max(weight, 1)
		}
		e.total += items[i].weight
	}
	e.left = append(items, e.left...)
	return nil
}

// Snapshot returns the splits that are left.
func (e *Enumerator) Snapshot() ([]byte, error) {
	left := make([]connector.Split, len(e.left))
	for i, it := range e.left {
		left[i] = it.split
	}
	return Encode(left), nil
}

// Restore goes on with the splits of a snapshot.
func (e *Enumerator) Restore(snapshot []byte) error {
	left, err := Decode(snapshot)
	if err != nil {
		return err
	}
	seen := make(map[string]bool, len(left))
	for _, split := range left {
		if seen[split.ID] {
			return fmt.Errorf("the snapshot of a source's enumerator has split %q twice: %w", split.ID, errMalformed)
		}
		seen[split.ID] = true
	}
	return e.spread(left)
}

// Close does nothing.
func (e *Enumerator) Close() error { return nil }

var errMalformed = errors.New("malformed, it was damaged or written by something else")
