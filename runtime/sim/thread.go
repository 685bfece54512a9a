package sim

import (
	"iter"
	"math"
	"time"
)

// never is a time that does not come.
const never = math.MaxInt64

// process is one of the processes of the cluster, with what runs in it. Its threads are coroutines: of all threads of the world one
// runs at a time, until it waits. It implements worker.Threads.
//
//	alive --freeze--> frozen --thaw--> alive
//	alive, frozen --kill--> dead
//
// What comes to a frozen process waits until it thaws; what comes to a dead one is lost.
type process struct {
	world  *World
	name   string
	dead   bool
	frozen bool
	// parked is what has come while it was frozen.
	parked  []func()
	threads []*thread
	// tick and deadline are those of the pure parts in it, nil if it has none.
	tick     func(now time.Time)
	deadline func() time.Time
	// due is the deadline by the clock's Nanos, unless something was touched since.
	due     int64
	touched bool
}

// thread is a function that runs until it waits, and goes on when it may.
type thread struct {
	process *process
	next    func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool
	// ready and until are what it waits for.
	ready     func() bool
	until     int64
	scheduled bool
	// alarm is the last time for which an event was put, so that the world stops there.
	alarm int64
}

// killed unwinds a thread whose process is dead.
type killed struct{}

func (w *World) newProcess(name string) *process {
	p := &process{world: w, name: name, touched: true}
	w.processes = append(w.processes, p)
	return p
}

// Go implements worker.Threads.
func (p *process) Go(f func()) {
	if p.dead {
		return
	}
	t := &thread{process: p, ready: func() bool { return true }, until: never}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if r := recover(); r != nil && !p.dead {
				panic(r)
			}
		}()
		t.yield = yield
		f()
	})
	p.threads = append(p.threads, t)
}

// Wait implements worker.Threads.
func (p *process) Wait(until int64, ready func() bool) {
	t := p.world.running
	if t == nil || t.process != p {
		panic("sim: a wait outside of a thread of " + p.name)
	}
	t.ready, t.until = ready, until
	if !t.yield(struct{}{}) {
		panic(killed{})
	}
}

// pause lets time pass for the thread that runs.
func (p *process) pause(d time.Duration) {
	p.Wait(p.world.clock.Nanos()+int64(d), func() bool { return false })
}

// resume has a thread run until it waits again or ends.
func (w *World) resume(t *thread) {
	t.scheduled = false
	p := t.process
	if p.dead {
		return
	}
	if p.frozen {
		t.scheduled = true
		p.parked = append(p.parked, func() { w.resume(t) })
		return
	}
	w.running = t
	_, more := t.next()
	w.running = nil
	if more {
		return
	}
	for i, other := range p.threads {
		if other == t {
			p.threads = append(p.threads[:i:i], p.threads[i+1:]...)
			break
		}
	}
}

// later has f run in the process after a while: not if it is dead by then, and not before it thaws.
func (p *process) later(d time.Duration, f func()) {
	p.world.after(d, func() { p.receive(f) })
}

// receive runs f in the process now, or when it can.
func (p *process) receive(f func()) {
	switch {
	case p.dead:
	case p.frozen:
		p.parked = append(p.parked, f)
	default:
		p.touched = true
		f()
	}
}

// dueAt is when the pure parts in the process want to be ticked.
func (p *process) dueAt() int64 {
	if p.dead || p.frozen || p.deadline == nil {
		return never
	}
	if p.touched {
		p.touched, p.due = false, never
		if at := p.deadline(); !at.IsZero() {
			p.due = int64(at.Sub(begin))
		}
	}
	return p.due
}

// kill ends the process at once.
func (p *process) kill() {
	if p.dead {
		return
	}
	p.dead = true
	w := p.world
	w.dead++
	before := w.running
	for _, t := range p.threads {
		w.running = t
		t.stop()
	}
	w.running = before
	p.threads, p.parked = nil, nil
}

func (p *process) freeze() { p.frozen = true }

// thaw has the process go on where it was; it has missed nothing but time.
func (p *process) thaw() {
	if !p.frozen || p.dead {
		return
	}
	p.frozen, p.touched = false, true
	parked := p.parked
	p.parked = nil
	for _, f := range parked {
		p.later(p.world.random.between(0, time.Millisecond), f)
	}
}
