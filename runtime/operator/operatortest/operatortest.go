// Package operatortest runs single operators in tests, without a task.
package operatortest

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state/keygroup"
)

// Record is what a Recorder got: a record with its event time, or an event.
type Record[T any] struct {
	Value T
	// Timestamp is element.NoTimestamp for a record without event time.
	Timestamp int64
	Event     string
}

// Recorder is an operator.Input that keeps what it gets. Once Fail is set, Process returns it.
type Recorder[T any] struct {
	All     []Record[T]
	Batches int
	Fail    error
}

// Process implements operator.Input.
func (r *Recorder[T]) Process(batch *element.Batch[T]) error {
	r.Batches++
	for i, v := range batch.Values {
		r.All = append(r.All, Record[T]{Value: v, Timestamp: batch.TimestampAt(i)})
	}
	return r.Fail
}

// Watermark implements operator.Input.
func (r *Recorder[T]) Watermark(at int64) error {
	r.All = append(r.All, Record[T]{Timestamp: at, Event: element.Watermark.String()})
	return nil
}

// Idle implements operator.Input.
func (r *Recorder[T]) Idle(idle bool) error {
	event := element.Active
	if idle {
		event = element.Idle
	}
	r.All = append(r.All, Record[T]{Event: event.String()})
	return nil
}

// Values are the records without events and timestamps.
func (r *Recorder[T]) Values() []T {
	var all []T
	for _, record := range r.All {
		if record.Event == "" {
			all = append(all, record.Value)
		}
	}
	return all
}

// Task is an operator.Task that counts.
type Task struct {
	Wakes  int
	Events [][]byte
	// OnWake, if set, is called by Wake.
	OnWake func()

	mu      sync.Mutex
	actions []func()
}

// Wake implements operator.Task.
func (t *Task) Wake() {
	t.mu.Lock()
	t.Wakes++
	t.mu.Unlock()
	if t.OnWake != nil {
		t.OnWake()
	}
}

// WakeAt implements operator.Task.
func (t *Task) WakeAt(int64) {}

// Do implements operator.Task: run waits for RunActions.
func (t *Task) Do(run func()) {
	t.mu.Lock()
	t.actions = append(t.actions, run)
	t.mu.Unlock()
	t.Wake()
}

// RunActions runs what Do was given, in the test's goroutine.
func (t *Task) RunActions() {
	for {
		t.mu.Lock()
		actions := t.actions
		t.actions = nil
		t.mu.Unlock()
		if len(actions) == 0 {
			return
		}
		for _, run := range actions {
			run()
		}
	}
}

// Await implements operator.Task: it runs actions until done returns true.
func (t *Task) Await(done func() bool) error {
	for !done() {
		t.RunActions()
		runtime.Gosched()
	}
	return nil
}

// SendToCoordinator implements operator.Task.
func (t *Task) SendToCoordinator(_ ident.OperatorID, event []byte) {
	t.Events = append(t.Events, event)
}

// Context makes the context of an operator that is a job's only subtask. It is canceled when the test ends.
func Context(t testing.TB, name string) *operator.Context {
	c := clock.NewManual(time.Unix(1000, 0))
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	group := metrics.NewRegistry(c, func(string) {}).Root(metrics.LevelOperator)
	return &operator.Context{
		Go: ctx, JobName: "test", Name: name, Parallelism: 1, MaxParallelism: 128,
		KeyGroups: keygroup.RangeOf(128, 1, 0), Backend: "hashmap", ObjectReuse: true,
		Clock: c, Log: slog.New(slog.DiscardHandler), Metrics: group,
		RecordsIn: group.Counter("numRecordsIn"), RecordsOut: group.Counter("numRecordsOut"),
		Accumulators: new(accumulator.Set), Task: new(Task),
	}
}

// Open makes an operator that emits to a Recorder and opens it. It is closed when the test ends.
func Open[Out any](t testing.TB, ctx *operator.Context, factory operator.Factory) (operator.Instance, *Recorder[Out]) {
	t.Helper()
	out := &Recorder[Out]{}
	instance, err := factory(ctx, operator.Outputs{Main: []any{operator.Input[Out](out)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := instance.Operator.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := instance.Operator.Close(); err != nil {
			t.Error(err)
		}
	})
	return instance, out
}

// Batch makes a batch of records without event time.
func Batch[T any](values ...T) *element.Batch[T] { return &element.Batch[T]{Values: values} }

// BatchAt makes a batch of records with event times; element.NoTimestamp stands for none.
func BatchAt[T any](values []T, timestamps []int64) *element.Batch[T] {
	b := &element.Batch[T]{}
	for i, v := range values {
		b.Append(v, timestamps[i])
	}
	return b
}
