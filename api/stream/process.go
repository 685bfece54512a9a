package stream

import (
	"cmp"
	"errors"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatorstate"
	"github.com/weir-stream/weir/runtime/operator/process"
)

// Contracts of process functions, which are those of the runtime.
type (
	// ProcessContext is what a process function knows of the record at hand, and of time.
	ProcessContext = operator.ProcessContext
	// KeyedContext is a ProcessContext with the record's key and its timers.
	KeyedContext[K any] = operator.KeyedContext[K]
	// OnTimerContext is a KeyedContext with the timer that has fired.
	OnTimerContext[K any] = operator.OnTimerContext[K]
	// TimeDomain tells event-time timers from those of processing time.
	TimeDomain = operator.TimeDomain
	// ProcessFunction works on each record of a stream without keys.
	ProcessFunction[In, Out any] = operator.ProcessFunction[In, Out]
	// KeyedProcessFunction works on each record of a keyed stream, with state of its key.
	KeyedProcessFunction[K, In, Out any] = operator.KeyedProcessFunction[K, In, Out]
	// CoProcessFunction works on the records of two streams.
	CoProcessFunction[In1, In2, Out any] = operator.CoProcessFunction[In1, In2, Out]
	// KeyedCoProcessFunction works on the records of two streams that are keyed alike.
	KeyedCoProcessFunction[K, In1, In2, Out any] = operator.KeyedCoProcessFunction[K, In1, In2, Out]
	// TimerFunction is a function on a keyed stream that registers timers: its method OnTimer is called when they fire.
	TimerFunction[K, Out any] = operator.TimerFunction[K, Out]
)

// The time domains.
const (
	EventTime      = operator.EventTime
	ProcessingTime = operator.ProcessingTime
)

// Process calls a function for each record, with the state of the record's key. NewFunction makes one for each subtask,
// and one while the graph is built, from which the names and types of its state are learned. A function that registers
// timers has the method OnTimer of TimerFunction; Open, Close and Finish are optional too.
func Process[K comparable, In, Out any, F KeyedProcessFunction[K, In, Out]](s KeyedStream[K, In], newFunction func() F) DataStream[Out] {
	make := func() operator.KeyedProcessFunction[K, In, Out] { return newFunction() }
	node, out := stateful[K, In, Out](s, "keyed process", "Keyed Process", process.Keyed(s.by(), make))
	declareKeyed[K, Out](s.stream.env, node, s.key, newFunction(), false)
	return out
}

// ProcessEach calls a process function on a stream without keys; newFunction makes one for each subtask, and one while the
// graph is built. For keyed streams see Process.
func ProcessEach[In, Out any, F ProcessFunction[In, Out]](s DataStream[In], newFunction func() F) DataStream[Out] {
	make := func() operator.ProcessFunction[In, Out] { return newFunction() }
	out := transformed[In, Out](s, "process", "Process", process.Process(make))
	declarePlain[Out](s.env, out.parts[0].node, newFunction(), false)
	return out
}

// declareKeyed checks a function on a keyed stream and finds its states, so that they are known when the job is submitted.
func declareKeyed[K comparable, Out any](env *Environment, node *graph.StreamNode, key codec.Key[K], function any, isBroadcast bool) {
	var err error
	node.State, node.Lists, err = process.DescribeKeyed[K, Out](key, function)
	env.refuse(node, err, process.CheckKeyed[K, Out](function), process.CheckWithoutKeys(function, isBroadcast))
}

// declarePlain checks a function without keys.
func declarePlain[Out any](env *Environment, node *graph.StreamNode, function any, isBroadcast bool) {
	var err error
	node.Lists, err = operatorstate.Describe(function)
	env.refuse(node, process.Check[Out](function), cmp.Or(err, process.CheckWithoutKeys(function, isBroadcast)))
}

// refuse notes what is wrong with an operator.
func (e *Environment) refuse(node *graph.StreamNode, problems ...error) {
	if err := errors.Join(problems...); err != nil {
		e.problem("operator %q: %w", node.Name, err)
	}
}
