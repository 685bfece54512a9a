package accumulator

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"sync"
)

// Int is an accumulator of whole numbers. One that has not been added to holds the neutral value: 0 for a counter, the greatest number for a
// minimum, the least for a maximum.
type Int struct {
	kind  Kind
	mu    sync.Mutex
	value int64
}

// IntCounter returns an accumulator that adds up. (Flink has IntCounter and LongCounter; an int has 64 bits here.)
func IntCounter() *Int { return &Int{kind: KindIntCounter} }

// IntMinimum returns an accumulator that keeps the least number.
func IntMinimum() *Int { return &Int{kind: KindIntMinimum, value: math.MaxInt64} }

// IntMaximum returns an accumulator that keeps the greatest number.
func IntMaximum() *Int { return &Int{kind: KindIntMaximum, value: math.MinInt64} }

// Add takes a number.
func (a *Int) Add(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch a.kind {
	case KindIntMinimum:
		a.value = min(a.value, n)
	case KindIntMaximum:
		a.value = max(a.value, n)
	default:
		a.value += n
	}
}

// Local returns the result of this subtask so far.
func (a *Int) Local() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.value
}

// Value implements [Accumulator].
func (a *Int) Value() Value { return encode(a.kind, a.Local()) }

// Double is an accumulator of floating-point numbers. One that has not been added to holds 0, or for a minimum and a maximum +Inf and -Inf.
type Double struct {
	kind  Kind
	mu    sync.Mutex
	value float64
}

// DoubleCounter returns an accumulator that adds up.
func DoubleCounter() *Double { return &Double{kind: KindDoubleCounter} }

// DoubleMinimum returns an accumulator that keeps the least number; NaN is less than all.
func DoubleMinimum() *Double { return &Double{kind: KindDoubleMinimum, value: math.Inf(1)} }

// DoubleMaximum returns an accumulator that keeps the greatest number; NaN is greater than all.
func DoubleMaximum() *Double { return &Double{kind: KindDoubleMaximum, value: math.Inf(-1)} }

// Add takes a number.
func (a *Double) Add(f float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch a.kind {
	case KindDoubleMinimum:
		a.value = min(a.value, f)
	case KindDoubleMaximum:
		a.value = max(a.value, f)
	default:
		a.value += f
	}
}

// Local returns the result of this subtask so far.
func (a *Double) Local() float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.value
}

// Value implements [Accumulator].
func (a *Double) Value() Value { return encode(a.kind, double(a.Local())) }

// Average is an accumulator of the mean of numbers.
type Average struct {
	mu    sync.Mutex
	value average
}

type average struct {
	Count int64  `json:"count"`
	Sum   double `json:"sum"`
}

func (a average) mean() float64 {
	if a.Count == 0 {
		return 0
	}
	return float64(a.Sum) / float64(a.Count)
}

// NewAverage returns an accumulator of nothing yet, the mean of which is 0.
func NewAverage() *Average { return new(Average) }

// Add takes a number.
func (a *Average) Add(f float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.value.Count++
	a.value.Sum += double(f)
}

// Local returns the result of this subtask so far.
func (a *Average) Local() float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.value.mean()
}

// Value implements [Accumulator].
func (a *Average) Value() Value {
	a.mu.Lock()
	defer a.mu.Unlock()
	return encode(KindAverage, a.value)
}

// double is a float64 whose JSON is a number where JSON has one, else a text such as "+Inf".
type double float64

func (d double) MarshalJSON() ([]byte, error) {
	if f := float64(d); math.IsInf(f, 0) || math.IsNaN(f) {
		return strconv.AppendQuote(nil, strconv.FormatFloat(f, 'g', -1, 64)), nil
	}
	return json.Marshal(float64(d))
}

func (d *double) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"NaN"`:
		*d = double(math.NaN())
	case `"+Inf"`:
		*d = double(math.Inf(1))
	case `"-Inf"`:
		*d = double(math.Inf(-1))
	default:
		f, err := strconv.ParseFloat(string(data), 64)
		if err != nil {
			return fmt.Errorf("%s is not a number", data)
		}
		*d = double(f)
	}
	return nil
}
