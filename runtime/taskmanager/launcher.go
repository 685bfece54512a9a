package taskmanager

import (
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// Launcher starts the workers of jobs. The TaskExecutor calls it from one goroutine.
type Launcher interface {
	// Prepare returns host:port of where the workers of a job will be found by their peers, one after the other, until Discard; it returns "" if
	// all are in one process.
	Prepare(job ident.JobID) (address string, err error)
	// Discard says that the job will have no more workers here. A worker that is closed may still be ending.
	Discard(job ident.JobID)
	// Launch starts a worker and returns at once; what takes long is done behind it. The worker hands its messages to
	// report, from any goroutine, in order. A worker that ends without Close, or cannot be started after all, reports
	// WorkerStopped as its last message. After an error nothing is reported.
	Launch(spec Spec, report func(*message.FromWorker)) (Worker, error)
}

// Spec says which worker is to be started.
type Spec struct {
	Job     ident.JobID
	JobName string
	// LeaderEpoch is the epoch that all messages to and from the worker bear.
	LeaderEpoch uint64
	// Configuration has key and text of each option of the job.
	Configuration map[string]string
	// Program is what the worker is started from; nil where this process has it.
	Program *message.JobProgram
	// TaskExecutor is the id of the TaskExecutor, the worker's location for its peers.
	TaskExecutor string
	// Slots is how many the job holds here when the worker is started.
	Slots int
}

// Worker hosts the subtasks of one job on one TaskExecutor.
type Worker interface {
	// Send takes in a message in order, and does not wait for what it leads to.
	Send(*message.ToWorker)
	// Close asks the worker to end with all of its tasks, and returns at once. What it reports from now on is ignored.
	Close()
}

// Holder is implemented by workers who have a share of memory for each slot that their job holds here.
type Holder interface {
	// Hold says how many slots these are from now on.
	Hold(slots int)
}
