// Package datagen has a source that makes its records: each from its index, so that it resumes exactly.
package datagen

import (
	"fmt"
	"math"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
)

// Unbounded as a count makes a source that does not end.
const Unbounded int64 = -1

// block is how many neighbouring indices a subtask of an unbounded source makes before it leaves as many to each other one.
const block = 1024

// Source makes records from their indices, which count from 0. Of a bounded source each subtask has a contiguous range of
// the indices, of an unbounded or a rated one a share of them all the way along.
type Source[T any] struct {
	count      int64
	newFill    func(subtask int) func(start int64, out []T)
	perSecond  float64 // 0: as fast as possible
	timestamps func(T) int64
}

// Generate makes a source of count records, or Unbounded. The function is shared by the subtasks of a process and must
// be safe for concurrent use; the same index must give the same record.
func Generate[T any](count int64, record func(index int64) T) Source[T] {
	return GenerateWith(count, func(int) func(int64) T { return record })
}

// GenerateWith is Generate with a function for each subtask, made when the subtask starts, which may hold buffers.
func GenerateWith[T any](count int64, newRecord func(subtask int) func(index int64) T) Source[T] {
	return FillWith(count, func(subtask int) func(int64, []T) {
		record := newRecord(subtask)
		return func(start int64, out []T) {
			for i := range out {
				out[i] = record(start + int64(i))
			}
		}
	})
}

// Fill makes a source of count records, or Unbounded, which are made many at a time: fill sets all of out to the records
// start, start+1 and so on. It is the fastest way; for the rest see Generate.
func Fill[T any](count int64, fill func(start int64, out []T)) Source[T] {
	return FillWith(count, func(int) func(int64, []T) { return fill })
}

// FillWith is Fill with a function for each subtask, made when the subtask starts, which may hold buffers.
func FillWith[T any](count int64, newFill func(subtask int) func(start int64, out []T)) Source[T] {
	return Source[T]{count: count, newFill: newFill}
}

// Rate returns the source limited to so many records a second over all its subtasks. Record i is due i/perSecond seconds
// after the first; what could not be emitted when it was due (back pressure) follows as soon as it can.
func (s Source[T]) Rate(perSecond float64) Source[T] {
	s.perSecond = perSecond
	return s
}

// Timestamps returns the source with an event time for each record, in milliseconds since the epoch.
func (s Source[T]) Timestamps(of func(T) int64) Source[T] {
	s.timestamps = of
	return s
}

// Name is the name of the operator.
func (s Source[T]) Name() string { return "Data Generator Source" }

// Kind names the connector.
func (s Source[T]) Kind() string { return "datagen" }

// Bounded says whether a count was given.
func (s Source[T]) Bounded() bool { return s.count >= 0 }

// NewEnumerator makes the enumerator: as many splits as subtasks.
func (s Source[T]) NewEnumerator(ctx connector.EnumeratorContext) (connector.Enumerator, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return splits.NewEnumerator(ctx, splits.Plan{
		Fixed: true,
		List: func() ([]connector.Split, error) {
			return s.plan(int64(ctx.Parallelism())), nil
		},
		Weigh: func(split connector.Split) (int64, error) {
			_, err := decodeLane(split.State)
			return 1, err
		},
	}), nil
}

// NewReader makes the reader of one subtask.
func (s Source[T]) NewReader(ctx connector.ReaderContext) (connector.Reader[T], error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return &reader[T]{
		ctx: ctx, queue: splits.NewQueue(ctx), fill: s.newFill(ctx.Subtask()), timestamps: s.timestamps, pace: pace{perSecond: s.perSecond},
	}, nil
}

func (s Source[T]) check() error {
	if s.perSecond < 0 || math.IsNaN(s.perSecond) || math.IsInf(s.perSecond, 0) {
		return fmt.Errorf("generator source: a rate of %v records a second is no rate: give a positive number, or none for no limit", s.perSecond)
	}
	return nil
}

// plan divides the indices among parallelism splits.
func (s Source[T]) plan(parallelism int64) []connector.Split {
	var lanes []lane
	for i := range parallelism {
		switch {
		case s.perSecond > 0:
			lanes = append(lanes, lane{next: i, end: s.end(), block: 1, stride: parallelism})
		case s.count < 0:
			lanes = append(lanes, lane{next: i * block, end: s.end(), block: block, stride: parallelism})
		default:
			lanes = append(lanes, lane{next: part(s.count, i, parallelism), end: part(s.count, i+1, parallelism), block: 1, stride: 1})
		}
	}
	var list []connector.Split
	for i, l := range lanes {
		if !l.done() {
			list = append(list, connector.Split{ID: fmt.Sprintf("generator-%d", i), State: l.encode()})
		}
	}
	return list
}

func (s Source[T]) end() int64 {
	if s.count < 0 {
		return math.MaxInt64
	}
	return s.count
}

// part is where the i-th of n nearly equal parts of count begins.
func part(count, i, n int64) int64 { return count/n*i + min(i, count%n) }
