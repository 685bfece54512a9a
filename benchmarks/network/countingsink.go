package main

import (
	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
)

// countingSink adds records up and reports when all have come.
type countingSink[T record[T]] struct {
	folder string
	// byKey counts them by key as well, as the hand-written shuffle does.
	byKey bool
}

// Name implements connector.Sink.
func (countingSink[T]) Name() string { return "Count" }

// NewWriter implements connector.Sink.
func (s countingSink[T]) NewWriter(c connector.WriterContext) (connector.Writer[T], error) {
	w := &countingWriter[T]{folder: s.folder, subtask: c.Subtask()}
	if s.byKey {
		w.counter = new(counter[T])
	}
	return w, nil
}

type countingWriter[T record[T]] struct {
	folder  string
	subtask int
	counter *counter[T] // nil if not by key
	total   tally
}

// Open implements connector.Writer.
func (*countingWriter[T]) Open() error { return nil }

// Write implements connector.Writer.
func (w *countingWriter[T]) Write(batch *element.Batch[T]) error {
	w.total.begin()
	if w.counter != nil {
		w.counter.add(batch.Values)
		return nil
	}
	for i := range batch.Values {
		w.total.Sum += batch.Values[i].value()
	}
	w.total.Records += len(batch.Values)
	return nil
}

// Flush implements connector.Writer.
func (w *countingWriter[T]) Flush(endOfInput bool) error {
	if !endOfInput {
		return nil
	}
	if w.counter != nil {
		w.total.Records, w.total.Sum = w.counter.records, w.counter.sum
	}
	return w.total.report(w.folder, w.subtask)
}

// Close implements connector.Writer.
func (*countingWriter[T]) Close() error { return nil }
