package collect

import (
	"context"
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
	newest    map[int]*writer[T]
	taken     map[int]bool
	waiting   map[*writer[T]]bool
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
	}
}

// attach makes w the writer of its subtask, in place of an earlier attempt.
func (q *queue[T]) attach(w *writer[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := q.newest[w.subtask]
	switch {
	case before == nil:
	case before.attempt > w.attempt:
		return
	case q.taken[w.subtask] && q.err == nil:
		q.err = &RestartedError{w.subtask, w.attempt}
		q.dropAll()
	}
	q.newest[w.subtask] = w
	q.drop(before)
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
