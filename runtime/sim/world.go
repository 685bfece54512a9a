package sim

import (
	"container/heap"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage/mem"
	"github.com/weir-stream/weir/runtime/clock"
)

// World is a cluster with all that is around it, in one goroutine and under one seed.
type World struct {
	seed   uint64
	random *random
	clock  *clock.Manual
	trace  trace
	plan   plan
	plant  Plant

	events    eventQueue
	lastEvent uint64
	processes []*process
	// dead is how many of them are.
	dead int
	// thaws is when the last of the frozen ones goes on.
	thaws time.Time
	// running is the thread that runs, nil between threads.
	running *thread

	job      job
	store    *mem.Store
	book     logbook
	outside  outside
	network  network
	clusters []*cluster
	// calm says that faults have stopped.
	calm   bool
	calmAt time.Time

	checkers  []checker
	violation *Violation
	// fuse is the operator whose user code fails next, "" for none.
	fuse   string
	counts Counts
}

// event is something that happens at a time.
type event struct {
	at  int64
	seq uint64
	do  func()
}

type eventQueue []event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *eventQueue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = event{}
	*q = (*q)[:last]
	return e
}

// after has f happen after a while.
func (w *World) after(d time.Duration, f func()) {
	w.lastEvent++
	heap.Push(&w.events, event{w.clock.Nanos() + int64(max(d, 0)), w.lastEvent, f})
}

func (w *World) now() time.Time { return w.clock.Now() }

// step lets the next thing happen, and reports whether there is one.
func (w *World) step() bool {
	w.wake()
	next := int64(never)
	if len(w.events) > 0 {
		next = w.events[0].at
	}
	w.bury()
	for _, p := range w.processes {
		next = min(next, p.dueAt())
	}
	if at, ok := w.clock.Next(); ok {
		next = min(next, int64(at.Sub(w.now()))+w.clock.Nanos())
	}
	if next == never {
		return false
	}
	if ahead := next - w.clock.Nanos(); ahead >= 0 {
		w.clock.Advance(time.Duration(ahead))
	}
	now := w.clock.Nanos()
	for _, p := range w.processes {
		if p.dueAt() <= now {
			w.counts.Events++
			p.touched = true
			p.tick(w.now())
			w.check()
		}
	}
	if len(w.events) > 0 && w.events[0].at <= now {
		w.counts.Events++
		e := heap.Pop(&w.events).(event)
		w.trace.mark(now, e.seq)
		e.do()
		w.check()
	}
	return true
}

// bury forgets the processes that are dead.
func (w *World) bury() {
	if w.dead > 0 {
		w.dead = 0
		w.processes = slices.DeleteFunc(w.processes, func(p *process) bool { return p.dead })
	}
}

// wake schedules the threads that may go on.
func (w *World) wake() {
	now := w.clock.Nanos()
	for _, p := range w.processes {
		if p.dead || p.frozen {
			continue
		}
		for _, t := range p.threads {
			switch {
			case t.scheduled:
			case t.ready():
				w.schedule(t, w.random.between(time.Microsecond, w.plan.latency))
			case t.until <= now:
				w.schedule(t, 0)
			case t.until != never && t.alarm != t.until:
				// The world stops at that time, and looks again.
				t.alarm = t.until
				w.after(time.Duration(t.until-now), func() {})
			}
		}
	}
}

// schedule has a thread run after a while.
func (w *World) schedule(t *thread, d time.Duration) {
	t.scheduled = true
	w.after(d, func() { w.resume(t) })
}

// note adds a line to the trace.
func (w *World) note(format string, args ...any) {
	w.trace.add(w.clock.Nanos(), format, args...)
}

// fail ends the run: an invariant is broken.
func (w *World) fail(invariant, format string, args ...any) {
	if w.violation != nil {
		return
	}
	w.violation = &Violation{Seed: w.seed, Invariant: invariant, At: time.Duration(w.clock.Nanos()), Problem: fmt.Sprintf(format, args...)}
	first, _, _ := strings.Cut(w.violation.Problem, "\n") // stacks differ from run to run
	w.note("VIOLATION %s: %s", invariant, first)
}
