package rolling

import (
	"fmt"
	"maps"
	"testing"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/state/keygroup"
)

// TestAggregatesGoOnFromASnapshot restarts an aggregate at another parallelism and on another backend after each batch: the
// results are those of an undisturbed run.
func TestAggregatesGoOnFromASnapshot(t *testing.T) {
	for name, factory := range map[string]operator.Factory{
		"inline": inline(t, EachRecord), "encoded": encoded(t, EachRecord),
		"count": Count(shops(t), codecOf[int64](t), func(key, n int64) string { return fmt.Sprint(key, n) }, EachRecord),
	} {
		t.Run(name, func(t *testing.T) {
			got, want := map[string]int{}, map[string]int{}
			_, all := process(t, factory, "hashmap", 1, nil, batches(6)...)
			for _, result := range all {
				want[result]++
			}
			var taken []*snapshot.Operator
			for i, batch := range batches(6) {
				backend := []string{"hashmap", "pebble"}[i%2]
				var results []string
				taken, results = process(t, factory, backend, 1+i%3, taken, batch)
				for _, result := range results {
					got[result]++
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("%d different results, want %d, or they differ", len(got), len(want))
			}
		})
	}
}

func batches(n int) [][]sale {
	all := make([][]sale, n)
	for i := range all {
		for j := range 300 {
			all[i] = append(all[i], sale{Shop: int64((i*300 + j) * 31 % 97), Sum: int64(j)})
		}
	}
	return all
}

// process runs an operator at a parallelism over batches.
func process(t *testing.T, factory operator.Factory, backend string, parallelism int, restored []*snapshot.Operator, batches ...[]sale) (taken []*snapshot.Operator, results []string) {
	t.Helper()
	keys := shops(t).Key
	for subtask := range parallelism {
		ctx := operatortest.Context(t, "sums")
		ctx.Backend, ctx.Subtask, ctx.Parallelism, ctx.Restored = backend, subtask, parallelism, restored
		ctx.KeyGroups = keygroup.RangeOf(ctx.MaxParallelism, parallelism, subtask)
		instance, out := operatortest.Open[string](t, ctx, factory)
		for _, batch := range batches {
			var mine element.Batch[sale]
			for _, s := range batch {
				hash := []uint64{0}
				keys.Hash([]int64{s.Shop}, hash)
				if ctx.KeyGroups.Contains(keygroup.Group(hash[0], ctx.MaxParallelism)) {
					mine.Values = append(mine.Values, s)
				}
			}
			if err := instance.Inputs[0].(operator.Input[sale]).Process(&mine); err != nil {
				t.Fatal(err)
			}
		}
		s, err := operator.Snapshot(instance.Operator.(operator.Stateful))
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, s)
		results = append(results, out.Values()...)
	}
	return taken, results
}
