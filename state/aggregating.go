package state

import "fmt"

// Aggregate folds values of In into an accumulator and gives an Out for it. An Aggregate is shared by all keys: what it
// remembers is in the accumulators only.
type Aggregate[In, Acc, Out any] interface {
	// Create returns an empty accumulator.
	Create() Acc
	// Add returns acc with value folded in. It may change and return acc itself.
	Add(acc Acc, value In) Acc
	// Result gives the outcome so far; acc stays valid.
	Result(acc Acc) Out
}

// Merger is an Aggregate whose accumulators can be joined, as merging windows and pre-aggregation need.
type Merger[Acc any] interface {
	// Merge returns a and b in one. It may change and return a.
	Merge(a, b Acc) Acc
}

// Aggregating is one accumulator per key. Make it with [NewAggregating] in the factory of the function that has it as a
// field.
type Aggregating[In, Acc, Out any] struct {
	aggregate Aggregate[In, Acc, Out]
	acc       Value[Acc]
}

// NewAggregating returns a state that folds what is added with aggregate.
func NewAggregating[In, Acc, Out any](aggregate Aggregate[In, Acc, Out]) Aggregating[In, Acc, Out] {
	return Aggregating[In, Acc, Out]{aggregate: aggregate}
}

// Add folds value into the current key's accumulator.
func (a *Aggregating[In, Acc, Out]) Add(value In) {
	acc, ok := a.acc.base()
	if !ok {
		acc = a.aggregate.Create()
	}
	a.acc.Set(a.aggregate.Add(acc, value))
}

// Get returns the result of the current key's accumulator, and false if nothing was added.
func (a *Aggregating[In, Acc, Out]) Get() (out Out, ok bool) {
	acc, ok := a.acc.Get()
	if !ok {
		return out, false
	}
	return a.aggregate.Result(acc), true
}

// Clear removes the current key's accumulator.
func (a *Aggregating[In, Acc, Out]) Clear() { a.acc.Clear() }

func (a *Aggregating[In, Acc, Out]) describe() (Descriptor, error) {
	if a.aggregate == nil {
		return Descriptor{}, errNoFunction("Aggregating", "NewAggregating")
	}
	return describe[Acc](KindAggregating)
}

func (a *Aggregating[In, Acc, Out]) bind(store Store, c Column, d Descriptor, now func() int64) {
	a.acc.bind(store, c, d, now)
}

func (a *Aggregating[In, Acc, Out]) expire() { a.acc.expire() }

func errNoFunction(kind, constructor string) error {
	return fmt.Errorf("the %s state has no function: make it with state.%s in the factory of its function", kind, constructor)
}
