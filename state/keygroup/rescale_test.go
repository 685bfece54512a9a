package keygroup

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"testing"
)

// fact is a line of testdata/rescale.jsonl: what Flink 2.3.0 computes.
type fact struct {
	Name     string
	Operator struct {
		Kind                        string
		Parallelism, MaxParallelism int
		From, To                    int
	}
	MaxParallelism          int
	RangesInclusive         [][2]uint16
	SubtaskOfFirstKeyGroups []int
	Before                  [][]string
	AfterSplit, AfterUnion  [][]string
	Keys                    []struct{ Key any }
}

func TestFlinkRescaleFacts(t *testing.T) {
	file, err := os.Open("testdata/rescale.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	checked := map[string]int{}
	for lines.Scan() {
		var f fact
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		checked[f.Operator.Kind]++
		t.Run(f.Name, func(t *testing.T) { checkFact(t, f) })
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"defaultMaxParallelism": 28, "keyGroupRanges": 13, "keyToGroup": 1, "operatorListState": 35}
	if !reflect.DeepEqual(checked, want) {
		t.Errorf("checked %v, want %v", checked, want)
	}
}

func checkFact(t *testing.T, f fact) {
	op := f.Operator
	switch op.Kind {
	case "defaultMaxParallelism":
		if got := DefaultMaxParallelism(op.Parallelism); got != f.MaxParallelism {
			t.Errorf("got %d, want %d", got, f.MaxParallelism)
		}
	case "keyGroupRanges":
		for subtask, want := range f.RangesInclusive {
			if got := RangeOf(op.MaxParallelism, op.Parallelism, subtask); got != (Range{want[0], want[1]}) {
				t.Errorf("subtask %d has %v, want %v", subtask, got, want)
			}
		}
		for group, want := range f.SubtaskOfFirstKeyGroups {
			if got := SubtaskOf(uint16(group), op.Parallelism, op.MaxParallelism); got != want {
				t.Errorf("group %d is owned by %d, want %d", group, got, want)
			}
		}
	case "keyToGroup": // Java's hashes are not ours; the groups must be in range
		for _, key := range f.Keys {
			encoded, _ := json.Marshal(key.Key)
			if group := Group(HashBytes(encoded), op.MaxParallelism); int(group) >= op.MaxParallelism {
				t.Errorf("key %s is in group %d", encoded, group)
			}
		}
	case "operatorListState":
		checkRedistribution(t, f)
	default:
		t.Errorf("unknown kind %q", op.Kind)
	}
}

// checkRedistribution compares sizes and contents; in which order Flink lines up the old subtasks' elements is an
// accident of its hash maps.
func checkRedistribution(t *testing.T, f fact) {
	split := Split(f.Before, f.Operator.To)
	if len(split) != len(f.AfterSplit) {
		t.Fatalf("split over %d subtasks, want %d", len(split), len(f.AfterSplit))
	}
	for subtask := range split {
		if got, want := len(split[subtask]), len(f.AfterSplit[subtask]); got != want {
			t.Errorf("subtask %d gets %d elements, want %d", subtask, got, want)
		}
	}
	if f.Operator.From == f.Operator.To && !reflect.DeepEqual(split, f.AfterSplit) {
		t.Errorf("elements moved without rescaling: %v", split)
	}
	all := slices.Concat(f.Before...)
	if got := slices.Concat(split...); !slices.Equal(got, all) {
		t.Errorf("split gives %v, want the order of %v", got, all)
	}
	union := Union(f.Before)
	slices.Sort(union)
	for subtask, want := range f.AfterUnion {
		slices.Sort(want)
		if !slices.Equal(union, want) {
			t.Errorf("union for subtask %d is %v, want %v", subtask, union, want)
		}
	}
}

func TestSplitSharesNoMemory(t *testing.T) {
	before := [][]int{{1, 2, 3}, {4}}
	for _, parallelism := range []int{1, 2, 3} {
		after := Split(before, parallelism)
		for i := range after {
			after[i] = append(after[i], -1)
			after[i][0] = -2
		}
		if !reflect.DeepEqual(before, [][]int{{1, 2, 3}, {4}}) {
			t.Fatalf("before became %v", before)
		}
		if parallelism == 3 && !slices.Equal(after[1], []int{-2, -1}) {
			t.Fatalf("appending to one subtask's list reached another's: %v", after)
		}
	}
}
