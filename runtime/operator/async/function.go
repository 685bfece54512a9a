// Package async has the operator that calls a function whose results come later, from other goroutines: look-ups in
// databases and services. Many records are under way at once; their results go on in the order of the records, or as they
// come but never past a watermark.
package async

import (
	"context"
	"sync/atomic"

	"github.com/weir-stream/weir/runtime/operator"
)

// Function begins work on records and completes it later. The subtask's goroutine calls it, so it must not block; what
// may block is done by [Blocking].
type Function[In, Out any] interface {
	// Invoke begins the work on a record and returns. An error fails the job; result.Fail is for those that may be
	// retried.
	Invoke(in In, result Future[Out]) error
}

// TimeoutFunction is a Function that completes the work on a record in another way when its time is up.
type TimeoutFunction[In, Out any] interface {
	// Timeout is given the future that Invoke was given, which is still open, and completes it at once or later.
	Timeout(in In, result Future[Out]) error
}

// Call is a function that works on a record and returns its results. It runs in a goroutine of its own. ctx is done when
// nobody waits for the results any more: the record's time is up, or the subtask is canceled.
type Call[In, Out any] func(ctx context.Context, in In) ([]Out, error)

// Future takes the results of one invocation. The first call of Complete or Fail counts, later ones do nothing. Any
// goroutine may call them.
type Future[Out any] struct{ attempt *attempt[Out] }

// Complete says what the record becomes: any number of records, each with the event time of the one that came in. The
// slice belongs to the operator from then on.
func (f Future[Out]) Complete(results ...Out) { f.attempt.settle(results, nil) }

// Fail says that the invocation has failed: it is made again, if the retry strategy says so, or else the job fails.
func (f Future[Out]) Fail(err error) { f.attempt.settle(nil, err) }

// Context is done when nobody waits for the results any more. It may be asked for during Invoke only.
func (f Future[Out]) Context() context.Context { return f.attempt.begin() }

// attempt is one invocation for a record.
type attempt[Out any] struct {
	settled atomic.Bool
	// number counts the attempts for the record from 1.
	number int
	// deliver takes what has come; any goroutine calls it, once.
	deliver func(a *attempt[Out], results []Out, err error)
	parent  context.Context
	ctx     context.Context
	cancel  context.CancelFunc
}

func (a *attempt[Out]) settle(results []Out, err error) {
	if a.settled.CompareAndSwap(false, true) {
		a.deliver(a, results, err)
	}
}

func (a *attempt[Out]) begin() context.Context {
	if a.ctx == nil {
		a.ctx, a.cancel = context.WithCancel(a.parent)
	}
	return a.ctx
}

// release lets go of the context.
func (a *attempt[Out]) release() {
	if a.cancel != nil {
		a.cancel()
	}
}

// Blocking makes a Function of a plain one, which each invocation calls in a goroutine of its own.
func Blocking[In, Out any](call Call[In, Out]) func() Function[In, Out] {
	return func() Function[In, Out] { return &blocking[In, Out]{call: call} }
}

type blocking[In, Out any] struct {
	call Call[In, Out]
	pool pool
	ctx  *operator.Context
}

// attach gives the function the context of its operator.
func (b *blocking[In, Out]) attach(ctx *operator.Context) { b.ctx = ctx }

func (b *blocking[In, Out]) Invoke(in In, result Future[Out]) error {
	ctx := result.Context()
	b.pool.run(func() {
		returned := false
		defer func() {
			if !returned {
				result.Fail(errGoexit)
			}
		}()
		out, err := b.guarded(ctx, in)
		returned = true
		result.attempt.settle(out, err)
	})
	return nil
}

// guarded turns a panic into a failure that says where it happened.
func (b *blocking[In, Out]) guarded(ctx context.Context, in In) (out []Out, err error) {
	panicked := func() (panicked error) {
		defer b.ctx.Guard(&panicked)
		out, err = b.call(ctx, in)
		return nil
	}()
	if panicked != nil {
		return nil, panicked
	}
	return out, err
}

// Close waits for the calls, whose contexts are done by then.
func (b *blocking[In, Out]) Close() error {
	b.pool.close()
	return nil
}
