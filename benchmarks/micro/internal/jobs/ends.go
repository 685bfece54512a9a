package jobs

import (
	"fmt"
	"sync"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/element"
)

// ends are the sinks that a program may end in, one for each type of its results.
type ends struct {
	numbers      connector.Sink[int64]
	numberCounts connector.Sink[stream.KeyCount[int64]]
	wordCounts   connector.Sink[stream.KeyCount[string]]
	records      connector.Sink[record]
}

// discarding is what is measured.
func discarding() ends {
	return ends{
		discard.Sink[int64](), discard.Sink[stream.KeyCount[int64]](), discard.Sink[stream.KeyCount[string]](), discard.Sink[record](),
	}
}

// checking has each result looked at.
func checking(t *tally) ends {
	return ends{
		numbers:      checkedSink[int64]{t, func() check[int64] { return passed{} }},
		numberCounts: checkedSink[stream.KeyCount[int64]]{t, func() check[stream.KeyCount[int64]] { return counted[int64]{} }},
		wordCounts:   checkedSink[stream.KeyCount[string]]{t, func() check[stream.KeyCount[string]] { return counted[string]{} }},
		records:      checkedSink[record]{t, func() check[record] { return countedRecords{counted[int64]{}} }},
	}
}

// tally adds up what the subtasks of a sink have seen.
type tally struct {
	mu      sync.Mutex
	records int64
}

// check is one subtask's look at the results.
type check[T any] interface {
	take(T) error
	// records is how many records of the source stand behind what was taken.
	records() int64
}

// counted has the last count of each key. A key's counts must come as 1, 2, 3 and so on, in one subtask.
type counted[K comparable] map[K]int64

func (c counted[K]) take(result stream.KeyCount[K]) error {
	if want := c[result.Key] + 1; result.Count != want {
		return fmt.Errorf("key %v has count %d where %d should follow", result.Key, result.Count, want)
	}
	c[result.Key] = result.Count
	return nil
}

func (c counted[K]) records() int64 {
	sum := int64(0)
	for _, count := range c {
		sum += count
	}
	return sum
}

type countedRecords struct{ counted[int64] }

func (c countedRecords) take(r record) error {
	return c.counted.take(stream.KeyCount[int64]{Key: r.Key, Count: r.Value})
}

// passed has the numbers that got through the map and the filter of case a, of which every eighth is dropped.
type passed map[int64]bool

func (p passed) take(x int64) error {
	if x&7 == 0 || p[x] {
		return fmt.Errorf("%d should not have come, or not again", x)
	}
	p[x] = true
	return nil
}

func (p passed) records() int64 { return int64(len(p)) + int64(len(p))/7 }

// checkedSink is a sink that fails on a wrong result.
type checkedSink[T any] struct {
	tally    *tally
	newCheck func() check[T]
}

func (checkedSink[T]) Name() string { return "Check" }

func (s checkedSink[T]) NewWriter(connector.WriterContext) (connector.Writer[T], error) {
	return &checkedWriter[T]{s.tally, s.newCheck()}, nil
}

type checkedWriter[T any] struct {
	tally *tally
	check check[T]
}

func (*checkedWriter[T]) Open() error { return nil }

func (w *checkedWriter[T]) Write(batch *element.Batch[T]) error {
	for _, value := range batch.Values {
		if err := w.check.take(value); err != nil {
			return err
		}
	}
	return nil
}

func (w *checkedWriter[T]) Flush(endOfInput bool) error {
	if endOfInput {
		w.tally.mu.Lock()
		defer w.tally.mu.Unlock()
		w.tally.records += w.check.records()
	}
	return nil
}

func (*checkedWriter[T]) Close() error { return nil }
