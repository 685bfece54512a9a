package stream

import (
	"context"
	"time"

	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/async"
)

// Contracts of asynchronous operators.
type (
	// AsyncOptions say how many records may be under way, for how long, in which order results are emitted, and what is
	// tried again.
	AsyncOptions[In, Out any] = async.Options[In, Out]
	// AsyncRetry says when and how often the function is called again for a record.
	AsyncRetry[Out any] = async.Retry[Out]
	// AsyncFunction begins the work on a record and completes it later, from any goroutine.
	AsyncFunction[In, Out any] = async.Function[In, Out]
	// AsyncTimeoutFunction is an AsyncFunction that completes the work in another way when its time is up.
	AsyncTimeoutFunction[In, Out any] = async.TimeoutFunction[In, Out]
	// ResultFuture takes the results of an AsyncFunction.
	ResultFuture[Out any] = async.Future[Out]
)

// The orders in which results are emitted, see AsyncOptions.
const (
	// Ordered emits results in the order of the records; it is the default.
	Ordered = async.Ordered
	// Unordered emits results as they come; watermarks keep their place.
	Unordered = async.Unordered
)

// FixedDelay is an AsyncRetry.Delay that waits the same time before each retry.
func FixedDelay(delay time.Duration) func(retry int) time.Duration { return async.FixedDelay(delay) }

// ExponentialBackoff is an AsyncRetry.Delay that waits initial before the first retry and multiplier times longer before each
// one after it, most at most.
func ExponentialBackoff(initial, most time.Duration, multiplier float64) func(retry int) time.Duration {
	return async.ExponentialBackoff(initial, most, multiplier)
}

// Async turns each record into any number of others with a function that may take its time: a look-up in a database, a
// call of a service. As many calls as AsyncOptions.Capacity says run at once in each subtask, each in a goroutine of its own, so
// function must be safe for concurrent use. Its context is done when nobody waits for the results any more: the record's time
// is up, or the job is being canceled; pass it to everything that blocks.
//
//	names := stream.Async(ids, func(ctx context.Context, id ID) ([]Name, error) {
//		name, err := users.NameOf(ctx, id)
//		return []Name{name}, err
//	}, stream.AsyncOptions[ID, Name]{Capacity: 50, Timeout: 5 * time.Second})
//
// Results have the event time of their record. An error, after all retries, fails the job. Records under way are part
// of snapshots, and the function is called again for them after a restore.
//
// In Flink this is AsyncDataStream.orderedWait, and unorderedWait with Order: stream.Unordered.
func Async[In, Out any](s DataStream[In], function func(ctx context.Context, in In) ([]Out, error), options AsyncOptions[In, Out]) DataStream[Out] {
	return asynchronous(s, "Async", async.Blocking(function), options)
}

// AsyncWith is Async with a function of which newFunction makes one for each subtask, for clients that call back: it begins
// the work and must not block. It may have the methods of Opener and Closer.
func AsyncWith[In, Out any, F AsyncFunction[In, Out]](s DataStream[In], newFunction func() F, options AsyncOptions[In, Out]) DataStream[Out] {
	return asynchronous(s, "AsyncWith", func() async.Function[In, Out] { return newFunction() }, options)
}

func asynchronous[In, Out any](s DataStream[In], call string, newFunction func() async.Function[In, Out], options AsyncOptions[In, Out]) DataStream[Out] {
	factory, err := async.Operator(newFunction, options)
	if err != nil {
		s.env.problem("%s: %w", call, err)
		factory = func(*operator.Context, operator.Outputs) (operator.Instance, error) { return operator.Instance{}, err }
	}
	out := transformed[In, Out](s, "async", "Async", factory)
	if lists, err := async.Lists[In](); err == nil { // without a codec the queue cannot be kept, which the operator says itself
		out.parts[0].node.Lists = lists
	}
	return out
}
