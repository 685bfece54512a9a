package async

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
)

// ErrTimeout is why a record without timeout handler fails the job.
var ErrTimeout = errors.New("no result came in time")

var errGoexit = errors.New("the function ended its goroutine with runtime.Goexit, as FailNow and SkipNow of a test do: return an error instead")

// Operator makes the operator; newFunction makes a function for each subtask.
func Operator[In, Out any](newFunction func() Function[In, Out], options Options[In, Out]) (operator.Factory, error) {
	if err := options.Check(); err != nil {
		return nil, err
	}
	if options.Capacity == 0 {
		options.Capacity = DefaultCapacity
	}
	queued, err := codec.For[queuedElement[In]]()
	if err != nil {
		return nil, fmt.Errorf("records under way are part of snapshots: %w", err)
	}
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		base := operator.NewBase[Out](ctx, out)
		o := &waiting[In, Out]{
			Base: base, function: newFunction(), options: options, codec: queued,
			buffer: operator.NewBuffer(base.Next, ctx.RecordsOut), queue: queue[In, Out]{order: options.Order},
		}
		return operator.Instance{Operator: o, Inputs: []any{operator.Input[In](o)}}, nil
	}, nil
}

// waiting is the operator. All of it belongs to the subtask's goroutine, save what stands behind mu: there other goroutines
// leave what has come, and have the subtask look at it.
//
// What it has no capacity for waits uninvoked in its queue, and the subtask takes no input meanwhile (Ready): so it need
// not wait in the middle of a batch. Only when an operator before it in the chain makes far more of a batch than fits does
// it wait there.
type waiting[In, Out any] struct {
	operator.Base[Out]
	function Function[In, Out]
	options  Options[In, Out]
	codec    codec.Codec[queuedElement[In]]
	buffer   *operator.Buffer[Out]

	queue queue[In, Out]
	// next is the first record in the queue that was not invoked yet; behind it none was. uninvoked counts them.
	next      *entry[In, Out]
	uninvoked int
	// underWay counts the records that were invoked and whose results are not emitted.
	underWay int
	// timed are invoked records in the order of their deadlines, of which some may be done.
	timed []*entry[In, Out]
	timer clock.Timer
	// delayed are records that wait for their next attempt.
	delayed map[*entry[In, Out]]clock.Timer
	// finishing says that the input has ended: there are no more retries.
	finishing bool
	closed    bool
	err       error

	mu    sync.Mutex
	come  []arrival[In, Out]
	spare []arrival[In, Out]
}

// arrival is what another goroutine has to say: the outcome of an attempt, or that it is time to look at the deadlines (no
// entry) or to make the next attempt (no attempt).
type arrival[In, Out any] struct {
	entry   *entry[In, Out]
	attempt *attempt[Out]
	results []Out
	err     error
}

// maxUninvoked is how many records may wait for capacity before the operator waits in the middle of a batch.
const maxUninvoked = 4096

// Open implements operator.Operator. Restored records are invoked again.
func (o *waiting[In, Out]) Open() error {
	o.delayed = map[*entry[In, Out]]clock.Timer{}
	if b, ok := o.function.(interface{ attach(*operator.Context) }); ok {
		b.attach(o.Ctx)
	}
	if f, ok := o.function.(operator.Opener); ok {
		if err := f.Open(o.Ctx.Runtime()); err != nil {
			return err
		}
	}
	if err := o.restore(); err != nil {
		return err
	}
	o.invokeNext()
	if o.queue.length > 0 {
		o.Ctx.Task.Do(o.look) // a watermark in front goes on as soon as the subtask runs
	}
	return o.err
}

// UserFunction implements operator.FunctionCaller.
func (o *waiting[In, Out]) UserFunction() any { return o.function }

// Close implements operator.Operator.
func (o *waiting[In, Out]) Close() error {
	o.closed = true
	if o.timer != nil {
		o.timer.Stop()
	}
	for _, timer := range o.delayed {
		timer.Stop()
	}
	for e := o.queue.first; e != nil; e = e.next {
		if e.attempt != nil {
			e.attempt.release()
		}
	}
	if f, ok := o.function.(operator.Closer); ok {
		return f.Close()
	}
	return nil
}

// Process implements operator.Input.
func (o *waiting[In, Out]) Process(batch *element.Batch[In]) (err error) {
	defer o.Ctx.Guard(&err)
	o.Ctx.RecordsIn.Add(uint64(batch.Len()))
	for i, v := range batch.Values {
		o.push(&entry[In, Out]{value: v, timestamp: batch.TimestampAt(i)})
	}
	o.look()
	if o.uninvoked > maxUninvoked && o.err == nil {
		err = o.await(func() bool { return o.uninvoked <= maxUninvoked/2 })
	}
	return errors.Join(o.err, err)
}

// Watermark implements operator.Input.
func (o *waiting[In, Out]) Watermark(at int64) error {
	return o.event(element.Watermark, at)
}

// Idle implements operator.Input.
func (o *waiting[In, Out]) Idle(idle bool) error {
	if idle {
		return o.event(element.Idle, 0)
	}
	return o.event(element.Active, 0)
}

func (o *waiting[In, Out]) event(kind element.Kind, at int64) (err error) {
	defer o.Ctx.Guard(&err)
	o.push(&entry[In, Out]{kind: kind, timestamp: at})
	o.look()
	return o.err
}

// Ready reports whether the subtask may take input.
func (o *waiting[In, Out]) Ready() (bool, error) { return o.uninvoked == 0, o.err }

// Finish implements operator.Operator: it waits for all results. Retries that wait for their time are made at once, and
// there are none after them.
func (o *waiting[In, Out]) Finish() error {
	o.finishing = true
	for e, timer := range o.delayed {
		if timer.Stop() {
			o.retry(e)
		}
	}
	return o.Drain()
}

// Drain waits for all results.
func (o *waiting[In, Out]) Drain() error {
	err := o.await(func() bool { return o.queue.length == 0 })
	return errors.Join(o.err, err)
}

// await works off what comes until the condition holds.
func (o *waiting[In, Out]) await(condition func() bool) error {
	return o.Ctx.Task.Await(func() bool {
		o.look()
		return o.err != nil || condition()
	})
}

func (o *waiting[In, Out]) push(e *entry[In, Out]) {
	o.queue.push(e)
	if e.kind != 0 {
		return
	}
	o.uninvoked++
	if o.next == nil {
		o.next = e
	}
}

// CheckpointComplete implements operator.CheckpointListener.
func (o *waiting[In, Out]) CheckpointComplete(ident.CheckpointID) error { return nil }

// CheckpointAborted implements operator.CheckpointListener: what has come while the subtask stood still goes on.
func (o *waiting[In, Out]) CheckpointAborted(ident.CheckpointID) error {
	o.Ctx.Task.Do(o.look)
	return nil
}

// look works off what has come, emits what may be emitted and invokes what there is room for then, until nothing is left
// to do. It keeps an error for Ready to return. While the subtask stands still behind the savepoint of a stop, which has the records under way,
// all of it waits.
func (o *waiting[In, Out]) look() {
	if o.closed || o.err != nil || o.Ctx.Stopped != 0 {
		return
	}
	defer o.Ctx.Guard(&o.err)
	for o.err == nil {
		came := o.take()
		for i := range came {
			o.handle(&came[i])
			came[i] = arrival[In, Out]{}
		}
		emitted, err := o.emit()
		o.keep(err)
		if invoked := o.invokeNext(); len(came) == 0 && !emitted && !invoked {
			return
		}
	}
}

func (o *waiting[In, Out]) keep(err error) {
	if o.err == nil && err != nil {
		o.err = o.Ctx.Fail(err)
	}
}

// post leaves something for the subtask's goroutine. Any goroutine may call it.
func (o *waiting[In, Out]) post(a arrival[In, Out]) {
	o.mu.Lock()
	o.come = append(o.come, a)
	first := len(o.come) == 1
	o.mu.Unlock()
	if first {
		o.Ctx.Task.Do(o.look)
	}
}

func (o *waiting[In, Out]) take() []arrival[In, Out] {
	o.mu.Lock()
	defer o.mu.Unlock()
	came := o.come
	o.come, o.spare = o.spare[:0], came
	return came
}

func (o *waiting[In, Out]) handle(a *arrival[In, Out]) {
	e := a.entry
	switch {
	case e == nil:
		o.checkDeadlines()
	case a.attempt == nil:
		if _, waits := o.delayed[e]; waits {
			o.retry(e)
		}
	case e.done || a.attempt != e.attempt:
	case !e.timedOut && !o.finishing && o.options.Retry.again(a.attempt.number, a.results, a.err):
		a.attempt.release()
		o.delay(e)
	case a.err != nil:
		o.keep(a.err)
	default:
		o.complete(e, a.results)
	}
}

func (o *waiting[In, Out]) complete(e *entry[In, Out], results []Out) {
	e.attempt.release()
	o.queue.complete(e, results)
}

// delay has a record wait for its next attempt.
func (o *waiting[In, Out]) delay(e *entry[In, Out]) {
	o.delayed[e] = o.Ctx.Clock.AfterFunc(o.options.Retry.delay(e.attempt.number), func() {
		o.post(arrival[In, Out]{entry: e})
	})
}

func (o *waiting[In, Out]) retry(e *entry[In, Out]) {
	delete(o.delayed, e)
	o.invoke(e)
}

// invokeNext invokes what there is room for and reports whether that was anything.
func (o *waiting[In, Out]) invokeNext() (invoked bool) {
	for o.next != nil && o.underWay < o.options.Capacity && o.err == nil {
		e := o.next
		for o.next = e.next; o.next != nil && o.next.kind != 0; {
			o.next = o.next.next
		}
		o.uninvoked--
		o.underWay++
		if o.options.Timeout > 0 {
			o.limit(e)
		}
		o.invoke(e)
		invoked = true
	}
	return invoked
}

func (o *waiting[In, Out]) invoke(e *entry[In, Out]) {
	o.keep(o.function.Invoke(e.value, Future[Out]{o.attempt(e)}))
}

// attempt begins the next attempt for a record.
func (o *waiting[In, Out]) attempt(e *entry[In, Out]) *attempt[Out] {
	number := 1
	if e.attempt != nil {
		number += e.attempt.number
	}
	e.attempt = &attempt[Out]{number: number, parent: o.Ctx.Go, deliver: func(a *attempt[Out], results []Out, err error) {
		o.post(arrival[In, Out]{entry: e, attempt: a, results: results, err: err})
	}}
	return e.attempt
}

// emit hands on what may go on and reports whether that was anything.
func (o *waiting[In, Out]) emit() (emitted bool, err error) {
	out := o.buffer.Collector()
	for e := o.queue.pop(); e != nil; e = o.queue.pop() {
		emitted = true
		if e.kind != 0 {
			if err := o.emitEvent(e); err != nil {
				return true, err
			}
			continue
		}
		o.underWay--
		o.buffer.At(e.timestamp)
		for _, v := range e.results {
			out.Collect(v)
		}
		if err := o.buffer.Err(); err != nil {
			return true, err
		}
	}
	return emitted, o.buffer.Flush()
}

func (o *waiting[In, Out]) emitEvent(e *entry[In, Out]) error {
	if err := o.buffer.Flush(); err != nil {
		return err
	}
	if e.kind == element.Watermark {
		return o.Base.Watermark(e.timestamp)
	}
	return o.Base.Idle(e.kind == element.Idle)
}

// limit notes the deadline of a record that is being invoked. Deadlines come in the order of the invocations, so one
// timer, for the first of them, is enough.
func (o *waiting[In, Out]) limit(e *entry[In, Out]) {
	e.deadline = o.Ctx.Clock.Nanos() + int64(o.options.Timeout)
	o.timed = append(o.timed, e)
	if len(o.timed) == 1 {
		o.armTimer(o.options.Timeout)
	}
}

func (o *waiting[In, Out]) armTimer(d time.Duration) {
	if o.timer == nil {
		o.timer = o.Ctx.Clock.AfterFunc(d, func() { o.post(arrival[In, Out]{}) })
		return
	}
	o.timer.Reset(d)
}

// checkDeadlines gives up the records whose time is up.
func (o *waiting[In, Out]) checkDeadlines() {
	now := o.Ctx.Clock.Nanos()
	for len(o.timed) > 0 {
		e := o.timed[0]
		if !e.done && e.deadline > now {
			o.armTimer(time.Duration(e.deadline - now))
			return
		}
		o.timed[0] = nil
		o.timed = o.timed[1:]
		if !e.done {
			o.timeOut(e)
		}
	}
}

// timeOut completes a record in another way. What the timeout handler leaves open, the function may still complete.
func (o *waiting[In, Out]) timeOut(e *entry[In, Out]) {
	e.timedOut = true
	if timer, waits := o.delayed[e]; waits {
		timer.Stop()
		delete(o.delayed, e)
		o.attempt(e)
	}
	if o.options.OnTimeout != nil {
		results, err := o.options.OnTimeout(e.value)
		o.keep(err)
		o.complete(e, results)
		return
	}
	if f, ok := o.function.(TimeoutFunction[In, Out]); ok {
		o.keep(f.Timeout(e.value, Future[Out]{e.attempt}))
		return
	}
	o.keep(fmt.Errorf("%w: a record was under way for %v; raise the timeout, or say with OnTimeout what becomes of such records", ErrTimeout, o.options.Timeout))
}
