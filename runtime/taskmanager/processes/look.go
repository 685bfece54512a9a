package processes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/process"
)

// Watched is a worker process as one looks at it from outside. Its methods may be called from any goroutine.
type Watched struct {
	Job      ident.JobID
	JobName  string
	PID      int
	Started  time.Time
	Revision string
	// Launch counts the job's workers here, from 0.
	Launch int
	looks  *looks
}

// Look asks the process to show something. The error says so if it has ended, or does not answer before ctx ends.
func (w Watched) Look(ctx context.Context, look *message.Look) ([]byte, error) {
	content, err := w.looks.look(ctx, look)
	if err != nil {
		return nil, fmt.Errorf("the worker of job %q (process %d): %w", w.JobName, w.PID, err)
	}
	return content, nil
}

// Workers are the worker processes that serve, in no order. Any goroutine may call it.
func (l *Launcher) Workers() []Watched { return l.watched.list() }

// watched are the workers that were launched and have not ended.
type watched struct {
	mu       sync.Mutex
	workers  map[*worker]int
	launched map[ident.JobID]int
}

func (w *watched) add(one *worker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.workers == nil {
		w.workers, w.launched = map[*worker]int{}, map[ident.JobID]int{}
	}
	w.workers[one] = w.launched[one.spec.Job]
	w.launched[one.spec.Job]++
}

func (w *watched) remove(one *worker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.workers, one)
}

func (w *watched) forget(job ident.JobID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.launched, job)
}

func (w *watched) list() []Watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Watched
	for one, launch := range w.workers {
		made := Watched{Job: one.spec.Job, JobName: one.spec.JobName, Launch: launch, looks: one.looks}
		if one.looks.describe(&made) {
			all = append(all, made)
		}
	}
	return all
}

// mostShown bounds an answer, in bytes: nobody else does what a job's process sends.
const mostShown = 64 << 20

// looks are the questions to a worker process that it has not answered yet:
//
//	waiting for the process --begin--> asking --end--> over
type looks struct {
	mu       sync.Mutex
	writer   *process.Writer
	pid      int
	revision string
	started  time.Time
	over     bool
	number   uint64
	waiting  map[uint64]*waiting
}

type waiting struct {
	content []byte
	failure error
	done    chan struct{}
}

func newLooks() *looks { return &looks{waiting: map[uint64]*waiting{}} }

// begin says that the process takes questions.
func (l *looks) begin(w *process.Writer, pid int, revision string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writer, l.pid, l.revision, l.started = w, pid, revision, now
}

func (l *looks) describe(w *Watched) (serves bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.PID, w.Started, w.Revision = l.pid, l.started, l.revision
	return l.writer != nil && !l.over
}

// end says that the process answers no more.
func (l *looks) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for number := range l.waiting {
		l.finish(number, errEnded)
	}
}

var errEnded = errors.New("it has ended")

// finish needs the lock.
func (l *looks) finish(number uint64, failure error) {
	w := l.waiting[number]
	delete(l.waiting, number)
	w.failure = failure
	close(w.done)
}

func (l *looks) look(ctx context.Context, look *message.Look) ([]byte, error) {
	w := &waiting{done: make(chan struct{})}
	l.mu.Lock()
	if l.over || l.writer == nil {
		l.mu.Unlock()
		return nil, errEnded
	}
	l.number++
	number, writer := l.number, l.writer
	l.waiting[number] = w
	l.mu.Unlock()
	question := &message.Look{Number: number, Body: look.GetBody()}
	if err := writer.Write(&message.ToProcess{Body: &message.ToProcess_Look{Look: question}}); err != nil {
		l.giveUp(number, err)
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		l.giveUp(number, fmt.Errorf("it does not answer: %w", context.Cause(ctx)))
		<-w.done
	}
	return w.content, w.failure
}

func (l *looks) giveUp(number uint64, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting[number] != nil {
		l.finish(number, cause)
	}
}

// shown takes a part of an answer in. What nobody waits for any more is dropped.
func (l *looks) shown(s *message.Shown) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.waiting[s.GetNumber()]
	switch {
	case w == nil:
	case s.GetFailure() != "":
		l.finish(s.GetNumber(), errors.New(s.GetFailure()))
	case len(w.content)+len(s.GetPart()) > mostShown:
		l.finish(s.GetNumber(), fmt.Errorf("its answer is larger than %d bytes", mostShown))
	default:
		if w.content = append(w.content, s.GetPart()...); s.GetLast() {
			l.finish(s.GetNumber(), nil)
		}
	}
}
