package collect

import (
	"context"
	"maps"
	"sync"
)

// queue is where the subtasks' goroutines and the client's meet. It is locked once a batch, and by the client once a chunk.
type queue[T any] struct {
	capacity int
	// arrived has an element when the client should look again.
	arrived chan struct{}

	mu      sync.Mutex
	chunks  []chunk[T]
	records int // in chunks
	// newest is the writer of the latest attempt of each subtask; taken has the subtasks of which the client took records.
	newest  map[int]*writer[T]
	taken   map[int]bool
	waiting map[*writer[T]]bool
	// held are chunks that wait for their checkpoint.
	held      map[string]chunk[T]
	ended     bool
	discarded bool
	err       error

	// rest is what the client has left of a chunk; only its goroutine uses it.
	rest []T
}

// chunk is the records of one batch.
type chunk[T any] struct {
	from    *writer[T]
	records []T
}

func newQueue[T any](capacity int) *queue[T] {
	return &queue[T]{
		capacity: max(capacity, 1), arrived: make(chan struct{}, 1),
		newest: map[int]*writer[T]{}, taken: map[int]bool{}, waiting: map[*writer[T]]bool{},
		held: map[string]chunk[T]{},
	}
}

// attach makes w the writer of its subtask, in place of an earlier attempt.
func (q *queue[T]) attach(w *writer[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := q.newest[w.subtask]
	switch {
	case before == nil || w.checkpointing:
	case before.attempt > w.attempt:
		return
	case q.taken[w.subtask] && q.err == nil:
		q.err = &RestartedError{w.subtask, w.attempt}
		q.dropAll()
	}
	q.newest[w.subtask] = w
	if !w.checkpointing {
		q.drop(before)
	}
}

// drop forgets what a writer put.
func (q *queue[T]) drop(w *writer[T]) {
	delete(q.waiting, w)
	kept := q.chunks[:0]
	for _, c := range q.chunks {
		if c.from == w {
			q.records -= len(c.records)
		} else {
			kept = append(kept, c)
		}
	}
	clear(q.chunks[len(kept):])
	q.chunks = kept
	q.letGoOn()
}

// dropAll forgets all and keeps nothing from here on.
func (q *queue[T]) dropAll() {
	q.discarded = true
	q.chunks, q.records = nil, 0
	clear(q.held)
	q.letGoOn()
	q.notify()
}

func (q *queue[T]) ready(w *writer[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.records < q.capacity {
		return true
	}
	q.waiting[w] = true
	return false
}

func (q *queue[T]) put(w *writer[T], records []T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.discarded || len(records) == 0 || q.newest[w.subtask] != w {
		return
	}
	q.chunks = append(q.chunks, chunk[T]{w, records})
	q.records += len(records)
	q.notify()
}

// hold keeps records until release.
func (q *queue[T]) hold(w *writer[T], id string, records []T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.discarded {
		q.held[id] = chunk[T]{w, records}
	}
}

// release gives what is held to the client, and reports whether there was anything.
func (q *queue[T]) release(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	c, ok := q.held[id]
	if !ok {
		return false
	}
	delete(q.held, id)
	q.chunks = append(q.chunks, c)
	q.records += len(c.records)
	q.notify()
	return true
}

// forget drops what earlier attempts hold for which this writer answers.
func (q *queue[T]) forget(w *writer[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	maps.DeleteFunc(q.held, func(_ string, c chunk[T]) bool {
		return c.from != w && c.from.subtask%w.parallelism == w.subtask
	})
}

func (q *queue[T]) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.ended {
		q.ended = true
		if q.err == nil {
			q.err = err
		}
	}
	q.notify()
}

func (q *queue[T]) discard() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropAll()
}

// letGoOn wakes those that wait, if there is room.
func (q *queue[T]) letGoOn() {
	if q.records < q.capacity {
		for w := range q.waiting {
			w.wake()
		}
		clear(q.waiting)
	}
}

func (q *queue[T]) notify() {
	select {
	case q.arrived <- struct{}{}:
	default:
	}
}

func (q *queue[T]) next(ctx context.Context) (value T, ok bool, err error) {
	for len(q.rest) == 0 {
		done, err := q.take()
		if done || err != nil {
			return value, false, err
		}
		if len(q.rest) > 0 {
			break
		}
		select {
		case <-q.arrived:
		case <-ctx.Done():
			return value, false, ctx.Err()
		}
	}
	value, q.rest = q.rest[0], q.rest[1:]
	return value, true, nil
}

// take moves the next chunk to rest, if there is one, and reports whether none will come.
func (q *queue[T]) take() (done bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.chunks) == 0 {
		// An error that did not end the job is one of what was collected.
		return q.ended, q.err
	}
	c := q.chunks[0]
	q.chunks[0] = chunk[T]{}
	q.chunks = q.chunks[1:]
	q.records -= len(c.records)
	q.rest = c.records
	q.taken[c.from.subtask] = true
	q.letGoOn()
	return false, nil
}
