package task

import (
	"runtime"
	"sync/atomic"
)

// Awake counts the tasks of a process that do not sleep, so that one that looks again for work takes the time of no other. A nil Awake
// counts nothing.
type Awake struct{ tasks atomic.Int32 }

func (a *Awake) add(n int32) {
	if a != nil {
		a.tasks.Add(n)
	}
}

// room reports whether there is a processor for each of them.
func (a *Awake) room() bool { return a != nil && int(a.tasks.Load()) <= runtime.GOMAXPROCS(0) }

// spinner decides whether a task that has nothing to do looks again for a while before it sleeps. To be woken takes several
// times as long as a batch does: two tasks that hand each other batches as fast as they can, and sleep in between, take turns instead of
// working at the same time. A task whose sleeps are long is better off asleep, so looking again is worth it only after short ones.
type spinner struct {
	// short counts the short waits of late, at most shortMost.
	short int
	// looked says that before the sleep that is under way the task has looked again in vain.
	looked bool
}

const (
	// spinNanos is how long a task looks again, spinRounds how often at most.
	spinNanos  = 50_000
	spinRounds = 1000
	// shortNanos is how long a sleep lasts at most of which looking again would have spared most. It is more than spinNanos, as it
	// has the time in it that waking takes.
	shortNanos = 80_000
	// shortMany is how many short waits it takes, shortMost how many are remembered.
	shortMany, shortMost = 3, 8
)

func (s *spinner) worth() bool { return s.short >= shortMany }

// found says that looking again has found work.
func (s *spinner) found() { s.short = shortMost }

// missed says that it has not.
func (s *spinner) missed() { s.looked = true }

// slept says how long a sleep has lasted.
func (s *spinner) slept(nanos int64) {
	switch {
	case s.looked:
		s.short = max(s.short-2, 0)
	case nanos <= shortNanos:
		s.short = min(s.short+1, shortMost)
	default:
		s.short /= 2
	}
	s.looked = false
}
