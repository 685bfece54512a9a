package stream

import (
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/process"
	"github.com/weir-stream/weir/runtime/operator/transform"
)

// ConnectedStreams are two streams that one operator reads, each with a function of its own.
type ConnectedStreams[A, B any] struct {
	first  DataStream[A]
	second DataStream[B]
}

// Connect puts two streams together, which may differ in type.
func Connect[A, B any](first DataStream[A], second DataStream[B]) ConnectedStreams[A, B] {
	if first.env != second.env {
		first.env.problem("Connect: the streams belong to different programs")
	}
	return ConnectedStreams[A, B]{first, second}
}

// joined adds an operator with two inputs.
func joined[A, B, Out any](first DataStream[A], second DataStream[B], kind, name string, factory operator.Factory) (*graph.StreamNode, DataStream[Out]) {
	env := first.env
	node := env.add(&graph.StreamNode{
		Name: name, Kind: kind, InTypes: []string{typeName[A](), typeName[B]()}, OutType: typeName[Out](),
		NewCopy: copier[Out], Factory: factory,
	})
	first.connect(node, 0)
	second.connect(node, 1)
	return node, streamOf[Out](env, node)
}

// CoMap turns each record of either stream into one record.
func CoMap[A, B, Out any](c ConnectedStreams[A, B], first func(A) Out, second func(B) Out) DataStream[Out] {
	return CoFlatMap(c,
		func(in A, out Collector[Out]) error { out.Collect(first(in)); return nil },
		func(in B, out Collector[Out]) error { out.Collect(second(in)); return nil },
	).Name("Co-Map")
}

// CoFlatMap turns each record of either stream into any number of records. The functions are shared by the subtasks
// of a process.
func CoFlatMap[A, B, Out any](c ConnectedStreams[A, B], first func(A, Collector[Out]) error, second func(B, Collector[Out]) error) DataStream[Out] {
	return CoFlatMapWith(c, func() (func(A, Collector[Out]) error, func(B, Collector[Out]) error) { return first, second })
}

// CoFlatMapWith is CoFlatMap with functions for each subtask, which are called by one goroutine and may share variables.
func CoFlatMapWith[A, B, Out any](c ConnectedStreams[A, B], newFunctions func() (func(A, Collector[Out]) error, func(B, Collector[Out]) error)) DataStream[Out] {
	_, out := joined[A, B, Out](c.first, c.second, "co flat map", "Co-Flat Map", transform.CoFlatMap[A, B, Out](newFunctions))
	return out
}

// CoProcess calls a function on both streams; newFunction makes one for each subtask.
func CoProcess[A, B, Out any, F CoProcessFunction[A, B, Out]](c ConnectedStreams[A, B], newFunction func() F) DataStream[Out] {
	make := func() operator.CoProcessFunction[A, B, Out] { return newFunction() }
	node, out := joined[A, B, Out](c.first, c.second, "co process", "Co-Process", process.CoProcess(make))
	declarePlain[Out](c.first.env, node, newFunction(), false)
	return out
}

// ConnectedKeyedStreams are two streams with keys of one type. Records of equal keys meet in one subtask and share state.
type ConnectedKeyedStreams[K comparable, A, B any] struct {
	first  KeyedStream[K, A]
	second KeyedStream[K, B]
}

// ConnectKeyed puts two keyed streams together.
func ConnectKeyed[K comparable, A, B any](first KeyedStream[K, A], second KeyedStream[K, B]) ConnectedKeyedStreams[K, A, B] {
	if first.stream.env != second.stream.env {
		first.stream.env.problem("ConnectKeyed: the streams belong to different programs")
	}
	return ConnectedKeyedStreams[K, A, B]{first, second}
}

// KeyedCoProcess calls a function on both streams, with the state of the record's key; newFunction makes one for each
// subtask, and one while the graph is built.
func KeyedCoProcess[K comparable, A, B, Out any, F KeyedCoProcessFunction[K, A, B, Out]](c ConnectedKeyedStreams[K, A, B], newFunction func() F) DataStream[Out] {
	make := func() operator.KeyedCoProcessFunction[K, A, B, Out] { return newFunction() }
	factory := process.KeyedCo(c.first.by(), c.second.by(), make)
	node, out := joined[A, B, Out](c.first.stream, c.second.stream, "keyed co process", "Keyed Co-Process", factory)
	node.KeyType = typeName[K]()
	declareKeyed[K, Out](c.first.stream.env, node, c.first.key, newFunction(), false)
	return out
}
