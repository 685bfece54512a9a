package task

import (
	"errors"
	"testing"

	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/transform"
)

// TestAFunctionThatBecomesSlowIsInterrupted has a function ask, in the middle of a slice of many records that were fast, for
// what is urgent: it is done before the function's next record, or within operator.Stride records where it is looked only so
// often, and not at the end of the slice.
func TestAFunctionThatBecomesSlowIsInterrupted(t *testing.T) {
	settings := small
	settings.SliceRecords = 1024
	settings.Limits.MinRecords, settings.Limits.MaxRecords, settings.Limits.Bytes = 1024, 1024, 1<<20
	const slow = 5000 // slices have their full size by then
	for name, shape := range map[string]func(s *sketch, each func(int64)) operator.Factory{
		"map": func(_ *sketch, each func(int64)) operator.Factory {
			return mapping(func(v int64) int64 { each(v); return v })
		},
		"mapErr": func(_ *sketch, each func(int64)) operator.Factory {
			return transform.MapErr(func() func(int64) (int64, error) { return func(v int64) (int64, error) { each(v); return v, nil } })
		},
		"filter": func(_ *sketch, each func(int64)) operator.Factory {
			return transform.Filter(func() func(int64) bool { return func(v int64) bool { each(v); return true } })
		},
		"flatMap": func(_ *sketch, each func(int64)) operator.Factory {
			return transform.FlatMap(func() func(int64, operator.Collector[int64]) error {
				return func(v int64, out operator.Collector[int64]) error { each(v); out.Collect(v); return nil }
			})
		},
	} {
		stride := int64(1)
		if name == "map" || name == "filter" {
			stride = operator.Stride
		}
		for _, expanded := range []bool{false, true} {
			var s sketch
			var task *Task
			calls, pongs := int64(0), 0
			each := func(int64) {
				calls++
				switch after := calls - slow; {
				case after < 0:
				case after > 3*stride:
					task.Cancel()
				case after%stride == 0: // four times a sign of life is asked for, and given within a stride
					if want := int(after / stride); pongs != want {
						t.Errorf("%s: %d of %d signs of life", name, pongs, want)
					}
					task.DoUrgently(func() { pongs++ })
				}
			}
			src := s.source("numbers", counting(1<<20))
			if expanded {
				src = s.op("expand", transform.FlatMap(func() func(int64, operator.Collector[int64]) error {
					return func(v int64, out operator.Collector[int64]) error {
						for range 100 {
							out.Collect(v)
						}
						return nil
					}
				}), src)
			}
			s.sink("sink", (&basin{}).writer, s.op(name, shape(&s, each), src))
			task = s.build(t, manual(), settings, 1).open().task("sink", 0)
			step(t, task, Ended)
			if last := slow + 4*stride; !errors.Is(task.Err(), operator.ErrCanceled) || calls <= last-stride || calls > last {
				t.Errorf("%s, expanded %v: ended with %v after %d records, want to be canceled within %d before %d", name, expanded, task.Err(), calls, stride, last)
			}
		}
	}
}
