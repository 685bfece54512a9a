package task

import "sync/atomic"

// Times are the nanoseconds that a task has spent so far in each state, as Flink defines them: back-pressured while it
// could go on but its output has no credit, idle while it has no input, busy otherwise.
type Times struct{ Busy, Idle, BackPressured int64 }

// stopwatch adds up Times. The task writes, anyone reads.
type stopwatch struct {
	started             atomic.Int64
	idle, backPressured atomic.Int64
	ended               atomic.Int64
}

func (s *stopwatch) waited(reason Reason, nanos int64) {
	switch reason {
	case BackPressured:
		s.backPressured.Store(s.backPressured.Load() + nanos)
	case Idle:
		s.idle.Store(s.idle.Load() + nanos)
	}
}

// at reads the stopwatch when the clock shows now.
func (s *stopwatch) at(now int64) Times {
	started := s.started.Load()
	if started == 0 {
		return Times{}
	}
	if ended := s.ended.Load(); ended != 0 {
		now = ended
	}
	t := Times{Idle: s.idle.Load(), BackPressured: s.backPressured.Load()}
	t.Busy = max(0, now-started-t.Idle-t.BackPressured)
	return t
}
