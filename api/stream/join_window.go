package stream

import (
	"errors"
	"time"

	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/join"
	"github.com/weir-stream/weir/runtime/operator/process"
	general "github.com/weir-stream/weir/runtime/operator/window"
)

// CoGroupFunction works on the records that two streams have in a window of a key, each time it fires; either side may be empty. State
// is declared as with a ProcessWindowFunction.
type CoGroupFunction[K, L, R, Out any] = operator.CoGroupFunction[K, L, R, Out]

// Tagged is a record of one of the two streams of a JoinedWindows: what assigners, triggers and evictors that look at records are
// given, such as those of window.DynamicSession, window.Delta and window.KeepDelta.
type Tagged[L, R any] = join.Tagged[L, R]

// JoinedWindows are two streams whose records of a key are gathered in the same windows. What is done with them is said by
// ApplyJoin, ApplyFlatJoin or CoGroup. The methods return the same with a changed setting.
type JoinedWindows[K comparable, L, R any] struct {
	left  KeyedStream[K, L]
	right KeyedStream[K, R]
	// windows has the settings.
	windows WindowedStream[K, Tagged[L, R]]
	late    join.Late[L, R]
}

// WindowJoin gathers the records of two keyed streams in windows, by key. A record that comes too late for its windows is
// dropped, or goes to a side output, see SideOutputLeftLateData.
func WindowJoin[K comparable, L, R any](left KeyedStream[K, L], right KeyedStream[K, R], assigner window.Assigner) JoinedWindows[K, L, R] {
	env := left.stream.env
	if env != right.stream.env {
		env.problem("WindowJoin: the streams belong to different programs")
	}
	tagged := KeyedStream[K, Tagged[L, R]]{
		stream: DataStream[Tagged[L, R]]{env: env}, selector: join.Selector(left.selector, right.selector), key: left.key,
	}
	return JoinedWindows[K, L, R]{left: left, right: right, windows: Window(tagged, assigner)}
}

// Trigger decides when windows fire, in place of the assigner's default, see WindowedStream.Trigger.
func (j JoinedWindows[K, L, R]) Trigger(newTrigger func() window.Trigger) JoinedWindows[K, L, R] {
	j.windows = j.windows.Trigger(newTrigger)
	return j
}

// Evictor drops records of either stream from windows when they fire, in the order in which they came from both.
func (j JoinedWindows[K, L, R]) Evictor(evictor window.Evictor) JoinedWindows[K, L, R] {
	j.windows = j.windows.Evictor(evictor)
	return j
}

// AllowedLateness keeps windows of event time that long after the watermark has reached their end. A late record fires its
// window again, with all its contents.
func (j JoinedWindows[K, L, R]) AllowedLateness(lateness time.Duration) JoinedWindows[K, L, R] {
	j.windows = j.windows.AllowedLateness(lateness)
	return j
}

// SideOutputLeftLateData sends records of the left stream that come too late for all their windows to a side output instead of
// dropping them.
func (j JoinedWindows[K, L, R]) SideOutputLeftLateData(tag OutputTag[L]) JoinedWindows[K, L, R] {
	j.late.Left = &tag
	return j
}

// SideOutputRightLateData sends records of the right stream that come too late for all their windows to a side output instead of
// dropping them.
func (j JoinedWindows[K, L, R]) SideOutputRightLateData(tag OutputTag[R]) JoinedWindows[K, L, R] {
	j.late.Right = &tag
	return j
}

// ApplyJoin emits what a function makes of each left record with each right one of a window: nothing if a side is empty. The
// function is shared by the subtasks of a process.
func ApplyJoin[K comparable, L, R, Out any](j JoinedWindows[K, L, R], function func(left L, right R) Out) DataStream[Out] {
	return ApplyFlatJoin(j, func(left L, right R, out Collector[Out]) error {
		out.Collect(function(left, right))
		return nil
	})
}

// ApplyFlatJoin is ApplyJoin with a function that emits any number of records for a pair.
func ApplyFlatJoin[K comparable, L, R, Out any](j JoinedWindows[K, L, R], function func(left L, right R, out Collector[Out]) error) DataStream[Out] {
	return joinWindows(j, "Window Join", func() CoGroupFunction[K, L, R, Out] { return join.Pairs[K, L, R, Out]{Join: function} })
}

// CoGroup calls a function with all that both streams have in a window when it fires. NewFunction makes one for each
// subtask, and one while the graph is built, from which the names and types of its state are learned.
func CoGroup[K comparable, L, R, Out any, F CoGroupFunction[K, L, R, Out]](j JoinedWindows[K, L, R], newFunction func() F) DataStream[Out] {
	return joinWindows(j, "Co-Group", func() CoGroupFunction[K, L, R, Out] { return newFunction() })
}

// joinWindows adds a window operator with two inputs.
func joinWindows[K comparable, L, R, Out any](j JoinedWindows[K, L, R], name string, newFunction func() CoGroupFunction[K, L, R, Out]) DataStream[Out] {
	env := j.left.stream.env
	if j.late.IsWanted() {
		j.windows = j.windows.SideOutputLateData(j.late.Tag())
	}
	c := generalWindow(j.windows, general.Elements(func() operator.ProcessWindowFunction[K, Tagged[L, R], Out] {
		return &join.WindowFunction[K, L, R, Out]{Function: newFunction()}
	}))
	states, err := c.Describe()
	if err = errors.Join(err, j.windows.check(), process.CheckCoGroup[K](newFunction())); err != nil {
		env.problem("%s: %w", name, err)
		return nothing[Out](env)
	}
	node, out := joined[L, R, Out](j.left.stream, j.right.stream, "co group", name, join.TwoStreams(c.Factory(), j.late))
	node.KeyType, node.State = typeName[K](), states
	j.windows.place(node, c.Trigger())
	if j.late.Left != nil {
		SideOutput(out, *j.late.Left)
	}
	if j.late.Right != nil {
		SideOutput(out, *j.late.Right)
	}
	return out
}
