package stats

import (
	"math"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{8, 2, 4, 100}, 6},
	} {
		before := slices.Clone(c.values)
		if got := Median(c.values); got != c.want {
			t.Errorf("the median of %v is %v, not %v", before, got, c.want)
		}
		if !slices.Equal(before, c.values) {
			t.Errorf("Median has reordered %v to %v", before, c.values)
		}
	}
	if got := Median(nil); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v", got)
	}
}

func TestSummaryHasTheExtremes(t *testing.T) {
	if got, want := Summarize([]float64{3, -1, 2}), (Summary{2, -1, 3}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheMedianOfPairedRatiosIsNotTheRatioOfTheMedians(t *testing.T) {
	engine, limit := []float64{10, 40, 30}, []float64{20, 50, 100}
	if got := Median(Ratios(engine, limit)); got != 0.5 {
		t.Errorf("the median of the paired ratios is %v, not 0.5", got)
	}
	if got := Median(engine) / Median(limit); got != 0.6 {
		t.Errorf("the ratio of the medians is %v, not 0.6", got)
	}
}

func TestPairsEndWithTheShorter(t *testing.T) {
	if got := Differences([]float64{5, 6, 7}, []float64{1, 3}); !slices.Equal(got, []float64{4, 3}) {
		t.Errorf("got %v", got)
	}
	if got := Ratios([]float64{5}, []float64{2, 3}); !slices.Equal(got, []float64{2.5}) {
		t.Errorf("got %v", got)
	}
}

func TestQuantileIsTheNearestRank(t *testing.T) {
	upTo1000 := make([]int64, 1000)
	for i := range upTo1000 {
		upTo1000[i] = int64(i + 1)
	}
	for _, c := range []struct {
		q    float64
		want int64
	}{{0, 1}, {0.5, 500}, {0.99, 990}, {0.999, 999}, {0.9991, 1000}, {1, 1000}} {
		if got := Quantile(upTo1000, c.q); got != c.want {
			t.Errorf("quantile %v is %d, not %d", c.q, got, c.want)
		}
	}
	if got := Quantile(nil, 0.5); got != 0 {
		t.Errorf("the quantile of nothing is %d", got)
	}
}
