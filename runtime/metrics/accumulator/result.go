package accumulator

import (
	"encoding/json"
	"fmt"
)

// Int returns the result of an IntCounter, IntMinimum or IntMaximum.
func (v Value) Int() (int64, error) {
	switch v.Kind {
	case KindIntCounter, KindIntMinimum, KindIntMaximum:
		return decode[int64](v)
	}
	return 0, v.not("whole number")
}

// Double returns the result of an accumulator of numbers; that of an average is its mean.
func (v Value) Double() (float64, error) {
	switch v.Kind {
	case KindDoubleCounter, KindDoubleMinimum, KindDoubleMaximum:
		d, err := decode[double](v)
		return float64(d), err
	case KindAverage:
		a, err := decode[average](v)
		return a.mean(), err
	case KindIntCounter, KindIntMinimum, KindIntMaximum:
		n, err := decode[int64](v)
		return float64(n), err
	}
	return 0, v.not("number")
}

// Histogram returns the result of a Histogram.
func (v Value) Histogram() (map[int64]int64, error) {
	if v.Kind != KindHistogram {
		return nil, v.not("histogram")
	}
	return decode[map[int64]int64](v)
}

// Elements returns the result of a List whose elements have type T.
func Elements[T any](v Value) ([]T, error) {
	if v.Kind != KindList {
		return nil, v.not("list")
	}
	var elements []T
	if err := json.Unmarshal(v.Data, &elements); err != nil {
		return nil, fmt.Errorf("the elements of the list accumulator are no %T: %w", *new(T), err)
	}
	return elements, nil
}

func (v Value) not(wanted string) error {
	return fmt.Errorf("the accumulator is a %s, not a %s", v.Kind, wanted)
}

// String returns the result as Flink's REST API shows it: numbers and means as they are, collections as JSON.
func (v Value) String() string {
	if v.Kind == KindAverage {
		if mean, err := v.Double(); err == nil {
			return fmt.Sprint(mean)
		}
	}
	return string(v.Data)
}
