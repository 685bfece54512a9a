package rest

import (
	"context"
	"net/http"
	"sync"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/operations"
)

// async carries operations out beside the requests that trigger them. An operation ends with what a poll answers.
//
//	new --begin--> operations under way --close--> all are told to end, and have ended
type async struct {
	clock  clock.Clock
	ctx    context.Context // that of all operations
	cancel context.CancelFunc
	going  sync.WaitGroup

	mu     sync.Mutex // guards the following
	book   *operations.Book[answer.Operation]
	closed bool
}

func newAsync(c clock.Clock, book *operations.Book[answer.Operation]) *async {
	ctx, cancel := context.WithCancel(context.Background())
	return &async{clock: c, ctx: ctx, cancel: cancel, book: book}
}

// trigger begins the operation unless there is one of this key.
func (a *async) trigger(key operations.Key, do func(context.Context) answer.Operation) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return ErrUnavailable
	}
	switch a.book.Begin(key, a.clock.Now()) {
	case operations.Full:
		return refuse(http.StatusServiceUnavailable, classOperationsOverflow, "Too many asynchronous operations are under way; try again when some have ended.")
	case operations.Started:
		a.going.Add(1)
		go a.run(key, do)
	}
	return nil
}

func (a *async) run(key operations.Key, do func(context.Context) answer.Operation) {
	defer a.going.Done()
	outcome := do(a.ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.book.Finish(key, outcome, a.clock.Now())
}

// poll answers how an operation stands; ok is false if there is none.
func (a *async) poll(key operations.Key) (made answer.Operation, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch state, outcome := a.book.Look(key, a.clock.Now()); state {
	case operations.Going:
		return answer.Pending(), true
	case operations.Ended:
		return outcome, true
	}
	return answer.Operation{}, false
}

func (a *async) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.cancel()
	a.going.Wait()
}

// triggerID reads the id that a request may bring along for its operation, or makes one.
func triggerID(text *string) (ident.ID, error) {
	if text == nil {
		return ident.NewID(), nil
	}
	id, err := ident.ParseID(*text)
	if err != nil {
		return ident.ID{}, badRequest("Cannot read the triggerId %q: it must have 32 hexadecimal digits.", *text)
	}
	return id, nil
}

// outcomeOf makes of an operation's end what a poll answers.
func outcomeOf(result any, err error, job ident.JobID, checkpoint bool) answer.Operation {
	if err != nil {
		class := classFlink
		if !job.IsZero() {
			class = classCheckpoint
		}
		return answer.NotDone(causeOf(err, job, class), checkpoint)
	}
	return answer.Done(result)
}
