package stream

import (
	"reflect"
	"strings"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/sink"
	"github.com/weir-stream/weir/runtime/operator/source"
	"github.com/weir-stream/weir/runtime/operator/transform"
)

// Contracts of functions, which are those of the runtime.
type (
	// Collector takes what a function emits.
	Collector[T any] = operator.Collector[T]
	// RuntimeContext is what a function knows of where it runs.
	RuntimeContext = operator.RuntimeContext
)

// From reads a source. With a strategy its records get event times and watermarks, for each split of the source by itself;
// without one they keep the event times that the source gives, and there are no watermarks but those that it makes itself. The
// end of a bounded source is the end of event time in any case.
func From[T any](env *Environment, src connector.Source[T], strategy ...WatermarkStrategy[T]) DataStream[T] {
	var watermarks WatermarkStrategy[T]
	switch len(strategy) {
	case 0:
	case 1:
		watermarks = strategy[0]
	default:
		env.problem("source %q: %d watermark strategies: give one", src.Name(), len(strategy))
	}
	if err := watermarks.Err(); err != nil {
		env.problem("source %q: %w", src.Name(), err)
		watermarks = WatermarkStrategy[T]{}
	}
	own, ok := src.(connector.WatermarkSource)
	node := env.add(&graph.StreamNode{
		Name: src.Name(), Kind: connectorKind("source", src), Role: graph.Source, Bounded: src.Bounded(), OutType: typeName[T](), NewCopy: copier[T],
		Factory:         source.WithWatermarks(src, watermarks, config.Get(env.settings, config.AutoWatermarkInterval)),
		NewEnumerator:   connector.EnumeratorFactory(src.NewEnumerator),
		EmitsWatermarks: watermarks.EmitsWatermarks() || ok && own.EmitsWatermarks(),
	})
	if limit, ok := src.(connector.ParallelismLimit); ok {
		switch n := limit.MaxReaders(); {
		case n == 1:
			node.Parallelism, node.FixedParallelism = 1, true
		case n > 1:
			node.ParallelismLimit = n
		}
	}
	return streamOf[T](env, node)
}

// To writes a stream to a sink. Without To, or a function that ends in it, a program does nothing.
func To[T any](s DataStream[T], snk connector.Sink[T]) DataSink {
	node := s.env.add(&graph.StreamNode{
		Name: snk.Name(), Kind: connectorKind("sink", snk), Role: graph.Sink, InTypes: []string{typeName[T]()},
		Factory: sink.Operator(snk),
	})
	s.connect(node, 0)
	if global, ok := snk.(connector.GlobalCommittingSink); ok {
		return DataSink{s.env, node, globalCommitter(s.env, node, global)}
	}
	return DataSink{env: s.env, node: node}
}

// globalCommitter adds the operator that commits what the subtasks of a sink prepare, and makes the sink one that emits that.
func globalCommitter(env *Environment, writers *graph.StreamNode, snk connector.GlobalCommittingSink) *graph.StreamNode {
	writers.OutType, writers.NewCopy = typeName[[]byte](), copier[[]byte]
	node := env.add(&graph.StreamNode{
		Name: writers.Name + ": Global Committer", Kind: writers.Kind + " global committer", InTypes: []string{typeName[[]byte]()},
		Parallelism: 1, FixedParallelism: true, Factory: sink.GlobalCommitter(snk, writers.Name),
	})
	streamOf[[]byte](env, writers).Global().connect(node, 0)
	return node
}

// connectorKind is the stable name of what a source or a sink does, as in "source kafka": operators without a uid are found again by
// it. For a connector that does not say, its Go type stands, without type parameters.
func connectorKind(role string, connected any) string {
	if k, ok := connected.(connector.Kinded); ok {
		return role + " " + k.Kind()
	}
	t := reflect.TypeOf(connected)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name, _, _ := strings.Cut(t.Name(), "[")
	return role + " " + t.PkgPath() + "." + name
}

// DataSink is the end of a stream.
type DataSink struct {
	env  *Environment
	node *graph.StreamNode
	// global is the operator of the global committer, nil without one.
	global *graph.StreamNode
}

// each calls f with the sink's operators, and what is added to the names of each.
func (s DataSink) each(f func(node *graph.StreamNode, suffix string)) {
	f(s.node, "")
	if s.global != nil {
		f(s.global, ": Global Committer")
	}
}

// UID names the sink for good, as DataStream.UID does.
func (s DataSink) UID(uid string) DataSink {
	s.each(func(node *graph.StreamNode, suffix string) { node.UID = uid + suffix })
	return s
}

// Name is what plans, logs and metrics show.
func (s DataSink) Name(name string) DataSink {
	s.each(func(node *graph.StreamNode, suffix string) { node.Name = name + suffix })
	return s
}

// Parallelism is the number of writers.
func (s DataSink) Parallelism(parallelism int) DataSink {
	setParallelism(s.env, s.node, parallelism)
	return s
}

// SlotSharingGroup puts the sink into slots of that group.
func (s DataSink) SlotSharingGroup(group string) DataSink {
	s.each(func(node *graph.StreamNode, _ string) { node.SlotSharingGroup = group })
	return s
}

// DisableChaining keeps the sink from sharing a task with the operator before it.
func (s DataSink) DisableChaining() DataSink {
	s.node.Chaining = graph.ChainNever
	return s
}

// transformed adds an operator with one input.
func transformed[In, Out any](s DataStream[In], kind, name string, factory operator.Factory) DataStream[Out] {
	node := s.env.add(&graph.StreamNode{
		Name: name, Kind: kind, InTypes: []string{typeName[In]()}, OutType: typeName[Out](), NewCopy: copier[Out], Factory: factory,
	})
	s.connect(node, 0)
	return streamOf[Out](s.env, node)
}

// shared makes a factory of a function that all subtasks share.
func shared[F any](function F) func() F { return func() F { return function } }

// Map turns each record into another. The function is shared by the subtasks of a process.
func Map[In, Out any](s DataStream[In], function func(In) Out) DataStream[Out] {
	return MapWith(s, shared(function))
}

// MapWith is Map with a function for each subtask, made by newFunction: for closures that hold buffers.
func MapWith[In, Out any](s DataStream[In], newFunction func() func(In) Out) DataStream[Out] {
	return transformed[In, Out](s, "map", "Map", transform.Map(newFunction))
}

// MapErr is Map with a function that may fail; an error fails the job.
func MapErr[In, Out any](s DataStream[In], function func(In) (Out, error)) DataStream[Out] {
	return MapErrWith(s, shared(function))
}

// MapErrWith is MapErr with a function for each subtask.
func MapErrWith[In, Out any](s DataStream[In], newFunction func() func(In) (Out, error)) DataStream[Out] {
	return transformed[In, Out](s, "map", "Map", transform.MapErr(newFunction))
}

// Filter keeps the records for which keep returns true. The function is shared by the subtasks of a process.
func Filter[T any](s DataStream[T], keep func(T) bool) DataStream[T] {
	return FilterWith(s, shared(keep))
}

// FilterWith is Filter with a function for each subtask.
func FilterWith[T any](s DataStream[T], newFunction func() func(T) bool) DataStream[T] {
	return transformed[T, T](s, "filter", "Filter", transform.Filter(newFunction))
}

// FlatMap turns each record into any number of others. The function is shared by the subtasks of a process.
func FlatMap[In, Out any](s DataStream[In], function func(in In, out Collector[Out]) error) DataStream[Out] {
	return FlatMapWith(s, shared(function))
}

// FlatMapWith is FlatMap with a function for each subtask.
func FlatMapWith[In, Out any](s DataStream[In], newFunction func() func(in In, out Collector[Out]) error) DataStream[Out] {
	return transformed[In, Out](s, "flat map", "Flat Map", transform.FlatMap(newFunction))
}
