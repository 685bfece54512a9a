package workload

import (
	"slices"
	"testing"
)

func drawn(p Plan, batch int) []int64 {
	keys := make([]int64, p.Total())
	s := New(p)
	for left := keys; len(left) > 0; left = left[min(batch, len(left)):] {
		s.Fill(left[:min(batch, len(left))])
	}
	return keys
}

func TestEachKeyComesOnceAndThenThePhases(t *testing.T) {
	p := Plan{1000, []Phase{{WarmUp: 7, Records: 20_000}, {Zipf: true, WarmUp: 3, Records: 20_000}}}
	keys := drawn(p, 64)
	if !slices.Equal(keys, drawn(p, 1001)) {
		t.Error("the keys depend on how many are asked for at a time")
	}
	first := slices.Sorted(slices.Values(keys[:p.Keys]))
	for i, k := range first {
		if k != int64(i) {
			t.Fatalf("of the first %d keys, number %d in order is %d", p.Keys, i, k)
		}
	}
	uniform, zipf := keys[p.Keys:p.Keys+20_007], keys[p.Keys+20_007:]
	if most := mostFrequent(uniform); most > 60 {
		t.Errorf("a uniform key came %d times of 20007", most)
	}
	// The first of 1000 ranks has the share log(2)/log(1000).
	if most := mostFrequent(zipf); most < 1700 || most > 2300 {
		t.Errorf("the most frequent Zipf key came %d times of 20003", most)
	}
	s := New(p)
	s.SkipLoading()
	after := make([]int64, p.Drawn())
	s.Fill(after)
	if !slices.Equal(after, keys[p.Keys:]) {
		t.Error("the keys are others if loading is left out")
	}
}

func mostFrequent(keys []int64) (most int) {
	times := map[int64]int{}
	for _, k := range keys {
		times[k]++
		most = max(most, times[k])
	}
	return most
}
