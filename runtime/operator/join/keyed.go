// Package join has the joins of two keyed streams: the interval join, and the one that keeps both sides for ever.
package join

import (
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// Keyed is a function on two streams that calls another for each pair of records of equal keys. Each record is kept
// and meets those of the other side that came before it, in their order.
type Keyed[K comparable, L, R, Out any] struct {
	Left  state.List[L] `state:"left"`
	Right state.List[R] `state:"right"`

	join func(left L, right R, out operator.Collector[Out]) error
	ttl  state.TTL
}

// NewKeyed joins with a function. Records are kept for as long as ttl says.
func NewKeyed[K comparable, L, R, Out any](join func(left L, right R, out operator.Collector[Out]) error, ttl state.TTL) *Keyed[K, L, R, Out] {
	return &Keyed[K, L, R, Out]{join: join, ttl: ttl}
}

// StateFields returns the two sides with their time to live.
func (j *Keyed[K, L, R, Out]) StateFields() ([]state.Field, error) {
	fields, err := state.Fields(j)
	if j.ttl.Duration > 0 {
		for i := range fields {
			fields[i].Descriptor = fields[i].Descriptor.WithTTL(j.ttl)
		}
	}
	return fields, err
}

// Process1 implements operator.KeyedCoProcessFunction.
func (j *Keyed[K, L, R, Out]) Process1(_ *operator.KeyedContext[K], left L, out operator.Collector[Out]) error {
	j.Left.Add(left)
	for right := range j.Right.Get() {
		if err := j.join(left, right, out); err != nil {
			return err
		}
	}
	return nil
}

// Process2 implements operator.KeyedCoProcessFunction.
func (j *Keyed[K, L, R, Out]) Process2(_ *operator.KeyedContext[K], right R, out operator.Collector[Out]) error {
	j.Right.Add(right)
	for left := range j.Left.Get() {
		if err := j.join(left, right, out); err != nil {
			return err
		}
	}
	return nil
}
