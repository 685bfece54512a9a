package task

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestNoWakeIsLost has goroutines put work down and wake, one unit at a time, while the sleeper sleeps whenever it finds
// none. A wake that gets lost leaves the test hanging.
func TestNoWakeIsLost(t *testing.T) {
	const wakers, each = 3, 30_000
	w := newWaker()
	var work atomic.Int64
	var taken atomic.Int64
	var all sync.WaitGroup
	for range wakers {
		all.Go(func() {
			for range each {
				work.Add(1)
				w.wake()
			}
		})
	}
	for taken.Load() < wakers*each {
		if n := work.Swap(0); n > 0 {
			taken.Add(n)
			continue
		}
		w.prepare()
		if work.Load() > 0 {
			w.abandon()
			continue
		}
		<-w.signal
	}
	all.Wait()
	select {
	case <-w.signal:
		t.Error("a signal is left over")
	default:
	}
}

func TestPingPong(t *testing.T) {
	const rounds = 50_000
	left, right := newWaker(), newWaker()
	var turn atomic.Int64
	play := func(me int64, mine, theirs *waker) {
		for {
			at := turn.Load()
			switch {
			case at >= rounds:
				theirs.wake()
				return
			case at%2 == me:
				turn.Add(1)
				theirs.wake()
			default:
				mine.prepare()
				if now := turn.Load(); now%2 == me || now >= rounds {
					mine.abandon()
					continue
				}
				<-mine.signal
			}
		}
	}
	var both sync.WaitGroup
	both.Go(func() { play(0, left, right) })
	both.Go(func() { play(1, right, left) })
	both.Wait()
}

func TestAbandonTakesTheSignalOfAFasterWaker(t *testing.T) {
	w := newWaker()
	w.wake() // an awake task is not signaled
	w.prepare()
	w.wake()
	w.wake()
	w.abandon()
	select {
	case <-w.signal:
		t.Error("a signal of a wait that was abandoned is left: the next wait would end by it")
	default:
	}
}
