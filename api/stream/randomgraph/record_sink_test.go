package randomgraph

import (
	"fmt"
	"sync"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
)

// recording is what the subtasks of one sink have received.
type recording struct {
	mu       sync.Mutex
	subtasks map[int]func() []record
	problems []string
}

func (r *recording) problem(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// ended takes the records of a subtask, undressed only when they are asked for: what overwrites a record that a sink
// keeps is found out then.
func (r *recording) ended(subtask int, received func() []record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.subtasks == nil {
		r.subtasks = map[int]func() []record{}
	}
	if r.subtasks[subtask] != nil {
		r.problems = append(r.problems, fmt.Sprintf("subtask %d was flushed at the end of its input twice", subtask))
	}
	r.subtasks[subtask] = received
}

// recorder is a sink into a recording.
type recorder[T any] struct {
	dress[T]
	into *recording
}

func (r recorder[T]) Name() string { return "recorder" }

func (r recorder[T]) NewWriter(ctx connector.WriterContext) (connector.Writer[T], error) {
	return &recordWriter[T]{recorder: r, subtask: ctx.Subtask()}, nil
}

type recordWriter[T any] struct {
	recorder[T]
	subtask      int
	opened, done bool
	values       []T
	times        []int64
}

func (w *recordWriter[T]) Open() error {
	w.opened = true
	return nil
}

func (w *recordWriter[T]) Write(batch *element.Batch[T]) error {
	if !w.opened || w.done {
		w.into.problem("subtask %d was written to before Open or after the end of its input", w.subtask)
	}
	w.values = append(w.values, batch.Values...)
	for i := range batch.Values {
		w.times = append(w.times, batch.TimestampAt(i))
	}
	return nil
}

func (w *recordWriter[T]) Flush(endOfInput bool) error {
	if endOfInput {
		w.done = true
		w.into.ended(w.subtask, w.received)
	}
	return nil
}

func (w *recordWriter[T]) received() []record {
	records := make([]record, len(w.values))
	for i, value := range w.values {
		records[i] = w.bare(value)
		records[i].Time = w.times[i]
	}
	return records
}

func (w *recordWriter[T]) Close() error { return nil }
