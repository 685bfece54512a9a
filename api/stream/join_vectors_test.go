package stream

import (
	"cmp"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
)

// intervalPairs is the function of the vectors' interval joins.
type intervalPairs struct{}

func (intervalPairs) Process(ctx *JoinContext, left, right scripted, out Collector[row]) error {
	out.Collect(rowOf(map[string]any{
		"key": left.Key, "left": left.N, "right": right.N, "leftTs": ctx.LeftTimestamp(), "rightTs": ctx.RightTimestamp(),
	}))
	return nil
}

func millis(number any) time.Duration {
	n, err := number.(json.Number).Int64()
	if err != nil {
		panic(err)
	}
	return time.Duration(n) * time.Millisecond
}

func buildIntervalJoin(v vector, s [2]DataStream[scripted]) DataStream[row] {
	j := IntervalJoin(byKey(s[0]), byKey(s[1])).Between(millis(v.Operator["lower"]), millis(v.Operator["upper"]))
	if v.Operator["lowerExclusive"].(bool) {
		j = j.LowerBoundExclusive()
	}
	if v.Operator["upperExclusive"].(bool) {
		j = j.UpperBoundExclusive()
	}
	if v.Operator["lateOutputs"].(bool) {
		j = j.SideOutputLeftLateData(NewOutputTag[scripted]("lateLeft")).SideOutputRightLateData(NewOutputTag[scripted]("lateRight"))
	}
	return ProcessJoin(j, func() intervalPairs { return intervalPairs{} })
}

// coGroups is the function of the vectors' co-groups; of windows that merge the order of elements is free.
type coGroups struct{ sorted bool }

func (f coGroups) ordinals(left, right []scripted) (l, r []int64) {
	l, r = []int64{}, []int64{}
	for _, in := range left {
		l = append(l, in.N)
	}
	for _, in := range right {
		r = append(r, in.N)
	}
	if f.sorted {
		slices.Sort(l)
		slices.Sort(r)
	}
	return l, r
}

func (f coGroups) CoGroup(ctx *WindowContext[string], left, right []scripted, out Collector[row]) error {
	l, r := f.ordinals(left, right)
	out.Collect(rowOf(map[string]any{"key": ctx.Key(), "left": l, "right": r}))
	return nil
}

func buildWindowJoin(v vector, s [2]DataStream[scripted]) DataStream[row] {
	j := WindowJoin(byKey(s[0]), byKey(s[1]), assignerOf(v.Operator)).AllowedLateness(millis(v.Operator["allowedLateness"]))
	if v.Operator["kind"] == "windowJoin" {
		return ApplyJoin(j, func(left, right scripted) row {
			return rowOf(map[string]any{"key": left.Key, "left": left.N, "right": right.N})
		})
	}
	sorted := isSession(v.Operator)
	if sorted {
		sortCoGroups(v)
	}
	return CoGroup(j, func() coGroups { return coGroups{sorted} })
}

// sortCoGroups sorts the lists in what a vector expects.
func sortCoGroups(v vector) {
	for _, outputs := range v.Outputs {
		for _, o := range outputs {
			for _, side := range []string{"left", "right"} {
				if o.Record != nil {
					list := o.Record.(map[string]any)[side].([]any)
					slices.SortFunc(list, func(a, b any) int { return cmp.Compare(millis(a), millis(b)) })
				}
			}
		}
	}
}

// TestJoinsAgainstFlink compares the pairs that one record finds in an interval join as sets: Flink's order is that of a Java
// hash map, which changes with its size.
func TestJoinsAgainstFlink(t *testing.T) {
	readVectors(t, "joins.jsonl", 74, func(t *testing.T, v vector) {
		kind := v.Operator["kind"].(string)
		unordered := kind == "intervalJoin" || isSession(v.Operator)
		replay(t, v, unordered, func(_ *Environment, s [2]DataStream[scripted]) *graph.StreamNode {
			if kind == "intervalJoin" {
				return buildIntervalJoin(v, s).parts[0].node
			}
			return buildWindowJoin(v, s).parts[0].node
		})
	})
}
