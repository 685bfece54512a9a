package task

import "sync"

// Times are the nanoseconds that a task has spent so far in each state, as Flink defines them: back-pressured while it
// could go on but its output has no credit, idle while it has no input, busy otherwise.
type Times struct{ Busy, Idle, BackPressured int64 }

// stopwatch adds up Times. The task writes, anyone reads: also in the middle of a wait, which counts as far as it has come.
type stopwatch struct {
	mu             sync.Mutex
	begun, ended   bool
	started, until int64
	// waiting is why the task waits, since when; 0 while it works.
	waiting Reason
	since   int64
	total   Times // of the waits that are over; Busy is what is left
}

func (s *stopwatch) start(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun, s.started = true, now
}

func (s *stopwatch) wait(reason Reason, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting, s.since = reason, now
}

func (s *stopwatch) resume(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total.add(s.waiting, now-s.since)
	s.waiting = 0
}

func (s *stopwatch) stop(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.until = true, now
}

func (t *Times) add(reason Reason, nanos int64) {
	switch reason {
	case BackPressured:
		t.BackPressured += nanos
	case Idle:
		t.Idle += nanos
	}
}

// at reads the stopwatch when the clock shows now.
func (s *stopwatch) at(now int64) Times {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		return Times{}
	}
	if s.ended {
		now = s.until
	}
	t := s.total
	if s.waiting != 0 {
		t.add(s.waiting, max(0, now-s.since))
	}
	t.Busy = max(0, now-s.started-t.Idle-t.BackPressured)
	return t
}
