// Package watermark makes event time: strategies that assign timestamps and generate watermarks, their combination over the
// splits of a source, the alignment of sources, and the operator that does it in the middle of a stream.
//
// A watermark w says that no record with an event time at or before w follows, save late ones. Semantics are those of Apache
// Flink 2.3 (WatermarkStrategy, WatermarkGenerator, WatermarkOutputMultiplexer), checked against its outputs.
package watermark

import (
	"errors"
	"fmt"
	"time"

	"github.com/weir-stream/weir/runtime/element"
)

// Given is what RecordTimestamp returns: no time, but the sign that records have theirs already.
type Given struct{}

// RecordTimestamp stands where a timestamp assigner is wanted and the records have their event times already, from the
// source or from an earlier assignment. It is never called.
func RecordTimestamp[T any](T) Given { return Given{} }

// Moment is what a timestamp assigner may return: a time, or milliseconds since the epoch; or Given, in RecordTimestamp.
type Moment interface{ time.Time | int64 | Given }

// kind tells the generators apart.
type kind uint8

const (
	none kind = iota
	bounded
	custom
)

// Strategy says which event times the records of a stream have, and how watermarks follow from them. It is made when a
// graph is built, is a value, and is shared by all subtasks. The zero Strategy keeps the timestamps and makes no watermarks.
type Strategy[T any] struct {
	kind kind
	// stamp sets the timestamps of a batch; nil where records keep theirs.
	stamp func(values []T, timestamps []int64)
	// outOfOrderness is in milliseconds.
	outOfOrderness int64
	newGenerator   func() Generator[T]
	idleness       time.Duration
	alignment      Alignment
	problem        error
}

// None assigns timestamps and makes no watermarks, but the last one at the end of bounded input.
func None[T any, M Moment](at func(T) M) Strategy[T] { return assigning(at) }

// BoundedOutOfOrderness is for records that come at most bound later, in event time, than others with a higher
// timestamp: the watermark stays bound and a millisecond behind the highest one.
func BoundedOutOfOrderness[T any, M Moment](bound time.Duration, at func(T) M) Strategy[T] {
	s := assigning(at)
	s.kind, s.outOfOrderness = bounded, bound.Milliseconds()
	if bound < 0 {
		s.fail("a bound of %v for the out-of-orderness: it cannot be negative", bound)
	}
	return s
}

// Monotonous is for records whose timestamps ascend, in each split of a source by itself.
func Monotonous[T any, M Moment](at func(T) M) Strategy[T] { return BoundedOutOfOrderness(0, at) }

// Punctuated has records that carry watermarks: after each record, mark says whether there is one, and which, in
// milliseconds. The function is shared by the subtasks of a process.
func Punctuated[T any, M Moment](at func(T) M, mark func(record T, timestamp int64) (watermark int64, ok bool)) Strategy[T] {
	s := Custom(at, func() Generator[T] { return punctuated[T]{mark} })
	if mark == nil {
		s.fail("punctuated watermarks without a function that finds them")
	}
	return s
}

// Custom has a generator of the program's own, one for each subtask or, in a source that tells its splits, for each split.
func Custom[T any, M Moment](at func(T) M, newGenerator func() Generator[T]) Strategy[T] {
	s := assigning(at)
	s.kind, s.newGenerator = custom, newGenerator
	if newGenerator == nil {
		s.fail("custom watermarks without a function that makes their generator")
	}
	return s
}

// assigning makes the strategy without watermarks. The type of the assigner's result is looked at here, once, so that no
// conversion is left for each record but that of a time.Time.
func assigning[T any, M Moment](at func(T) M) (s Strategy[T]) {
	if at == nil {
		s.fail("no timestamp assigner: give a function, or RecordTimestamp if the records have event times already")
		return s
	}
	switch at := any(at).(type) {
	case func(T) int64:
		s.stamp = func(values []T, timestamps []int64) {
			for i, v := range values {
				timestamps[i] = at(v)
			}
		}
	case func(T) time.Time:
		s.stamp = func(values []T, timestamps []int64) {
			for i, v := range values {
				timestamps[i] = at(v).UnixMilli()
			}
		}
	}
	return s
}

// WithIdleness has a stream, or a split, without records no longer hold back event time after timeout of processing time. It
// counts from the first periodic tick that saw no record; time in which the subtask could not read does not count.
func (s Strategy[T]) WithIdleness(timeout time.Duration) Strategy[T] {
	s.idleness = timeout
	if timeout <= 0 {
		s.fail("an idleness timeout of %v: it has to be positive", timeout)
	}
	return s
}

// WithAlignment has the sources of the job that name one group wait for each other: a subtask whose watermark is more than
// maxDrift ahead of the lowest in the group stops reading until that has caught up. Subtasks tell their watermarks every
// updateInterval; 0 stands for a second. It is for sources only.
func (s Strategy[T]) WithAlignment(group string, maxDrift, updateInterval time.Duration) Strategy[T] {
	if updateInterval == 0 {
		updateInterval = time.Second
	}
	s.alignment = Alignment{Group: group, MaxDrift: maxDrift.Milliseconds(), UpdateInterval: updateInterval}
	switch {
	case group == "" || len(group) > maxGroupName:
		s.fail("alignment in group %.20q: it needs a name of 1 to %d bytes", group, maxGroupName)
	case maxDrift < 0:
		s.fail("alignment in group %q with a drift of at most %v: it cannot be negative", group, maxDrift)
	case updateInterval < time.Millisecond:
		s.fail("alignment in group %q with an update interval of %v: it has to be at least a millisecond", group, updateInterval)
	}
	return s
}

func (s *Strategy[T]) fail(format string, arguments ...any) {
	s.problem = errors.Join(s.problem, fmt.Errorf("watermark strategy: "+format, arguments...))
}

// Err is what is wrong with the strategy, for whoever builds a graph.
func (s Strategy[T]) Err() error { return s.problem }

// EmitsWatermarks reports whether the strategy makes watermarks before the end of the input.
func (s Strategy[T]) EmitsWatermarks() bool { return s.kind != none }

// Alignment is the group of sources to be kept together; its zero value is none.
func (s Strategy[T]) Alignment() Alignment { return s.alignment }

// Passive reports whether the strategy does nothing at all.
func (s Strategy[T]) Passive() bool { return s.stamp == nil && !s.Ticks() }

// Ticks reports whether trackers have something to do periodically, or for each record.
func (s Strategy[T]) Ticks() bool { return s.kind != none || s.idleness > 0 }

// Stamps reports whether the strategy sets timestamps.
func (s Strategy[T]) Stamps() bool { return s.stamp != nil }

// Stamp sets the event times of values; it must not be called unless Stamps.
func (s Strategy[T]) Stamp(values []T, timestamps []int64) { s.stamp(values, timestamps) }

// NewTracker makes the state for one stream or split.
func (s Strategy[T]) NewTracker() *Tracker[T] {
	// The highest timestamp so far begins where the watermark that follows from it is NoWatermark, which is none.
	highest := element.NoWatermark + s.outOfOrderness + 1
	t := &Tracker[T]{kind: s.kind, bound: s.outOfOrderness, highest: highest, idleness: idleness{timeout: s.idleness.Nanoseconds()}}
	if s.kind == custom {
		t.generator = s.newGenerator()
	}
	return t
}

// at is the event time of record i of a batch, whose timestamps may be left out.
func at(timestamps []int64, i int) int64 {
	if len(timestamps) == 0 {
		return element.NoTimestamp
	}
	return timestamps[i]
}
