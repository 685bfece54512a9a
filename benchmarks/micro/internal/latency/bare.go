package latency

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// mostPerPoll is how many records a reader may emit at once, as many as the engine lets it.
const mostPerPoll = 1024

// Bare measures the same schedule with no engine: a goroutine for each subtask drives the source's reader and notes when its
// records are there.
func Bare(o Order) (Outcome, error) {
	c := clock.System()
	recorders := make([]*recorder, o.Parallelism)
	failures := make([]error, o.Parallelism)
	var running sync.WaitGroup
	for i := range recorders {
		recorders[i] = o.newRecorder(c)
		running.Go(func() { failures[i] = o.drive(c, i, recorders[i]) })
	}
	running.Wait()
	if err := errors.Join(failures...); err != nil {
		return Outcome{}, err
	}
	measured := outcome(recorders)
	return measured, o.complete(measured)
}

// drive runs one subtask of the source to its end.
func (o Order) drive(c clock.Clock, subtask int, to *recorder) error {
	wakeAt := int64(0)
	requested := false
	source := o.source(c)
	reader, err := source.NewReader(connector.ReaderContext{
		RuntimeContext: (&operator.Context{Go: context.Background(), Subtask: subtask, Parallelism: o.Parallelism}).Runtime(),
		Clock:          c,
		RequestSplit:   func() { requested = true },
		Wake:           func() {},
		WakeAt:         func(nanos int64) { wakeAt = nanos },
	})
	if err != nil {
		return err
	}
	assignment := &assignment{parallelism: o.Parallelism, subtask: subtask}
	enumerator, err := source.NewEnumerator(assignment)
	if err != nil {
		return err
	}
	if err := errors.Join(enumerator.Start(), enumerator.AddReader(subtask), reader.Open()); err != nil {
		return err
	}

	var batch element.Batch[event]
	woken, timer := make(chan struct{}), time.NewTimer(time.Hour)
	for {
		if requested {
			requested = false
			if err := assignment.answer(enumerator, reader); err != nil {
				return err
			}
		}
		batch.Reset()
		out := connector.NewOutput(&batch, mostPerPoll)
		status, err := reader.Poll(&out)
		if err != nil || status == connector.Ended {
			return err
		}
		if len(batch.Values) > 0 {
			to.arrived(batch.Values)
		}
		if status == connector.Waiting && !requested {
			timer.Reset(time.Duration(wakeAt - c.Nanos()))
			select { // as the engine waits, though nobody wakes this one
			case <-woken:
			case <-timer.C:
			}
		}
	}
}

// assignment is the enumerator's view of the one subtask that is driven.
type assignment struct {
	parallelism, subtask int
	splits               []connector.Split
	last                 bool
}

func (a *assignment) Context() context.Context { return context.Background() }
func (a *assignment) Parallelism() int         { return a.parallelism }
func (a *assignment) Logger() *slog.Logger     { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func (a *assignment) Assign(subtask int, splits ...connector.Split) {
	if subtask == a.subtask {
		a.splits = append(a.splits, splits...)
	}
}

func (a *assignment) NoMoreSplits(subtask int) { a.last = a.last || subtask == a.subtask }

// answer carries a request to the enumerator and what it has assigned to the reader.
func (a *assignment) answer(enumerator connector.Enumerator, reader connector.Reader[event]) error {
	if err := enumerator.RequestSplit(a.subtask); err != nil {
		return err
	}
	if splits := a.splits; len(splits) > 0 {
		a.splits = nil
		if err := reader.AddSplits(splits); err != nil {
			return err
		}
	}
	if a.last {
		reader.NoMoreSplits()
	}
	return nil
}
