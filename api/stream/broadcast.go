package stream

import (
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/process"
)

// Contracts of functions on broadcast streams, which are those of the runtime.
type (
	// BroadcastProcessFunction works on the records of a stream beside those of one that is broadcast.
	BroadcastProcessFunction[In, B, Out any] = operator.BroadcastProcessFunction[In, B, Out]
	// KeyedBroadcastProcessFunction works on the records of a keyed stream beside those of one that is broadcast.
	KeyedBroadcastProcessFunction[K, In, B, Out any] = operator.KeyedBroadcastProcessFunction[K, In, B, Out]
	// BroadcastContext is what a function knows of a broadcast record.
	BroadcastContext = operator.BroadcastContext
	// KeyedBroadcastContext is a BroadcastContext beside a keyed stream.
	KeyedBroadcastContext[K any] = operator.KeyedBroadcastContext[K]
)

// BroadcastConnectedStream is a stream beside one each record of which goes to every subtask.
type BroadcastConnectedStream[A, B any] struct {
	stream    DataStream[A]
	broadcast DataStream[B]
}

// ConnectBroadcast puts a stream beside one that is broadcast to all subtasks: rules, say, or settings.
func ConnectBroadcast[A, B any](s DataStream[A], broadcast DataStream[B]) BroadcastConnectedStream[A, B] {
	if s.env != broadcast.env {
		s.env.problem("ConnectBroadcast: the streams belong to different programs")
	}
	return BroadcastConnectedStream[A, B]{s, broadcast.Broadcast()}
}

// BroadcastProcess calls a function on both streams; newFunction makes one for each subtask, and one while the graph is built.
// What the function keeps of the broadcast stream is declared as fields of type state.Broadcast:
//
//	type matching struct {
//		Rules state.Broadcast[string, Rule] `state:"rules"`
//	}
//
// which ProcessBroadcast changes and Process reads; a change in Process fails the job.
func BroadcastProcess[A, B, Out any, F BroadcastProcessFunction[A, B, Out]](c BroadcastConnectedStream[A, B], newFunction func() F) DataStream[Out] {
	make := func() operator.BroadcastProcessFunction[A, B, Out] { return newFunction() }
	node, out := joined[A, B, Out](c.stream, c.broadcast, "broadcast process", "Broadcast Process", process.Broadcast(make))
	declarePlain[Out](c.stream.env, node, newFunction(), true)
	return out
}

// BroadcastConnectedKeyedStream is a keyed stream beside one each record of which goes to every subtask.
type BroadcastConnectedKeyedStream[K comparable, A, B any] struct {
	keyed     KeyedStream[K, A]
	broadcast DataStream[B]
}

// ConnectKeyedBroadcast puts a keyed stream beside one that is broadcast to all subtasks.
func ConnectKeyedBroadcast[K comparable, A, B any](s KeyedStream[K, A], broadcast DataStream[B]) BroadcastConnectedKeyedStream[K, A, B] {
	if s.stream.env != broadcast.env {
		s.stream.env.problem("ConnectKeyedBroadcast: the streams belong to different programs")
	}
	return BroadcastConnectedKeyedStream[K, A, B]{s, broadcast.Broadcast()}
}

// KeyedBroadcastProcess is BroadcastProcess with the state and timers of the key of each record of the keyed stream. ProcessBroadcast
// has no key; it reaches the state of all keys of its subtask with KeyedBroadcastContext.ApplyToKeyedState.
func KeyedBroadcastProcess[K comparable, A, B, Out any, F KeyedBroadcastProcessFunction[K, A, B, Out]](c BroadcastConnectedKeyedStream[K, A, B], newFunction func() F) DataStream[Out] {
	make := func() operator.KeyedBroadcastProcessFunction[K, A, B, Out] { return newFunction() }
	node, out := joined[A, B, Out](c.keyed.stream, c.broadcast, "keyed broadcast process", "Keyed Broadcast Process", process.KeyedBroadcast(c.keyed.by(), make))
	node.KeyType = typeName[K]()
	declareKeyed[K, Out](c.keyed.stream.env, node, c.keyed.key, newFunction(), true)
	return out
}
