// Package sliced has the fast paths of windows that keep one accumulator: tumbling and sliding windows whose time is cut
// into slices that overlapping windows share, and the aggregation of a subtask's records before they are shuffled. Both
// have the default trigger and no evictor; everything else is the general operator's.
package sliced

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
)

// Config is a tumbling or sliding window that keeps one accumulator per key and window. Times are in milliseconds.
type Config[K comparable, In, Acc, Out any] struct {
	keyed.Stream[K, In]
	// Windows begin at the multiples of Slide, shifted by Offset, and are Size long. Those of a tumbling window have a Slide of
	// Size. Slide may exceed Size: what lies between windows is dropped.
	Size, Slide, Offset int64
	// ProcessingTime puts records into the windows of the clock's time; Lateness and Late have no meaning then.
	ProcessingTime bool
	// Lateness is how long a window is kept after the watermark has reached its end.
	Lateness int64
	// Late names the side output of records that come too late; the name is "" if there is none.
	Late operator.OutputTag[In]

	Accumulators codec.Codec[Acc]
	// Add puts a record into an accumulator, which is fresh (zero) for the first one.
	Add func(acc *Acc, fresh bool, in In)
	// Merge puts an accumulator of later records into acc; it neither changes nor keeps later. It is needed where windows
	// overlap, see Overlap. There, records are not added up in the order in which they came, but slice by slice.
	Merge func(acc, later *Acc)
	// New makes the function that turns accumulators into results, for each subtask. It may emit to the side outputs.
	New func(ctx *operator.Context, side *operator.SideOutputs) (Function[K, Acc, Out], error)
}

// Function makes the results of windows. It may be an operator.Opener and an operator.Closer.
type Function[K, Acc, Out any] interface {
	// Fire emits what a window has for a key. The accumulator is the function's own during the call.
	Fire(firing *Firing[K], acc *Acc, out operator.Collector[Out]) error
}

// Firing is the occasion of a Fire. It is valid during the call.
type Firing[K any] struct {
	Key    K
	Window operator.Window
	// Watermark is the current event time, which may be far behind or beyond the window.
	Watermark int64
}

// Result is a Function that emits one record for each window and key.
type Result[K, Acc, Out any] func(key K, window operator.Window, acc *Acc) Out

// Fire implements Function.
func (r Result[K, Acc, Out]) Fire(f *Firing[K], acc *Acc, out operator.Collector[Out]) error {
	out.Collect(r(f.Key, f.Window, acc))
	return nil
}

// New makes r the function of every subtask.
func (r Result[K, Acc, Out]) New(*operator.Context, *operator.SideOutputs) (Function[K, Acc, Out], error) {
	return r, nil
}

// Overlap reports whether a record can belong to several windows, so that Merge is needed.
func (c *Config[K, In, Acc, Out]) Overlap() bool { return c.Slide < c.Size }

func (c *Config[K, In, Acc, Out]) check() error {
	switch {
	case c.Size <= 0 || c.Slide <= 0:
		return fmt.Errorf("a window of %d ms every %d ms: both must be positive", c.Size, c.Slide)
	case c.Lateness < 0:
		return fmt.Errorf("an allowed lateness of %d ms: it must not be negative", c.Lateness)
	case c.Overlap() && c.Merge == nil:
		return fmt.Errorf("sliding windows of %d ms every %d ms cannot share slices: the aggregate has no Merge", c.Size, c.Slide)
	}
	return nil
}
