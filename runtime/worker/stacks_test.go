package worker

import (
	"strings"
	"testing"
)

// stuck is what a stack is expected to show.
func stuck(number chan int64, done chan struct{}) {
	number <- goroutineNumber()
	<-done
}

func TestTheStackOfAnotherGoroutine(t *testing.T) {
	number, done := make(chan int64), make(chan struct{})
	defer close(done)
	go stuck(number, done)
	stack := stackOf(<-number)
	if !strings.Contains(stack, "worker.stuck(") || strings.Count(stack, "goroutine ") > 2 {
		t.Errorf("the stack is\n%s", stack)
	}
	if frame := userFrame(stack); !strings.Contains(frame, "worker.stuck (") || !strings.Contains(frame, "stacks_test.go:") || strings.Contains(frame, "+0x") {
		t.Errorf("it stands in %q", frame)
	}
	if stack := stackOf(1 << 40); stack != "" {
		t.Errorf("a goroutine that is not there stands in\n%s", stack)
	}
}

func TestUserFrame(t *testing.T) {
	const stack = `goroutine 9 [sync.Mutex.Lock, 5 minutes]:
internal/sync.runtime_SemacquireMutex(0x1, 0x2)
	/go/src/runtime/sema.go:95 +0x25
sync.(*Mutex).Lock(...)
	/go/src/sync/mutex.go:46
example.com/job/geo.(*Cache[...]).Find({0x1, 0x2})
	/src/geo/cache.go:17 +0x45
main.build.func1()
	/src/main.go:9 +0x10`
	if got := userFrame(stack); got != "example.com/job/geo.(*Cache[...]).Find (/src/geo/cache.go:17)" {
		t.Errorf("it stands in %q", got)
	}
	for _, text := range []string{"", "goroutine 1 [running]:", "goroutine 1 [select]:\nruntime.gopark()\n\t/x.go:1 +0x1"} {
		if got := userFrame(text); got != "" {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestPulse(t *testing.T) {
	p := &pulse{}
	if p.look() != 0 {
		t.Error("one that was not asked misses an answer")
	}
	for n := range 3 {
		p.asked = true
		for missed := 1; missed <= n; missed++ {
			if got := p.look(); got != missed {
				t.Errorf("%d answers are missed, not %d", got, missed)
			}
		}
		p.answered.Store(true)
		if got := p.look(); got != 0 || p.asked {
			t.Errorf("after an answer %d are missed", got)
		}
	}
}
