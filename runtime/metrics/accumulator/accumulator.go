// Package accumulator has values that the subtasks of a job add to while they run and that are merged into one result for the job, as in
// Flink: counters, minima and maxima, averages, lists and histograms.
//
// A function adds to accumulators in the [Set] of its subtask. The runtime sends a [Snapshot] of it now and then and when the subtask ends;
// the JobMaster merges the snapshots of all subtasks with [Merge]. It runs no user code, so there are no accumulators of a user's own kind: a
// [List] of JSON values takes their place.
package accumulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Kind names how values merge; its text is the type that Flink's REST API shows.
type Kind string

// The kinds.
const (
	KindIntCounter    Kind = "IntCounter"
	KindIntMinimum    Kind = "IntMinimum"
	KindIntMaximum    Kind = "IntMaximum"
	KindDoubleCounter Kind = "DoubleCounter"
	KindDoubleMinimum Kind = "DoubleMinimum"
	KindDoubleMaximum Kind = "DoubleMaximum"
	KindAverage       Kind = "AverageAccumulator"
	KindList          Kind = "ListAccumulator"
	KindHistogram     Kind = "Histogram"
)

// Accumulator is one of the types of this package. All may be used by any goroutine.
type Accumulator interface {
	// Value returns what was added so far.
	Value() Value
}

// Value is the content of an accumulator at one moment, in the form in which it travels.
type Value struct {
	Kind Kind            `json:"kind"`
	Data json.RawMessage `json:"value"`
}

// Snapshot has values by the names of their accumulators.
type Snapshot map[string]Value

// Set holds the accumulators of one subtask. Any goroutine may use it.
type Set struct {
	mu     sync.Mutex
	byName map[string]Accumulator
}

// Add adds an accumulator under a name, which must be new to the set.
func (s *Set) Add(name string, a Accumulator) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.byName[name]; taken {
		return fmt.Errorf("accumulator %q exists already in this subtask; give this one another name", name)
	}
	if s.byName == nil {
		s.byName = make(map[string]Accumulator)
	}
	s.byName[name] = a
	return nil
}

// Get returns the accumulator of this name, or nil.
func (s *Set) Get(name string) Accumulator {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byName[name]
}

// Snapshot returns the values of all accumulators.
func (s *Set) Snapshot() Snapshot {
	s.mu.Lock()
	all := maps.Clone(s.byName)
	s.mu.Unlock()
	snapshot := make(Snapshot, len(all))
	for name, a := range all {
		snapshot[name] = a.Value()
	}
	return snapshot
}

// Encode writes the snapshot as JSON.
func (s Snapshot) Encode() ([]byte, error) { return json.Marshal(s) }

// Decode reads what Encode wrote. It checks that every value is of its kind.
func Decode(encoded []byte) (Snapshot, error) {
	var s Snapshot
	if err := json.Unmarshal(encoded, &s); err != nil {
		return nil, fmt.Errorf("accumulators: %w", err)
	}
	for name, v := range s {
		if _, err := merge(v, v); err != nil {
			return nil, fmt.Errorf("accumulator %q: %w", name, err)
		}
	}
	return s, nil
}

// Merge returns the values of several subtasks as those of their job. Lists are joined in the order given. It fails if two subtasks have
// accumulators of different kinds under one name.
func Merge(subtasks ...Snapshot) (Snapshot, error) {
	merged := make(Snapshot)
	for _, subtask := range subtasks {
		for _, name := range slices.Sorted(maps.Keys(subtask)) {
			value := subtask[name]
			if before, ok := merged[name]; ok {
				var err error
				if value, err = merge(before, value); err != nil {
					return nil, fmt.Errorf("accumulator %q: %w", name, err)
				}
			}
			merged[name] = value
		}
	}
	return merged, nil
}

func merge(a, b Value) (Value, error) {
	if a.Kind != b.Kind {
		return Value{}, fmt.Errorf("is a %s in one subtask and a %s in another; give them different names", a.Kind, b.Kind)
	}
	switch a.Kind {
	case KindIntCounter:
		return combine(a, b, func(x, y int64) int64 { return x + y })
	case KindIntMinimum:
		return combine(a, b, func(x, y int64) int64 { return min(x, y) })
	case KindIntMaximum:
		return combine(a, b, func(x, y int64) int64 { return max(x, y) })
	case KindDoubleCounter:
		return combine(a, b, func(x, y double) double { return x + y })
	case KindDoubleMinimum:
		return combine(a, b, func(x, y double) double { return min(x, y) })
	case KindDoubleMaximum:
		return combine(a, b, func(x, y double) double { return max(x, y) })
	case KindAverage:
		return combine(a, b, func(x, y average) average { return average{Count: x.Count + y.Count, Sum: x.Sum + y.Sum} })
	case KindList:
		return combine(a, b, func(x, y []json.RawMessage) []json.RawMessage { return append(x, y...) })
	case KindHistogram:
		return combine(a, b, func(x, y map[int64]int64) map[int64]int64 {
			for value, count := range y {
				x[value] += count
			}
			return x
		})
	}
	return Value{}, fmt.Errorf("the kind %q is unknown", a.Kind)
}

func combine[T any](a, b Value, join func(x, y T) T) (Value, error) {
	x, err := decode[T](a)
	if err != nil {
		return Value{}, err
	}
	y, err := decode[T](b)
	if err != nil {
		return Value{}, err
	}
	return encode(a.Kind, join(x, y)), nil
}

func decode[T any](v Value) (T, error) {
	var decoded *T
	if err := json.Unmarshal(v.Data, &decoded); err != nil {
		return *new(T), fmt.Errorf("not a %s: %w", v.Kind, err)
	}
	if decoded == nil {
		return *new(T), fmt.Errorf("not a %s: it is null", v.Kind)
	}
	return *decoded, nil
}

// encode cannot fail: it is given the types of this package only, and elements that are JSON already.
func encode(kind Kind, v any) Value {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("accumulator: %T is not encoded: %v", v, err))
	}
	return Value{Kind: kind, Data: data}
}
