package stream

import (
	"time"

	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/join"
	"github.com/weir-stream/weir/runtime/operator/process"
	"github.com/weir-stream/weir/state"
)

// JoinContext is what a ProcessJoinFunction knows of the pair at hand.
type JoinContext = operator.JoinContext

// ProcessJoinFunction works on each pair of records that an interval join has found.
type ProcessJoinFunction[L, R, Out any] = operator.ProcessJoinFunction[L, R, Out]

// IntervalJoined are two keyed streams and which of their records meet: those of equal keys with
//
//	left's time + lower <= right's time <= left's time + upper
//
// in event time. ProcessJoin says what becomes of the pairs.
type IntervalJoined[K comparable, L, R any] struct {
	left         KeyedStream[K, L]
	right        KeyedStream[K, R]
	lower, upper time.Duration
	exclusive    [2]bool
	bounded      bool
	lateLeft     *OutputTag[L]
	lateRight    *OutputTag[R]
}

// IntervalJoin begins a join of two keyed streams by event time; Between must follow. Records older than the watermark are late
// and join nothing.
func IntervalJoin[K comparable, L, R any](left KeyedStream[K, L], right KeyedStream[K, R]) IntervalJoined[K, L, R] {
	if left.stream.env != right.stream.env {
		left.stream.env.problem("IntervalJoin: the streams belong to different programs")
	}
	return IntervalJoined[K, L, R]{left: left, right: right}
}

// Between sets the bounds of the right record's time minus the left one's, whole milliseconds. Both may be negative, and both
// ends are part of the interval.
func (j IntervalJoined[K, L, R]) Between(lower, upper time.Duration) IntervalJoined[K, L, R] {
	j.lower, j.upper, j.bounded = lower, upper, true
	return j
}

// LowerBoundExclusive leaves the lower end out of the interval.
func (j IntervalJoined[K, L, R]) LowerBoundExclusive() IntervalJoined[K, L, R] {
	j.exclusive[0] = true
	return j
}

// UpperBoundExclusive leaves the upper end out of the interval.
func (j IntervalJoined[K, L, R]) UpperBoundExclusive() IntervalJoined[K, L, R] {
	j.exclusive[1] = true
	return j
}

// SideOutputLeftLateData sends late records of the left stream to a side output instead of dropping them.
func (j IntervalJoined[K, L, R]) SideOutputLeftLateData(tag OutputTag[L]) IntervalJoined[K, L, R] {
	j.lateLeft = &tag
	return j
}

// SideOutputRightLateData sends late records of the right stream to a side output instead of dropping them.
func (j IntervalJoined[K, L, R]) SideOutputRightLateData(tag OutputTag[R]) IntervalJoined[K, L, R] {
	j.lateRight = &tag
	return j
}

// bounds checks the interval and closes its ends.
func (j IntervalJoined[K, L, R]) bounds() join.Bounds {
	env := j.left.stream.env
	if !j.bounded {
		env.problem("IntervalJoin: it has no bounds: say Between(lower, upper)")
	}
	for _, bound := range []time.Duration{j.lower, j.upper} {
		if bound%time.Millisecond != 0 {
			env.problem("IntervalJoin: the bound %v is not a whole number of milliseconds, which event time is counted in", bound)
		}
	}
	b := join.Bounds{Lower: j.lower.Milliseconds(), Upper: j.upper.Milliseconds()}
	if j.exclusive[0] {
		b.Lower++
	}
	if j.exclusive[1] {
		b.Upper--
	}
	if b.Lower > b.Upper {
		env.problem("IntervalJoin: nothing is between %v and %v: the lower bound must not be above the upper one", j.lower, j.upper)
		b.Upper = b.Lower
	}
	return b
}

// ProcessJoin calls a function for each pair of an interval join; newFunction makes one for each subtask, and one while the
// graph is built. What it emits has the later one of the pair's event times.
func ProcessJoin[K comparable, L, R, Out any, F ProcessJoinFunction[L, R, Out]](j IntervalJoined[K, L, R], newFunction func() F) DataStream[Out] {
	env := j.left.stream.env
	interval := join.Interval[K, L, R, Out]{
		Left: j.left.by(), Right: j.right.by(), Bounds: j.bounds(), LateLeft: j.lateLeft, LateRight: j.lateRight,
		NewFunction: func() operator.ProcessJoinFunction[L, R, Out] { return newFunction() },
	}
	node, out := joined[L, R, Out](j.left.stream, j.right.stream, "interval join", "Interval Join", interval.Factory())
	node.KeyType = typeName[K]()
	if j.lateLeft != nil {
		SideOutput(out, *j.lateLeft)
	}
	if j.lateRight != nil {
		SideOutput(out, *j.lateRight)
	}
	var err error
	if node.State, node.Lists, err = interval.States(); err != nil {
		env.problem("operator %q: %w", node.Name, err)
	}
	if err := process.CheckJoin(newFunction()); err != nil {
		env.problem("operator %q: %w", node.Name, err)
	}
	return out
}

// JoinOption sets a property of JoinKeyed.
type JoinOption func(*state.TTL)

// JoinTTL has JoinKeyed forget each record that long, in processing time, after it came.
func JoinTTL(d time.Duration) JoinOption { return func(ttl *state.TTL) { ttl.Duration = d } }

// JoinKeyed calls a function for each pair of records of equal keys, whichever comes first, however far apart: each record is kept
// and meets all of the other side that came before it, in their order. Without JoinTTL both sides are kept for ever. What the
// function emits has the event time of the record that came last. The function is shared by the subtasks of a process.
func JoinKeyed[K comparable, L, R, Out any](left KeyedStream[K, L], right KeyedStream[K, R],
	function func(left L, right R, out Collector[Out]) error, options ...JoinOption) DataStream[Out] {
	var ttl state.TTL
	for _, option := range options {
		option(&ttl)
	}
	if ttl.Duration != 0 && ttl.Duration < time.Millisecond {
		left.stream.env.problem("JoinKeyed: JoinTTL(%v): want at least a millisecond", ttl.Duration)
	}
	out := KeyedCoProcess(ConnectKeyed(left, right), func() *join.Keyed[K, L, R, Out] { return join.NewKeyed[K](function, ttl) })
	return out.Name("Keyed Join")
}
