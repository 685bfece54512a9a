package jobmanager

import (
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
)

// fit reports whether the job can go on from a snapshot, nil for the beginning, and the max parallelism of the vertices where that of the
// snapshot counts instead of the one that was derived. Nothing of the job has started yet.
func (k *checkpoints) fit(m *snapshot.Metadata) (map[ident.VertexID]int, error) {
	if m == nil {
		return nil, nil
	}
	plan, err := snapshot.Check(m, k.targets, k.allowNonRestored)
	if err != nil {
		return nil, err
	}
	if err := checkEnded(k.config.Job, plan.Operators); err != nil {
		return nil, err
	}
	fixed, by, next := map[ident.VertexID]int{}, map[ident.VertexID]string{}, 0
	for _, v := range k.config.Job.Vertices {
		for _, op := range v.Operators {
			before, n := plan.Operators[next], plan.MaxParallelism[next]
			next++
			if before == nil || !before.Keyed() {
				continue
			}
			if first, known := by[v.ID]; known && fixed[v.ID] != n {
				return nil, fmt.Errorf("operators %q and %q share a task now, but their max parallelism was %d and %d in the snapshot: set that of both, or disable the chaining of one",
					first, op.Name, fixed[v.ID], n)
			}
			fixed[v.ID], by[v.ID] = n, op.Name
		}
		if fixed[v.ID] == v.MaxParallelism {
			delete(fixed, v.ID)
		}
	}
	return fixed, nil
}
