package graph

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/weir-stream/weir/runtime/ident"
)

// Options are the settings of a job that shape its graph.
type Options struct {
	// JobID becomes the id of the job graph; it may be zero until the job is submitted.
	JobID ident.JobID
	// Name, if not empty, replaces the name that the program gave (pipeline.name).
	Name string
	// DefaultParallelism is that of operators that were given none (parallelism.default); below 1 it is 1.
	DefaultParallelism int
	// DefaultMaxParallelism is that of operators that were given none (pipeline.max-parallelism); below 1, each
	// operator gets keygroup.DefaultMaxParallelism of its parallelism.
	DefaultMaxParallelism int
	// Chaining lets operators share a task (pipeline.operator-chaining.enabled).
	Chaining bool
	// SplitAtMaxParallelism keeps operators of different max parallelism in different tasks, the opposite of
	// pipeline.operator-chaining.chain-operators-with-different-max-parallelism, which is on unless said otherwise. In
	// a chain the max parallelism of the head counts.
	SplitAtMaxParallelism bool
}

// Compile turns a program into the graph that is deployed. It does not change the program, and the same program
// with the same options gives the same graph.
//
// Left-open parallelism, max parallelism, partitioning and slot sharing groups are decided as in Flink; operators are
// chained by the rules of Flink's StreamingJobGraphGenerator; an operator's id follows from its uid, or else from its
// kind and what it reads. Sources that nothing reads are left out.
//
// The error joins everything found wrong at the first step that finds something: an empty program, one without a
// sink, cycles, a uid that occurs twice, event time where there is none, parallelism that is out of bounds or does not fit a forward edge, and record
// types that cannot be sent to another task. It names operators; the caller, who knows where the program came from,
// names the job.
func Compile(g *StreamGraph, o Options) (*JobGraph, error) {
	p, err := readProgram(g, o)
	for _, step := range []func() error{p.checkEventTime, p.resolveParallelism, p.resolvePartitioning, p.resolveSlotSharing, p.identify, p.chain} {
		if err != nil {
			break
		}
		err = step()
	}
	if err != nil {
		return nil, err
	}
	return p.build(cmp.Or(o.Name, g.Name)), nil
}

// program is a StreamGraph in the making of a JobGraph: what was decided for each node and edge so far.
type program struct {
	options Options
	// nodes are in topological order; among those that could come next, in the order of their ids.
	nodes []*node
}

// node is a StreamNode with what was decided for it.
type node struct {
	*StreamNode
	id                          ident.OperatorID
	name                        string
	parallelism, maxParallelism int
	maxParallelismSet           bool
	group                       string
	in, out                     []*edge
}

// edge is a StreamEdge with what was decided for it.
type edge struct {
	*StreamEdge
	from, to     *node
	partitioning Partitioning
	chained      bool
}

// String is "producer -> consumer", for messages.
func (e *edge) String() string { return e.from.name + " -> " + e.to.name }

// problems gathers errors, so that a program's author sees all of one kind at once.
type problems []error

func (p *problems) add(format string, arguments ...any) {
	*p = append(*p, fmt.Errorf(format, arguments...))
}

func (p problems) err() error { return errors.Join(p...) }
