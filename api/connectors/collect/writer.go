package collect

import (
	"context"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
)

// writer is a connector.Throttled. With checkpoints it holds the records back until one is complete.
type writer[T any] struct {
	queue                         *queue[T]
	subtask, parallelism, attempt int
	wake                          func()
	checkpointing                 bool
	// records are those since the last checkpoint, if there are any.
	records []T
	swept   bool
}

func (w *writer[T]) Open() error {
	w.queue.attach(w)
	return nil
}

func (w *writer[T]) Ready() bool { return w.queue.ready(w) }

func (w *writer[T]) Write(batch *element.Batch[T]) error {
	if w.checkpointing {
		w.records = append(w.records, batch.Values...)
		return nil
	}
	w.queue.put(w, append([]T(nil), batch.Values...))
	return nil
}

func (w *writer[T]) Flush(bool) error { return nil }
func (w *writer[T]) Close() error     { return nil }

// PrepareCommit implements connector.CommittingWriter: the committable is the name under which the queue holds the records.
func (w *writer[T]) PrepareCommit() ([]connector.Committable, error) {
	if len(w.records) == 0 {
		return nil, nil
	}
	id := ident.NewID().String()
	w.queue.hold(w, id, w.records)
	w.records = nil
	return []connector.Committable{{ID: id}}, nil
}

// CheckpointComplete implements connector.CheckpointListener: what the snapshot had that the job goes on from is released by now, so that
// what earlier attempts still hold is in none.
func (w *writer[T]) CheckpointComplete(ident.CheckpointID) error {
	if !w.swept {
		w.swept = true
		w.queue.forget(w)
	}
	return nil
}

// CheckpointAborted implements connector.CheckpointListener.
func (w *writer[T]) CheckpointAborted(ident.CheckpointID) error { return nil }

// committer gives what is held to the client.
type committer[T any] struct{ queue *queue[T] }

func (c committer[T]) Commit(_ context.Context, requests []*connector.CommitRequest) error {
	for _, r := range requests {
		if !c.queue.release(r.ID) {
			r.AlreadyCommitted()
		}
	}
	return nil
}

func (c committer[T]) Close() error { return nil }
