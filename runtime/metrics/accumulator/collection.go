package accumulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// List is an accumulator that keeps every element. All of a job's elements meet in the JobManager's memory: it is for few and small ones.
type List[T any] struct {
	mu       sync.Mutex
	elements []json.RawMessage
}

// NewList returns an empty list.
func NewList[T any]() *List[T] { return new(List[T]) }

// Add appends an element. It fails if encoding/json cannot write it.
func (a *List[T]) Add(element T) error {
	encoded, err := json.Marshal(element)
	if err != nil {
		return fmt.Errorf("an element of a list accumulator must be written as JSON: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.elements = append(a.elements, encoded)
	return nil
}

// Value implements [Accumulator].
func (a *List[T]) Value() Value {
	a.mu.Lock()
	elements := slices.Clip(a.elements)
	a.mu.Unlock()
	if elements == nil {
		elements = []json.RawMessage{}
	}
	return encode(KindList, elements)
}

// Histogram is an accumulator that counts how often each number occurs.
type Histogram struct {
	mu     sync.Mutex
	counts map[int64]int64
}

// NewHistogram returns an empty histogram.
func NewHistogram() *Histogram { return &Histogram{counts: make(map[int64]int64)} }

// Add counts a number.
func (a *Histogram) Add(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts[n]++
}

// Local returns how often each number has occurred in this subtask so far.
func (a *Histogram) Local() map[int64]int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.counts)
}

// Value implements [Accumulator].
func (a *Histogram) Value() Value { return encode(KindHistogram, a.Local()) }
