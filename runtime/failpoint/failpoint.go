// Package failpoint names instants in the life of a checkpoint at which a test kills, stops or breaks a process, to see that nothing is
// lost or repeated whichever it is. In production nothing is armed, and reaching a point costs an atomic load.
package failpoint

import "sync/atomic"

// Point is an instant. Those of one checkpoint are reached in the order of the constants, by each subtask or file that has part in it.
type Point uint8

// The points.
const (
	// Claiming: a process is about to claim the job's log, by which it becomes the job's leader.
	Claiming Point = iota
	// Restoring: a subtask is about to read the state that it goes on from.
	Restoring
	// Triggered: a worker has been told to have its sources take a checkpoint.
	Triggered
	// Aligning: a task has blocked a channel until the barriers of the others come.
	Aligning
	// Copying: a task has copied a slice of its state.
	Copying
	// Uploading: a file of state is about to go to the store.
	Uploading
	// Acknowledging: all files of a subtask are durable, and nobody knows yet.
	Acknowledging
	// Acknowledged: a subtask has acknowledged its part.
	Acknowledged
	// Describing: all subtasks have acknowledged; the metadata is about to be written.
	Describing
	// Completing: the metadata is written; the slot of the log that makes the checkpoint complete is about to be.
	Completing
	// Completed: that slot is written, and no task knows.
	Completed
	// Notified: a task has been told, and is about to commit.
	Notified
	// Committing: a part of what is to be committed is.
	Committing
	// Releasing: the slot of the log that lets go of older files is about to be written.
	Releasing
	// Deleting: files that were let go of are about to be deleted.
	Deleting
	// Ending: the slot that says how the job has ended is about to be written.
	Ending
	points
)

var names = [points]string{
	"claiming", "restoring", "triggered", "aligning", "copying", "uploading", "acknowledging", "acknowledged", "describing", "completing", "completed",
	"notified", "committing", "releasing", "deleting", "ending",
}

// String names the point.
func (p Point) String() string { return names[p] }

// All returns every point.
func All() []Point {
	all := make([]Point, points)
	for i := range all {
		all[i] = Point(i)
	}
	return all
}

var armed atomic.Pointer[func(Point) error]

// Arm has hook called at every point by the goroutine that reaches it, until disarm is called. The hook may end the process, block, or
// panic; an error that it returns is that of what is done there. It is one for the process: tests that arm it cannot run side by side.
func Arm(hook func(Point) error) (disarm func()) {
	if !armed.CompareAndSwap(nil, &hook) {
		panic("failpoint: armed twice")
	}
	return func() { armed.CompareAndSwap(&hook, nil) }
}

// Reach says that a point is reached. Its error is the hook's.
func Reach(p Point) error {
	if hook := armed.Load(); hook != nil {
		return (*hook)(p)
	}
	return nil
}
