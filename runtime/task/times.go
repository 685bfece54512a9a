package task

import "sync"

// Times are the nanoseconds that a task has spent so far in each state, as Flink defines them: back-pressured while it
// could go on but its output has no credit, idle while it has no input, busy otherwise. Hard is the part of BackPressured in which it waited in the middle of a
// user's function, where it cannot look after all of its mailbox; the rest is soft.
type Times struct{ Busy, Idle, BackPressured, Hard int64 }

// Waits are the longest times in nanoseconds for which a task was back-pressured at a stretch, softly and hard, since somebody last asked.
type Waits struct{ Soft, Hard int64 }

// hardPressed is BackPressured in the middle of a user's function.
const hardPressed = Ended + 1

// stopwatch adds up Times. The task writes, anyone reads: also in the middle of a wait, which counts as far as it has come.
type stopwatch struct {
	mu             sync.Mutex
	begun, ended   bool
	started, until int64
	// waiting is why the task waits, since when; 0 while it works.
	waiting Reason
	since   int64
	total   Times // of the waits that are over; Busy is what is left
	waits   Waits
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
	s.waits.note(s.waiting, now-s.since)
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
	case hardPressed:
		t.BackPressured += nanos
		t.Hard += nanos
	case Idle:
		t.Idle += nanos
	}
}

func (w *Waits) note(reason Reason, nanos int64) {
	switch reason {
	case BackPressured:
		w.Soft = max(w.Soft, nanos)
	case hardPressed:
		w.Hard = max(w.Hard, nanos)
	}
}

// longest returns the longest waits since its last call, the one that goes on at now included.
func (s *stopwatch) longest(now int64) Waits {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waits
	if s.waiting != 0 && !s.ended {
		w.note(s.waiting, now-s.since)
	}
	s.waits = Waits{}
	return w
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
