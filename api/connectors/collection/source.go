// Package collection has sources of values that the program itself holds.
package collection

import (
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
)

// Source emits the values of a collection in their order. It is bounded and read by one subtask. It resumes by the index
// of the next value, so the collection must be the same in every run and in every process of the job.
type Source[T any] struct {
	open       func(from int64) (cursor[T], error)
	timestamps func(T) int64
}

// Of makes a source of the given values.
func Of[T any](values ...T) Source[T] { return From(values) }

// From makes a source of the values of a slice. The slice belongs to the source from here on.
func From[T any](values []T) Source[T] {
	return Source[T]{open: func(from int64) (cursor[T], error) {
		if from > int64(len(values)) {
			return nil, changedError{from, int64(len(values))}
		}
		return &sliceCursor[T]{rest: values[from:]}, nil
	}}
}

// FromSeq makes a source of what a sequence yields; it has to end. Each run of the job and each restart walks the
// sequence from its start, and it must yield the same then.
func FromSeq[T any](seq iter.Seq[T]) Source[T] {
	return Source[T]{open: func(from int64) (cursor[T], error) {
		next, stop := iter.Pull(seq)
		return &seqCursor[T]{next: next, stop: stop, from: from}, nil
	}}
}

// Timestamps returns the source with an event time for each value, in milliseconds since the epoch.
func (s Source[T]) Timestamps(of func(T) int64) Source[T] {
	s.timestamps = of
	return s
}

// Name is Flink's.
func (s Source[T]) Name() string { return "Collection Source" }

// Kind names the connector.
func (s Source[T]) Kind() string { return "collection" }

// Bounded is true.
func (s Source[T]) Bounded() bool { return true }

// MaxReaders is 1.
func (s Source[T]) MaxReaders() int { return 1 }

// NewEnumerator makes the enumerator of the one split.
func (s Source[T]) NewEnumerator(ctx connector.EnumeratorContext) (connector.Enumerator, error) {
	return splits.NewEnumerator(ctx, splits.Plan{
		List: func() ([]connector.Split, error) {
			return []connector.Split{{ID: splitID, State: encodeIndex(0)}}, nil
		},
		Weigh: func(split connector.Split) (int64, error) {
			_, err := decodeIndex(split.State)
			return 1, err
		},
	}), nil
}

// NewReader makes the reader.
func (s Source[T]) NewReader(ctx connector.ReaderContext) (connector.Reader[T], error) {
	return &reader[T]{source: s, queue: splits.NewQueue(ctx)}, nil
}

const splitID = "collection"

// encodeIndex is the state of the split: the index of the next value, 8 bytes, the high one first.
func encodeIndex(next int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(next)) }

func decodeIndex(state []byte) (int64, error) {
	if len(state) != 8 || state[0] >= 0x80 {
		return 0, fmt.Errorf("%x is not the position of a collection source: 8 bytes of a number that is not negative", state)
	}
	return int64(binary.BigEndian.Uint64(state)), nil
}

// changedError says that a collection has become shorter than a snapshot knew it.
type changedError struct{ from, length int64 }

func (e changedError) Error() string {
	return fmt.Sprintf("collection source: the job resumes at value %d, but the collection has %d values: it must be the same in every run", e.from, e.length)
}
