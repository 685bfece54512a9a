package streamtest

import (
	"cmp"
	"fmt"

	"github.com/weir-stream/weir/api/internal/inside"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// jobID is that of every harness: it is part of no result.
var jobID = ident.Derive("streamtest")

// defaultMaxParallelism is the number of key groups where the test asks for no other.
const defaultMaxParallelism = 128

// compile makes the job that the harness runs: the program's own, with the harness around each operator and edge.
func (h *Harness) compile() (*graph.JobGraph, error) {
	program := inside.Of(h.env)
	if _, err := program.Compile(); err != nil {
		return nil, err
	}
	settings := h.env.Configuration()
	parallelism, set := config.Lookup(settings, config.Parallelism)
	if !set {
		parallelism = 1
	}
	job, err := graph.Compile(h.observed(program.Graph), graph.Options{
		JobID:                 jobID,
		DefaultParallelism:    cmp.Or(h.options.parallelism, program.Parallelism, parallelism),
		DefaultMaxParallelism: cmp.Or(h.options.maxParallelism, program.MaxParallelism, max(0, config.Get(settings, config.MaxParallelism)), defaultMaxParallelism),
		Chaining:              !h.options.unchained && config.Get(settings, config.OperatorChaining),
	})
	if err != nil {
		return nil, fmt.Errorf("program %q: %w", program.Graph.Name, err)
	}
	return job, nil
}

// observed copies a program. In the copy each operator is known to the harness, and so is each step of an exchange.
func (h *Harness) observed(program *graph.StreamGraph) *graph.StreamGraph {
	copied := &graph.StreamGraph{Name: program.Name}
	copies := map[*graph.StreamNode]*graph.StreamNode{}
	for _, original := range program.Nodes {
		node := *original
		node.Factory, node.Inputs = h.observe(original.Factory), nil
		copies[original] = &node
		copied.Nodes = append(copied.Nodes, &node)
	}
	for _, original := range program.Nodes {
		for _, e := range original.Inputs {
			edge := *e
			edge.From, edge.To = copies[e.From], copies[e.To]
			bare := h.options.bareInputs && e.From.Kind == inputKind && e.From.FixedParallelism
			edge.Type = watchedEdge{e.Type, &h.deliveries, bare}
			copies[original].Inputs = append(copies[original].Inputs, &edge)
		}
	}
	return copied
}

// watchedEdge counts what consumers take, so that the harness knows when nothing is on its way any more.
type watchedEdge struct {
	graph.EdgeType
	deliveries *int
	// bare has events go past the valve of the task that consumes them.
	bare bool
}

func (e watchedEdge) NewReaders(channels []any, head any) []exchange.InputChannel {
	all := e.EdgeType.NewReaders(channels, head)
	for i, r := range all {
		reader := watchedReader{r, e.deliveries}
		all[i] = reader
		if e.bare {
			all[i] = bareReader{reader, head.(eventInput)}
		}
	}
	return all
}

type watchedReader struct {
	exchange.InputChannel
	deliveries *int
}

func (r watchedReader) Front() exchange.Front {
	front := r.InputChannel.Front()
	if front != exchange.Nothing {
		*r.deliveries++
	}
	return front
}

// bareReader hands events to the head of the chain itself.
type bareReader struct {
	watchedReader
	head eventInput
}

// eventInput is an operator.Input without its type.
type eventInput interface {
	Watermark(at int64) error
	Idle(idle bool) error
}

func (r bareReader) TakeEvent() (element.Event, bool) {
	event, more := r.watchedReader.TakeEvent()
	var err error
	switch event.Kind {
	case element.Watermark:
		err = r.head.Watermark(event.Time)
	case element.Idle, element.Active:
		err = r.head.Idle(event.Kind == element.Idle)
	default:
		return event, more
	}
	if err != nil {
		panic(err) // the task takes it for what it is: the failure of an operator
	}
	return element.Event{Kind: element.Active}, more // which means nothing to a valve that was never told otherwise
}

// lastNode returns the node that was added to a program last.
func lastNode(env *stream.Environment) *graph.StreamNode {
	nodes := inside.Of(env).Graph.Nodes
	return nodes[len(nodes)-1]
}

// Operators names what the operators of a program do, in the order in which they were made.
func Operators(env *stream.Environment) []string {
	var kinds []string
	for _, node := range inside.Of(env).Graph.Nodes {
		kinds = append(kinds, node.Kind)
	}
	return kinds
}
