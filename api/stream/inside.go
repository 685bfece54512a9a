package stream

import (
	"github.com/weir-stream/weir/api/internal/inside"
	"github.com/weir-stream/weir/runtime/graph"
)

func init() {
	inside.Of = func(environment any) inside.Program {
		e := environment.(*Environment)
		return inside.Program{
			Graph: &e.graph, Parallelism: e.parallelism, MaxParallelism: e.maxParallelism, Compile: e.compile,
			Ended: func(err error) {
				for _, end := range e.collected {
					end(err)
				}
			},
		}
	}
	inside.Node = func(sink any) *graph.StreamNode { return sink.(DataSink).node }
}
