package keygroup

import (
	"fmt"
	"math/bits"
)

const (
	// MinDefaultMaxParallelism is the lowest max parallelism that is chosen where none was set.
	MinDefaultMaxParallelism = 128
	// UpperBoundMaxParallelism is the highest max parallelism there can be.
	UpperBoundMaxParallelism = 1 << 15
)

// DefaultMaxParallelism returns the max parallelism of an operator for which none was set: room for half as many
// subtasks again, rounded up to a power of two, between MinDefaultMaxParallelism and UpperBoundMaxParallelism.
func DefaultMaxParallelism(parallelism int) int {
	wanted := min(parallelism+parallelism/2, UpperBoundMaxParallelism)
	if wanted <= MinDefaultMaxParallelism {
		return MinDefaultMaxParallelism
	}
	return 1 << bits.Len(uint(wanted-1))
}

// CheckMaxParallelism reports, as an error for the user, a max parallelism outside 1 to UpperBoundMaxParallelism or
// below the parallelism.
func CheckMaxParallelism(maxParallelism, parallelism int) error {
	if maxParallelism < 1 || maxParallelism > UpperBoundMaxParallelism {
		return fmt.Errorf("max parallelism %d: it must be between 1 and %d", maxParallelism, UpperBoundMaxParallelism)
	}
	if parallelism < 1 {
		return fmt.Errorf("parallelism %d: it must be at least 1", parallelism)
	}
	if parallelism > maxParallelism {
		return fmt.Errorf("parallelism %d is higher than max parallelism %d: lower the parallelism; raising the max parallelism"+
			" is possible only for a job that is not restored from a snapshot", parallelism, maxParallelism)
	}
	return nil
}

// Group returns the key group of a key with this hash: the hash's high 32 bits scaled to maxParallelism.
// The low 32 bits have no part in it; they are free to place the key within its group.
// Source: Lemire, "Fast random integer generation in an interval" (2019).
func Group(hash uint64, maxParallelism int) uint16 {
	return uint16((hash >> 32) * uint64(maxParallelism) >> 32)
}

// SubtaskOf returns the subtask that owns a key group, as Flink assigns them.
func SubtaskOf(group uint16, parallelism, maxParallelism int) int {
	return int(group) * parallelism / maxParallelism
}

// Range is a contiguous range of key groups, both ends inclusive; it is never empty.
type Range struct {
	First, Last uint16
}

// RangeOf returns the key groups that a subtask owns: those for which SubtaskOf returns it.
// The arguments must have passed CheckMaxParallelism, and subtask must be in [0, parallelism).
func RangeOf(maxParallelism, parallelism, subtask int) Range {
	return Range{
		First: uint16((subtask*maxParallelism + parallelism - 1) / parallelism),
		Last:  uint16(((subtask+1)*maxParallelism - 1) / parallelism),
	}
}

// Size returns the number of key groups in the range.
func (r Range) Size() int { return int(r.Last) - int(r.First) + 1 }

// Contains reports whether the group is in the range.
func (r Range) Contains(group uint16) bool { return r.First <= group && group <= r.Last }

// Intersect returns the groups that both ranges have, and false if there are none.
func (r Range) Intersect(other Range) (Range, bool) {
	common := Range{First: max(r.First, other.First), Last: min(r.Last, other.Last)}
	return common, common.First <= common.Last
}

// String returns "first-last".
func (r Range) String() string { return fmt.Sprintf("%d-%d", r.First, r.Last) }
