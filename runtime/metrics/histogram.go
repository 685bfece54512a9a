package metrics

import (
	"math"
	"slices"
	"sync"
)

// histogramWindow is how many of the latest values a histogram looks at.
const histogramWindow = 1024

// Histogram tells how values are distributed: the latest of them, 1024 unless told otherwise, exactly. Any goroutine may use it; an update costs a lock, so it is not for
// every record of a hot path.
type Histogram struct {
	mu     sync.Mutex
	count  int64
	most   int     // of values in window; 0 stands for histogramWindow
	window []int64 // a ring once it is full; count%most is the next place
}

// Update adds a value.
func (h *Histogram) Update(value int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	most := h.most
	if most == 0 {
		most = histogramWindow
	}
	if len(h.window) < most {
		h.window = append(h.window, value)
	} else {
		h.window[h.count%int64(most)] = value
	}
	h.count++
}

// Count returns how many values were added in all.
func (h *Histogram) Count() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// Statistics describes the latest values.
func (h *Histogram) Statistics() HistogramStatistics {
	h.mu.Lock()
	count, values := h.count, slices.Clone(h.window)
	h.mu.Unlock()
	slices.Sort(values)
	return describe(count, values)
}

// HistogramStatistics describes the values that a histogram looks at. All but Count are 0 if there are none.
type HistogramStatistics struct {
	Count                                 int64 // of all values ever added
	Min, Max                              int64
	Mean, StdDev                          float64
	Median, P75, P90, P95, P98, P99, P999 float64
}

func describe(count int64, sorted []int64) HistogramStatistics {
	s := HistogramStatistics{Count: count}
	n := len(sorted)
	if n == 0 {
		return s
	}
	s.Min, s.Max = sorted[0], sorted[n-1]
	for _, v := range sorted {
		s.Mean += float64(v) / float64(n)
	}
	if n > 1 {
		var squares float64
		for _, v := range sorted {
			squares += (float64(v) - s.Mean) * (float64(v) - s.Mean)
		}
		s.StdDev = math.Sqrt(squares / float64(n-1))
	}
	s.Median, s.P75, s.P90, s.P95 = quantile(sorted, 0.5), quantile(sorted, 0.75), quantile(sorted, 0.9), quantile(sorted, 0.95)
	s.P98, s.P99, s.P999 = quantile(sorted, 0.98), quantile(sorted, 0.99), quantile(sorted, 0.999)
	return s
}

// quantile interpolates between the values around position q(n+1), counted from 1 (type 6 of Hyndman and Fan, Sample Quantiles in
// Statistical Packages, 1996), which is what Flink's histograms report.
func quantile(sorted []int64, q float64) float64 {
	position := q * float64(len(sorted)+1)
	below := int(position)
	switch {
	case below < 1:
		return float64(sorted[0])
	case below >= len(sorted):
		return float64(sorted[len(sorted)-1])
	}
	low, high := float64(sorted[below-1]), float64(sorted[below])
	return low + (position-float64(below))*(high-low)
}
