package keygroup

import "slices"

// Split redistributes operator list state whose elements each belong to one subtask: before[i] is what subtask i had.
// Elements keep their order and are dealt out in contiguous runs, of which the first ones are longer by one where the
// number does not divide. With an unchanged number of subtasks nothing moves.
// The result shares no memory with before; parallelism must be at least 1.
func Split[T any](before [][]T, parallelism int) [][]T {
	after := make([][]T, parallelism)
	if parallelism == len(before) {
		for i, elements := range before {
			after[i] = slices.Clone(elements)
		}
		return after
	}
	all := Union(before)
	share, longer := len(all)/parallelism, len(all)%parallelism
	for i := range after {
		n := share
		if i < longer {
			n++
		}
		after[i], all = all[:n:n], all[n:]
	}
	return after
}

// Union redistributes operator list state of which every subtask gets all: it returns the elements of all subtasks,
// in order of subtask, in new memory.
func Union[T any](before [][]T) []T { return slices.Concat(before...) }
