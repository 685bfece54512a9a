// Package stream is the DataStream API: programs are graphs of transformations of typed streams.
//
// Go methods cannot have type parameters, so transformations are functions of the package; types are inferred:
//
//	func main() { stream.Main("word count", build) }
//
//	func build(env *stream.Environment) error {
//		lines := stream.From(env, file.Lines("input.txt"))
//		words := stream.FlatMap(lines, splitWords)
//		counts := stream.Count(stream.KeyBy(words, func(w string) string { return w }))
//		stream.To(counts, print.Sink[stream.KeyCount[string]]())
//		return nil
//	}
//
// Building a graph runs nothing. Mistakes found while building are kept and returned together when the program is
// compiled, so that no call needs its error checked. A graph is built by one goroutine.
package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// Environment is a program under construction.
type Environment struct {
	graph          graph.StreamGraph
	settings       config.Configuration
	parallelism    int
	maxParallelism int
	problems       []error
	// collected are to be told how the job has ended.
	collected []func(error)
}

// NewEnvironment returns an empty program for tests and embedding; Main makes its own. Properties are Flink's keys with
// their values, each as key=value.
func NewEnvironment(name string, properties ...string) (*Environment, error) {
	settings, _, err := config.Load("", properties)
	if err != nil {
		return nil, err
	}
	return newEnvironment(name, settings), nil
}

func newEnvironment(name string, settings config.Configuration) *Environment {
	return &Environment{graph: graph.StreamGraph{Name: name}, settings: settings}
}

// SetParallelism sets the parallelism of all operators that do not set their own; it goes before parallelism.default.
func (e *Environment) SetParallelism(parallelism int) {
	if parallelism < 1 {
		e.problem("parallelism %d: want at least 1", parallelism)
		return
	}
	e.parallelism = parallelism
}

// SetMaxParallelism sets the number of key groups of all operators that do not set their own: the upper bound of their
// parallelism for as long as their state lives.
func (e *Environment) SetMaxParallelism(maxParallelism int) {
	if maxParallelism < 1 || maxParallelism > 1<<15 {
		e.problem("max parallelism %d: want 1 to 32768", maxParallelism)
		return
	}
	e.maxParallelism = maxParallelism
}

// EnableCheckpointing has the job take a checkpoint every interval: short for execution.checkpointing.interval, before which it goes. The
// mode, exactly-once unless said otherwise, is execution.checkpointing.mode; the other options below execution.checkpointing say where
// checkpoints are kept and how they are taken.
func (e *Environment) EnableCheckpointing(interval time.Duration) {
	settings, err := e.settings.With(config.CheckpointInterval.To(interval))
	if err != nil {
		e.problems = append(e.problems, err)
		return
	}
	e.settings = settings
}

// Configuration is what the program runs with.
func (e *Environment) Configuration() config.Configuration { return e.settings }

func (e *Environment) problem(format string, args ...any) {
	e.problems = append(e.problems, fmt.Errorf(format, args...))
}

// add gives the node its number and makes it part of the program.
func (e *Environment) add(node *graph.StreamNode) *graph.StreamNode {
	node.ID = len(e.graph.Nodes) + 1
	e.graph.Nodes = append(e.graph.Nodes, node)
	return node
}

// compile checks the program and chains it into a job graph.
func (e *Environment) compile() (*graph.JobGraph, error) {
	if len(e.problems) > 0 {
		return nil, fmt.Errorf("program %q: %w", e.graph.Name, errors.Join(e.problems...))
	}
	parallelism := e.parallelism
	if parallelism == 0 {
		parallelism = config.Get(e.settings, config.Parallelism)
	}
	maxParallelism := e.maxParallelism
	if maxParallelism == 0 {
		maxParallelism = config.Get(e.settings, config.MaxParallelism)
	}
	id := ident.NewID()
	if fixed := config.Get(e.settings, config.JobID); fixed != "" {
		var err error
		if id, err = ident.ParseID(fixed); err != nil {
			return nil, fmt.Errorf("program %q: %s: %w", e.graph.Name, config.JobID.Key(), err)
		}
	}
	job, err := graph.Compile(&e.graph, graph.Options{
		JobID: id, Name: config.Get(e.settings, config.JobName), DefaultParallelism: parallelism, DefaultMaxParallelism: maxParallelism,
		Chaining: config.Get(e.settings, config.OperatorChaining),
	})
	if err != nil {
		return nil, fmt.Errorf("program %q: %w", e.graph.Name, err)
	}
	return job, nil
}
