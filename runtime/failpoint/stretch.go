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

var watch atomic.Pointer[func(task string, s Stretch, begins bool)]

// Watch has watcher called by the task's goroutine where a stretch begins and where it ends, until unwatch is called. It is for
// measurements; where nobody watches, a stretch costs two atomic loads.
func Watch(watcher func(task string, s Stretch, begins bool)) (unwatch func()) {
	if !watch.CompareAndSwap(nil, &watcher) {
		panic("failpoint: watched twice")
	}
	return func() { watch.CompareAndSwap(&watcher, nil) }
}

// Begin says that a stretch of a task, which has a name, begins.
func Begin(task string, s Stretch) { pass(task, s, true) }

// End says that a stretch has ended.
func End(task string, s Stretch) { pass(task, s, false) }

func pass(task string, s Stretch, begins bool) {
	if watcher := watch.Load(); watcher != nil {
		(*watcher)(task, s, begins)
	}
}
