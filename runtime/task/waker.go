package task

import "sync/atomic"

// waker lets any goroutine end the wait of the one that drives a task. Waking an awake task costs one atomic load.
type waker struct {
	asleep atomic.Bool
	signal chan struct{}
}

func newWaker() *waker { return &waker{signal: make(chan struct{}, 1)} }

// wake ends a wait that has begun, or the one that is about to.
func (w *waker) wake() {
	if w.asleep.Load() && w.asleep.CompareAndSwap(true, false) {
		w.signal <- struct{}{}
	}
}

// prepare announces a wait. After it, the caller looks once more for work, since what came before was not signaled.
func (w *waker) prepare() { w.asleep.Store(true) }

// abandon takes prepare back, because there is work after all.
func (w *waker) abandon() {
	if !w.asleep.CompareAndSwap(true, false) {
		<-w.signal // someone was faster and has signaled, or is about to
	}
}
