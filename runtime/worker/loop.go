package worker

import "sync"

// loop runs actions one after the other on a goroutine of its own, in the order in which they were put. The queue is
// unbounded: those who put are the control plane and subtasks, which wait for answers before they ask again.
type loop struct {
	// threads runs the loop, nil for a goroutine.
	threads Threads

	mu      sync.Mutex
	ready   *sync.Cond
	actions []func()
	ending  bool
	last    func()
}

func startLoop(threads Threads) *loop {
	l := &loop{threads: threads}
	l.ready = sync.NewCond(&l.mu)
	if threads != nil {
		threads.Go(l.run)
	} else {
		go l.run()
	}
	return l
}

// do puts an action. After stopAfter it does nothing.
func (l *loop) do(action func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ending {
		return
	}
	l.actions = append(l.actions, action)
	l.ready.Signal()
}

// stopAfter ends the loop: what was put before it runs first, then last, and then nothing more. An action may call it.
func (l *loop) stopAfter(last func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ending, l.last = true, last
	l.ready.Signal()
}

func (l *loop) run() {
	for {
		l.await()
		actions, last := l.actions, l.last
		l.actions = nil
		l.mu.Unlock()
		if len(actions) == 0 {
			last()
			return
		}
		for _, action := range actions {
			action()
		}
	}
}

// await returns with the lock, when there is something to do.
func (l *loop) await() {
	if l.threads != nil {
		l.threads.Wait(never, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.awaited() })
		l.mu.Lock()
		return
	}
	l.mu.Lock()
	for !l.awaited() {
		l.ready.Wait()
	}
}

func (l *loop) awaited() bool { return len(l.actions) > 0 || l.ending }
