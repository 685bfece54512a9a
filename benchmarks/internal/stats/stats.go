// Package stats has the few statistics that the benchmarks report.
package stats

import (
	"math"
	"slices"
)

// Median is the middle value, or the mean of the two in the middle. It is NaN without values.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Summary is the median of several runs and their extremes.
type Summary struct{ Median, Min, Max float64 }

// Summarize returns NaNs without values.
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{math.NaN(), math.NaN(), math.NaN()}
	}
	return Summary{Median(values), slices.Min(values), slices.Max(values)}
}

// Of picks a figure out of each of several runs.
func Of[T any](runs []T, pick func(T) float64) []float64 {
	values := make([]float64, len(runs))
	for i, run := range runs {
		values[i] = pick(run)
	}
	return values
}

// Ratios divides pairwise, as far as both go: what was measured in turn shares the noise of its moment.
func Ratios(of, to []float64) []float64 {
	ratios := make([]float64, min(len(of), len(to)))
	for i := range ratios {
		ratios[i] = of[i] / to[i]
	}
	return ratios
}

// Differences subtracts pairwise, as far as both go.
func Differences(of, less []float64) []float64 {
	differences := make([]float64, min(len(of), len(less)))
	for i := range differences {
		differences[i] = of[i] - less[i]
	}
	return differences
}

// Quantile is the least of the sorted values that at least the share q of them does not exceed (the nearest rank). It
// is 0 without values.
func Quantile(sorted []int64, q float64) int64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
