package executor

import (
	"slices"

	"github.com/weir-stream/weir/runtime/ident"
)

// slotTable says which slots of a TaskExecutor are given to which jobs. It holds only the given ones, in the order of
// their indexes; the others are free.
//
//	free --allocate--> given --release--> free
//
// Invariant: indexes and allocations are unique, 0 <= index < capacity at the time of the allocation.
type slotTable struct {
	capacity int
	given    []slot
	// version counts the changes, so that a late report is not taken for a new one.
	version uint64
}

type slot struct {
	index      int
	allocation ident.AllocationID
	job        ident.JobID
	// taken says that the JobMaster has accepted the slot.
	taken bool
}

// allocate gives the lowest free slot to a job. It is idempotent, and false if no slot is free or if the allocation is
// another job's.
func (t *slotTable) allocate(allocation ident.AllocationID, job ident.JobID) bool {
	if s := t.find(allocation); s != nil {
		return s.job == job
	}
	at := 0
	for at < len(t.given) && t.given[at].index == at {
		at++
	}
	if at >= t.capacity {
		return false
	}
	t.given = slices.Insert(t.given, at, slot{index: at, allocation: allocation, job: job})
	t.version++
	return true
}

// release frees a slot and reports whether it was given.
func (t *slotTable) release(allocation ident.AllocationID) bool {
	i := slices.IndexFunc(t.given, func(s slot) bool { return s.allocation == allocation })
	if i < 0 {
		return false
	}
	t.given = slices.Delete(t.given, i, i+1)
	t.version++
	return true
}

// releaseJob frees all slots of a job.
func (t *slotTable) releaseJob(job ident.JobID) {
	n := len(t.given)
	t.given = slices.DeleteFunc(t.given, func(s slot) bool { return s.job == job })
	if len(t.given) != n {
		t.version++
	}
}

// of counts the slots of a job.
func (t *slotTable) of(job ident.JobID) (n int) {
	for i := range t.given {
		if t.given[i].job == job {
			n++
		}
	}
	return n
}

func (t *slotTable) find(allocation ident.AllocationID) *slot {
	for i := range t.given {
		if t.given[i].allocation == allocation {
			return &t.given[i]
		}
	}
	return nil
}
