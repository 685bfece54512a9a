package async

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/weir-stream/weir/runtime/operator"
)

// Order says in which order results are emitted.
type Order uint8

// The orders.
const (
	// Ordered emits results in the order of the records.
	Ordered Order = iota
	// Unordered emits results as they come, but none before a watermark that its record was behind or behind one that it
	// was before.
	Unordered
)

// DefaultCapacity is how many records are under way at most unless the program says otherwise, as in Flink.
const DefaultCapacity = 100

// Options say how an asynchronous operator works.
type Options[In, Out any] struct {
	Order Order
	// Capacity is how many records may be under way in a subtask, from their invocation until their results are emitted;
	// 0 stands for DefaultCapacity. When so many are, the subtask takes no input.
	Capacity int
	// Timeout is how long the work on a record may take, over all attempts; 0 is for ever. After it OnTimeout says what the
	// record becomes; without it, and without a Timeout method of the function, the job fails. Results that come later are
	// dropped.
	Timeout   time.Duration
	OnTimeout func(in In) ([]Out, error)
	// Retry says when the function is called again for a record.
	Retry Retry[Out]
}

// Retry says when and how often an invocation is repeated. The zero value never does.
type Retry[Out any] struct {
	// Attempts is how often the function is called again for a record at most.
	Attempts int
	// Delay is how long to wait before retry n, counted from 1; nil waits not at all.
	Delay func(n int) time.Duration
	// OnError says which errors are worth another attempt, OnResult which results are. If both are nil, all errors are.
	// When the attempts are used up, the last result is emitted and the last error fails the job.
	OnError  func(err error) bool
	OnResult func(results []Out) bool
}

// FixedDelay waits the same time before each retry.
func FixedDelay(delay time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return delay }
}

// ExponentialBackoff waits initial before the first retry and multiplier times longer before each one after it, most at
// most.
func ExponentialBackoff(initial, most time.Duration, multiplier float64) func(int) time.Duration {
	return func(n int) time.Duration {
		return time.Duration(min(float64(initial)*math.Pow(multiplier, float64(n-1)), float64(most)))
	}
}

// Check reports options that make no sense.
func (o Options[In, Out]) Check() error {
	switch {
	case o.Order > Unordered:
		return fmt.Errorf("order %d: want Ordered or Unordered", o.Order)
	case o.Capacity < 0:
		return fmt.Errorf("capacity %d: want at least 1, or 0 for %d", o.Capacity, DefaultCapacity)
	case o.Timeout < 0:
		return fmt.Errorf("timeout %v: want a positive time, or 0 for none", o.Timeout)
	case o.OnTimeout != nil && o.Timeout == 0:
		return fmt.Errorf("OnTimeout is set without a Timeout, so it would never be called")
	case o.Retry.Attempts < 0:
		return fmt.Errorf("%d retries: want at least 0", o.Retry.Attempts)
	case o.Retry.Attempts == 0 && (o.Retry.Delay != nil || o.Retry.OnError != nil || o.Retry.OnResult != nil):
		return fmt.Errorf("the retry strategy has no Attempts, so nothing would be retried")
	}
	return nil
}

// again reports whether an outcome is worth another attempt, of which so many were made.
func (r *Retry[Out]) again(attempts int, results []Out, err error) bool {
	var failure *operator.Failure
	switch {
	case attempts > r.Attempts || errors.As(err, &failure) && failure.Stack != "": // a panic would only come again
		return false
	case err != nil:
		return r.OnError != nil && r.OnError(err) || r.OnError == nil && r.OnResult == nil
	}
	return r.OnResult != nil && r.OnResult(results)
}

func (r *Retry[Out]) delay(n int) time.Duration {
	if r.Delay == nil {
		return 0
	}
	return r.Delay(n)
}
