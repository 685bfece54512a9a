package failpoint

import "sync/atomic"

// Stretch is a piece of a task's time that a checkpoint takes.
type Stretch uint8

// The stretches.
const (
	// Marking: a task takes a checkpoint, from the last barrier until its state is marked.
	Marking Stretch = iota
	// Slicing: a task copies a slice of its state.
	Slicing
)

var watch atomic.Pointer[func(s Stretch, begins bool)]

// Watch has watcher called by the task's goroutine where a stretch begins and where it ends, until unwatch is called. It is for
// measurements; where nobody watches, a stretch costs two atomic loads.
func Watch(watcher func(s Stretch, begins bool)) (unwatch func()) {
	if !watch.CompareAndSwap(nil, &watcher) {
		panic("failpoint: watched twice")
	}
	return func() { watch.CompareAndSwap(&watcher, nil) }
}

// Begin says that a stretch begins.
func Begin(s Stretch) { pass(s, true) }

// End says that a stretch has ended.
func End(s Stretch) { pass(s, false) }

func pass(s Stretch, begins bool) {
	if watcher := watch.Load(); watcher != nil {
		(*watcher)(s, begins)
	}
}
