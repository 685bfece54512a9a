package task

import "testing"

func TestStopwatch(t *testing.T) {
	var s stopwatch
	if got := s.at(100); got != (Times{}) {
		t.Errorf("before the start %+v", got)
	}
	s.start(0)
	want := func(now int64, want Times) {
		t.Helper()
		if got := s.at(now); got != want {
			t.Errorf("at %d: %+v, want %+v", now, got, want)
		}
	}
	want(10, Times{Busy: 10})
	s.wait(Idle, 10)
	want(10, Times{Busy: 10})
	want(40, Times{Busy: 10, Idle: 30}) // a wait that goes on counts: an idle task is not a busy one
	s.resume(50)
	want(55, Times{Busy: 15, Idle: 40})
	s.wait(BackPressured, 60)
	want(70, Times{Busy: 20, Idle: 40, BackPressured: 10})
	s.resume(80)
	s.stop(90)
	want(1000, Times{Busy: 30, Idle: 40, BackPressured: 20})
}
