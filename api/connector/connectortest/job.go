package connectortest

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/operator"
)

// patience is how many steps a run may take.
const patience = 2_000_000

// job is one run of a source: an enumerator, readers, and the messages under way between them.
type job[T comparable] struct {
	t            testing.TB
	source       connector.Source[T]
	want         map[T]bool
	parallelisms []int
	random       random
	clock        *clock.Manual

	enumerator connector.Enumerator
	requests   []int // subtasks whose requests the enumerator has not seen yet
	readers    []*subtask[T]
	stored     checkpoint
	// committed is what was emitted before the last checkpoint.
	committed []record[T]
	// single has each Poll emit one record at most.
	single bool
}

// checkpoint is what a job restarts from.
type checkpoint struct {
	taken      bool
	enumerator []byte
	splits     []connector.Split
}

func newJob[T comparable](t testing.TB, source connector.Source[T], want []T, parallelisms []int, seed random) *job[T] {
	j := &job[T]{t: t, source: source, want: map[T]bool{}, parallelisms: parallelisms, random: seed, clock: clock.NewManual(time.Unix(1000, 0))}
	for _, value := range want {
		j.want[value] = true
	}
	return j
}

// run returns how often each record was emitted, over all failures.
func (j *job[T]) run(parallelism, disturbances int) map[record[T]]int {
	j.t.Helper()
	j.start(parallelism)
	return j.finish(disturbances)
}

// finish runs to the end.
func (j *job[T]) finish(disturbances int) map[record[T]]int {
	j.t.Helper()
	for steps := 0; j.step(); steps++ {
		if steps > patience {
			j.t.Fatalf("no end after %d steps", steps)
		}
		if disturbances > 0 && j.random.below(20) == 0 {
			disturbances--
			j.disturb()
		}
		if !j.source.Bounded() && steps%32 == 0 && j.seen() {
			break
		}
	}
	j.close()
	got := map[record[T]]int{}
	for _, r := range j.emitted() {
		got[r]++
	}
	return got
}

func (j *job[T]) emitted() []record[T] {
	all := slices.Clone(j.committed)
	for _, r := range j.readers {
		all = append(all, r.emitted...)
	}
	return all
}

// seen reports whether all wanted records came, and fails the test if an unbounded source goes on without them.
func (j *job[T]) seen() bool {
	j.t.Helper()
	missing, all := len(j.want), j.emitted()
	for _, r := range all {
		if j.want[r.value] {
			missing--
		}
	}
	if missing > 0 && len(all) > 100*(len(j.want)+10_000) {
		j.t.Fatalf("after %d records %d of the %d wanted ones have not come", len(all), missing, len(j.want))
	}
	return missing <= 0
}

func (j *job[T]) start(parallelism int) {
	j.t.Helper()
	var err error
	j.readers, j.requests = make([]*subtask[T], parallelism), nil
	j.enumerator, err = j.source.NewEnumerator(enumeratorContext[T]{j})
	j.check("NewEnumerator", err)
	if j.stored.taken {
		j.check("Restore", j.enumerator.Restore(bytes.Clone(j.stored.enumerator)))
	} else {
		j.check("Start", j.enumerator.Start())
	}
	shares := make([][]connector.Split, parallelism)
	for _, split := range j.stored.splits {
		to := j.random.below(parallelism)
		shares[to] = append(shares[to], split)
	}
	for i := range j.readers {
		j.startReader(i, shares[i])
	}
}

func (j *job[T]) startReader(i int, restored []connector.Split) {
	j.t.Helper()
	s := &subtask[T]{index: i, restored: restored, open: map[string]bool{}}
	s.given(restored)
	s.awake.Store(true)
	j.readers[i] = s
	var err error
	s.reader, err = j.source.NewReader(connector.ReaderContext{
		RuntimeContext: (&operator.Context{
			Go: context.Background(), JobName: "test", Name: j.source.Name(), Subtask: i, Parallelism: len(j.readers), Log: slog.New(slog.DiscardHandler), Clock: j.clock,
		}).Runtime(),
		Clock:        j.clock,
		RequestSplit: func() { j.requests = append(j.requests, i) },
		Wake:         func() { s.awake.Store(true) },
		WakeAt:       func(nanos int64) { s.wakeAt, s.alarm = nanos, true },
	})
	j.check("NewReader", err)
	j.check("Open", s.reader.Open())
	if len(restored) > 0 {
		j.check("AddSplits", s.reader.AddSplits(cloned(restored)))
	}
	j.check("AddReader", j.enumerator.AddReader(i))
}

// step does one of the things that could happen next and reports whether there was one.
func (j *job[T]) step() bool {
	j.t.Helper()
	var possible []func()
	if len(j.requests) > 0 {
		possible = append(possible, j.serveRequest)
	}
	for _, s := range j.readers {
		if len(s.inbox) > 0 {
			possible = append(possible, func() { j.deliver(s) })
		}
		if s.awake.Load() && !s.ended {
			possible = append(possible, func() { j.poll(s) })
		}
	}
	if len(possible) > 0 {
		possible[j.random.below(len(possible))]()
		return true
	}
	if j.turnClock() {
		return true
	}
	for _, s := range j.readers {
		if !s.ended {
			j.t.Fatalf("reader %d waits, and neither a split nor Wake nor WakeAt is to come", s.index)
		}
	}
	return false
}

func (j *job[T]) serveRequest() {
	subtask := j.requests[0]
	j.requests = j.requests[1:]
	j.check("RequestSplit", j.enumerator.RequestSplit(subtask))
}

func (j *job[T]) deliver(s *subtask[T]) {
	m := s.inbox[0]
	s.inbox = s.inbox[1:]
	if m.last {
		s.last = true
		s.reader.NoMoreSplits()
		return
	}
	if s.last {
		j.t.Fatalf("splits for reader %d after it was told that none would come", s.index)
	}
	s.assigned = append(s.assigned, m.splits...)
	s.given(m.splits)
	j.check("AddSplits", s.reader.AddSplits(cloned(m.splits)))
}

// turnClock goes to the next alarm.
func (j *job[T]) turnClock() bool {
	var next *subtask[T]
	for _, s := range j.readers {
		if s.alarm && !s.ended && (next == nil || s.wakeAt < next.wakeAt) {
			next = s
		}
	}
	if next == nil {
		return false
	}
	j.clock.Advance(time.Duration(max(0, next.wakeAt-j.clock.Nanos())))
	next.alarm = false
	next.awake.Store(true)
	return true
}

func (j *job[T]) close() {
	for _, s := range j.readers {
		j.check("Close of a reader", s.reader.Close())
	}
	j.check("Close of the enumerator", j.enumerator.Close())
}

func (j *job[T]) check(what string, err error) {
	if err != nil {
		j.t.Helper()
		j.t.Fatalf("%s: %v", what, err)
	}
}

func cloned(splits []connector.Split) []connector.Split {
	copies := make([]connector.Split, len(splits))
	for i, split := range splits {
		copies[i] = connector.Split{ID: split.ID, State: bytes.Clone(split.State)}
	}
	return copies
}

// enumeratorContext puts what the enumerator sends under way.
type enumeratorContext[T comparable] struct{ job *job[T] }

func (c enumeratorContext[T]) Context() context.Context { return context.Background() }
func (c enumeratorContext[T]) Parallelism() int         { return len(c.job.readers) }
func (c enumeratorContext[T]) Logger() *slog.Logger     { return slog.New(slog.DiscardHandler) }

func (c enumeratorContext[T]) Assign(subtask int, splits ...connector.Split) {
	to := c.job.readers[subtask]
	to.inbox = append(to.inbox, message{splits: cloned(splits)})
}

func (c enumeratorContext[T]) NoMoreSplits(subtask int) {
	to := c.job.readers[subtask]
	to.inbox = append(to.inbox, message{last: true})
}
