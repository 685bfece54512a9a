package stream

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/weir-stream/weir/api/connectors/collect"
	"github.com/weir-stream/weir/runtime/graph"
)

// Collected is what a job that runs in this process has emitted on one stream. One goroutine reads it.
type Collected[T any] struct{ sink collect.Sink[T] }

// Collect keeps the records of a stream in memory until they are read: after the job with Records, or while it runs
// with Next. It is for tests and embedding; what nobody reads is never dropped.
func Collect[T any](s DataStream[T]) *Collected[T] { return CollectBounded(s, math.MaxInt) }

// CollectBounded is Collect with room for so many records: the job feels back pressure until they are read.
func CollectBounded[T any](s DataStream[T], capacity int) *Collected[T] {
	sink := collect.New[T](capacity)
	To(s, sink)
	s.env.collected = append(s.env.collected, sink.End)
	return &Collected[T]{sink}
}

// Next waits for the next record; ok is false after the last one. The error is the job's failure, or ctx's.
func (c *Collected[T]) Next(ctx context.Context) (value T, ok bool, err error) {
	return c.sink.Next(ctx)
}

// All ranges over the records while the job runs, until the last one, an error or ctx's end.
func (c *Collected[T]) All(ctx context.Context) iter.Seq2[T, error] { return c.sink.All(ctx) }

// Records returns the records that were not read yet, in an order that follows from the parallelism of the job. It waits
// for the job's end; the error is its failure.
func (c *Collected[T]) Records() ([]T, error) {
	var records []T
	for value, err := range c.All(context.Background()) {
		if err != nil {
			return records, err
		}
		records = append(records, value)
	}
	return records, nil
}

// ExecuteAndCollect runs the program embedded in this process and returns the records of a stream, in an order that
// follows from its parallelism. The sources must end.
func ExecuteAndCollect[T any](ctx context.Context, s DataStream[T]) ([]T, error) {
	for _, node := range s.env.graph.Nodes {
		if node.Role == graph.Source && !node.Bounded {
			return nil, fmt.Errorf("program %q: source %q never ends, so its records cannot all be collected: use Collect and Next", s.env.graph.Name, node.Name)
		}
	}
	collected := Collect(s)
	if _, err := s.env.Execute(ctx); err != nil {
		return nil, err
	}
	return collected.Records()
}
