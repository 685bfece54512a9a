package task

import "testing"

func TestSpinner(t *testing.T) {
	var s spinner
	wait := func(n int, nanos int64) {
		for range n {
			if s.worth() {
				if nanos < spinNanos {
					s.found()
					continue
				}
				s.missed()
				nanos -= spinNanos
			}
			s.slept(nanos)
		}
	}
	wait(shortMany-1, 10_000)
	if s.worth() {
		t.Fatal("few short waits suffice")
	}
	wait(1, 10_000)
	if !s.worth() {
		t.Fatal("looking again is not worth it after short waits")
	}
	wait(100, 10_000)
	if !s.worth() {
		t.Fatal("waits that looking again has ended count as long ones")
	}
	wait(4, 10_000_000)
	if s.worth() {
		t.Fatal("looking again is worth it still after long waits")
	}
	// Waits somewhat longer than a task looks again must not have it look in vain each time.
	s, looked := spinner{}, 0
	for range 1000 {
		if s.worth() {
			looked++
		}
		wait(1, shortNanos-1)
	}
	if looked > 400 {
		t.Errorf("of 1000 waits that are just too long the task looks again in %d", looked)
	}
}
