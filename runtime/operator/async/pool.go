package async

import "sync"

// pool has goroutines that run calls, each for as long as calls come; it grows when all are busy. The operator bounds
// how many calls it has under way.
type pool struct {
	once    sync.Once
	calls   chan func()
	running sync.WaitGroup
}

// run has call run by a goroutine and returns at once. One goroutine calls it, and not after close.
func (p *pool) run(call func()) {
	p.once.Do(func() { p.calls = make(chan func()) })
	select {
	case p.calls <- call: // one was waiting
	default:
		p.running.Add(1)
		go p.work(call)
	}
}

func (p *pool) work(call func()) {
	defer p.running.Done() // also where user code ends the goroutine
	call()
	for call := range p.calls {
		call()
	}
}

// close waits until all calls have returned.
func (p *pool) close() {
	p.once.Do(func() { p.calls = make(chan func()) })
	close(p.calls)
	p.running.Wait()
}
