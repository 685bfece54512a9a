package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/weir-stream/weir/state/keygroup"
)

// fact is what a vector of rescale.jsonl has in place of steps.
type fact struct {
	MaxParallelism          *int
	RangesInclusive         [][2]uint16
	SubtaskOfFirstKeyGroups []int
	Keys                    []struct {
		Type          string
		Key           any
		JavaHashCode  int64
		KeyGroupOf128 int
	}
	Before, AfterSplit, AfterUnion [][]string
}

// checks are those of facts, by the operator's kind.
var checks = map[string]func(p params, f *fact) error{
	"defaultMaxParallelism": checkDefault,
	"keyGroupRanges":        checkRanges,
	"keyToGroup":            checkGroups,
	"operatorListState":     checkRedistribution,
}

// isFact reports whether the vector is one.
func (v *vector) isFact() bool {
	kind, _ := v.Operator.values["kind"].(string)
	return checks[kind] != nil
}

// check compares a fact with what the runtime does.
func (v *vector) check() (err error) {
	defer func() {
		if f, ok := recover().(failure); ok {
			err = f
		}
	}()
	p := v.Operator.fresh()
	return checks[p.text("kind")](p, &v.fact)
}

func differ(what string, got, want any) error {
	return fmt.Errorf("%s\n  expected %v\n  got      %v", what, want, got)
}

func checkDefault(p params, f *fact) error {
	if f.MaxParallelism == nil {
		return fmt.Errorf("the fact has no maxParallelism")
	}
	if got := keygroup.DefaultMaxParallelism(int(p.number("parallelism"))); got != *f.MaxParallelism {
		return differ("default max parallelism", got, *f.MaxParallelism)
	}
	return nil
}

func checkRanges(p params, f *fact) error {
	parallelism, maxParallelism := int(p.number("parallelism")), int(p.number("maxParallelism"))
	if len(f.RangesInclusive) != parallelism {
		return differ("number of ranges", parallelism, len(f.RangesInclusive))
	}
	router, err := keygroup.NewRouter(maxParallelism, parallelism)
	if err != nil {
		return err
	}
	for subtask, want := range f.RangesInclusive {
		if got := keygroup.RangeOf(maxParallelism, parallelism, subtask); got != (keygroup.Range{First: want[0], Last: want[1]}) {
			return differ(fmt.Sprintf("key groups of subtask %d", subtask), got, want)
		}
	}
	for group, want := range f.SubtaskOfFirstKeyGroups {
		if got := keygroup.SubtaskOf(uint16(group), parallelism, maxParallelism); got != want {
			return differ(fmt.Sprintf("subtask of key group %d", group), got, want)
		}
		// The middle of the hashes that make up a group.
		hash := (uint64(group)<<32 + 1<<31) / uint64(maxParallelism) << 32
		if got := router.Channel(hash); got != want {
			return differ(fmt.Sprintf("channel of hash %x", hash), got, want)
		}
	}
	return nil
}

// checkGroups sees that the groups of keys are in range and stable. Which they are follows from Java's hashes in Flink, and
// not here.
func checkGroups(p params, f *fact) error {
	maxParallelism := int(p.number("maxParallelism"))
	for _, key := range f.Keys {
		encoded, err := json.Marshal(key.Key)
		if err != nil {
			return err
		}
		group := keygroup.Group(keygroup.HashBytes(encoded), maxParallelism)
		if int(group) >= maxParallelism || group != keygroup.Group(keygroup.HashBytes(slices.Clone(encoded)), maxParallelism) {
			return fmt.Errorf("key %s is in group %d of %d", encoded, group, maxParallelism)
		}
	}
	return nil
}

// checkRedistribution compares sizes and contents. In which order Flink lines up the former subtasks is an accident of its
// hash maps, so where elements meet others of different subtasks, the order is that of the subtasks here.
func checkRedistribution(p params, f *fact) error {
	from, to := int(p.number("from")), int(p.number("to"))
	if len(f.Before) != from || len(f.AfterSplit) != to || len(f.AfterUnion) != to {
		return fmt.Errorf("the fact speaks of %d, %d and %d subtasks, its operator of %d and %d", len(f.Before), len(f.AfterSplit), len(f.AfterUnion), from, to)
	}
	split := keygroup.Split(f.Before, to)
	for subtask, want := range f.AfterSplit {
		if len(split[subtask]) != len(want) || from == to && !equal(split[subtask], want) {
			return differ(fmt.Sprintf("split, subtask %d", subtask), split[subtask], want)
		}
	}
	if got, want := sorted(slices.Concat(split...)), sorted(slices.Concat(f.AfterSplit...)); !equal(got, want) {
		return differ("split, all subtasks", got, want)
	}
	for subtask, want := range f.AfterUnion {
		if got, want := sorted(keygroup.Union(f.Before)), sorted(want); !equal(got, want) {
			return differ(fmt.Sprintf("union, subtask %d", subtask), got, want)
		}
	}
	return nil
}

func equal(a, b []string) bool { return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b) }

func sorted(elements []string) []string {
	elements = slices.Clone(elements)
	slices.Sort(elements)
	return elements
}
