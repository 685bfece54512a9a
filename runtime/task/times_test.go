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
	if got, want := s.longest(82), (Waits{Soft: 20}); got != want {
		t.Errorf("the longest waits are %+v, want %+v", got, want)
	}
	s.wait(hardPressed, 83)
	if got, want := s.longest(86), (Waits{Hard: 3}); got != want {
		t.Errorf("the longest waits are %+v, want %+v", got, want)
	}
	s.resume(88)
	s.stop(90)
	want(1000, Times{Busy: 25, Idle: 40, BackPressured: 25, Hard: 5})
	if got, want := s.longest(1000), (Waits{Hard: 5}); got != want {
		t.Errorf("the longest waits are %+v, want %+v", got, want)
	}
}
