// Package inside shows api/streamtest what a program under construction is made of, which api/stream does not show to
// those who write programs.
package inside

import (
	"github.com/weir-stream/weir/runtime/graph"
)

// Program is what a *stream.Environment holds.
type Program struct {
	// Graph is the program itself, not a copy.
	Graph *graph.StreamGraph
	// Parallelism and MaxParallelism are those that the program has set for all its operators; 0 if it has not.
	Parallelism, MaxParallelism int
	// Compile checks the program and chains it, as its execution does.
	Compile func() (*graph.JobGraph, error)
	// Ended tells those who read the records of the job how it has ended.
	Ended func(error)
}

// Of returns the program of a *stream.Environment. It is set when api/stream is initialized.
var Of func(environment any) Program

// Node returns the node of a stream.DataSink. It is set when api/stream is initialized.
var Node func(sink any) *graph.StreamNode
