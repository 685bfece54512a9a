//go:build ignore

package stream

import (
	"context"
	"fmt"

	"github.com/weir-stream/weir/api/connectors/collect"
	"github.com/weir-stream/weir/runtime/graph"
)

// Collected is what a job has emitted on one stream.
type Collected[T any] struct{ results *collect.Results[T] }

// collectCapacity is how many records wait for whoever reads them before the job feels back pressure.
const collectCapacity = 1 << 16

// Collect keeps the records of a stream in memory for the process that runs the job: read them with Records while or
// after the job runs, or with Next while it runs.
func Collect[T any](s DataStream[T]) *Collected[T] {
	sink, results := collect.New[T](collectCapacity)
	To(s, sink).Name("Collect")
	return &Collected[T]{results}
}

// Next waits for the next record; ok is false after the last one.
func (c *Collected[T]) Next(ctx context.Context) (value T, ok bool, err error) {
	return c.results.Next(ctx)
}

// ExecuteAndCollect runs the program embedded in this process and returns the records of a stream, in an order that
// follows from its parallelism. The stream must end.
func ExecuteAndCollect[T any](ctx context.Context, s DataStream[T]) ([]T, error) {
	for _, node := range s.env.graph.Nodes {
		if node.Role == graph.Source && !node.Bounded {
			return nil, fmt.Errorf("program %q: source %q never ends, so its records cannot all be collected: use Collect and Next", s.env.graph.Name, node.Name)
		}
	}
	collected := Collect(s)
	client, err := s.env.ExecuteAsync(ctx)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var records []T
	for {
		value, ok, err := collected.Next(ctx)
		if err != nil || !ok {
			break
		}
		records = append(records, value)
	}
	_, err = client.Await(ctx)
	return records, err
}
