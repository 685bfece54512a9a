// Package worker hosts the subtasks of one job in a process, and the coordinators of its sources.
//
// A Host is told what to do by message.ToWorker and tells what has happened by message.FromWorker, whether its
// TaskExecutor is in the same process or at the other end of a socket pair.
package worker

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator/watermark"
	"github.com/weir-stream/weir/runtime/task"
)

// Config is what a host is made of.
type Config struct {
	// Program is the compiled job with its factories.
	Program *graph.JobGraph
	// Settings are those of all tasks. StateFolder is where the host makes a folder for their local state.
	Settings task.Settings
	Clock    clock.Clock
	Log      *slog.Logger
	// Metrics is the group of the job in this process.
	Metrics *metrics.Group
	// Checkpoints says where checkpoints go and come from.
	Checkpoints Checkpoints
	// Report takes what the host has to tell. It is called from one goroutine at a time and must not block.
	Report func(*message.FromWorker)
	// Threads is nil in production.
	Threads Threads
	// Channels is nil unless hosts share them.
	Channels *Channels
	// Network is the job's membership in the data plane of this process, which the host leaves when it has closed. It may be nil if no
	// attempt is deployed whose peers are elsewhere.
	Network *transport.Member
}

// Host runs the subtasks of one job:
//
//	serving --Close--> closing --all subtasks and coordinators ended--> closed
//
// Its state belongs to one goroutine, the loop, which everything reaches as an action in a queue.
type Host struct {
	config Config
	loop   *loop
	// pool is what the tasks' channels hold.
	pool *pool

	epoch        uint64
	tasks        map[ident.ExecutionID]*hosted
	coordinators map[ident.OperatorID]*coordinator
	// groups are the sources that wait for each other.
	groups   watermark.Groups
	channels map[channelKey]any
	state    localState
	restores restores
	awake    task.Awake
	closing  bool
	closed   chan struct{}
	running  sync.WaitGroup
}

// hosted is a subtask's attempt. Attempts that have ended stay, with how they ended, so that a repeated message is
// answered alike.
type hosted struct {
	task *task.Task
	// captures is nil if the job takes no checkpoints.
	captures *captures
	metrics  *metrics.Group
	// accumulators are the task's, which may go on to change.
	accumulators *accumulator.Set
	state        message.TaskState
	final        *message.TaskStateChanged
	// senders and receivers are the ends of its channels to other workers.
	senders   []*transport.Sender
	receivers []*transport.Receiver
	// pulse tells whether the task answers; goroutine is the number of the one that drives it. canceling says that it was told to end.
	pulse     pulse
	goroutine atomic.Int64
	// mailboxLatency is how long actions have waited in its mailbox, in milliseconds; measuring says that one is on its way.
	mailboxLatency *metrics.Histogram
	measuring      atomic.Bool
	canceling      bool
}

// channelKey names the queue between two attempts.
type channelKey struct {
	edge                     int
	producer, consumer       ident.SubtaskIndex
	producerTry, consumerTry int32
}

// NewHost starts a host.
func NewHost(config Config) *Host {
	h := &Host{
		config: config, tasks: map[ident.ExecutionID]*hosted{}, coordinators: map[ident.OperatorID]*coordinator{},
		channels: config.Channels.all(), closed: make(chan struct{}),
		state: newLocalState(config.Settings, leftovers(config)), restores: restores{
			open: config.Checkpoints.Open, sleep: pause(config.Threads, config.Clock), log: config.Log, oneByOne: config.Threads != nil,
		},
	}
	h.pool = newPool(config.Metrics)
	h.loop = startLoop(config.Threads)
	return h
}

// Send gives the host a message. It does not block and may be called by any goroutine; after Close it does nothing.
func (h *Host) Send(m *message.ToWorker) { h.loop.do(func() { h.handle(m) }) }

// ReportProgress has the host tell how far each of its running subtasks has come.
func (h *Host) ReportProgress() {
	h.loop.do(func() {
		for execution, t := range h.tasks {
			if t.task == nil || t.state != message.TaskState_RUNNING {
				continue
			}
			h.report(&message.FromWorker{Body: &message.FromWorker_Progress{Progress: &message.TaskProgress{
				Execution: message.NewExecutionID(execution), Accumulators: encodeAccumulators(t.accumulators.Snapshot()), Io: ioOf(t.task),
			}}})
		}
	})
}

// Close cancels all subtasks and closes all coordinators. It does not wait; Closed tells when they have ended.
func (h *Host) Close() { h.loop.do(h.startClosing) }

// Closed is closed when the last subtask has ended.
func (h *Host) Closed() <-chan struct{} { return h.closed }

func (h *Host) handle(m *message.ToWorker) {
	if m.GetLeaderEpoch() < h.epoch {
		h.config.Log.Warn("message of an old leader refused", "epoch", m.GetLeaderEpoch(), "current", h.epoch)
		return
	}
	h.follow(m.GetLeaderEpoch())
	if h.closing {
		return
	}
	if err := h.dispatch(m); err != nil {
		h.config.Log.Error("message to worker refused", "error", err)
	}
}

// follow makes the leader of a message the one that the worker serves, to its peers as well.
func (h *Host) follow(epoch uint64) {
	if epoch > h.epoch && h.config.Network != nil {
		h.config.Network.SetEpoch(epoch)
	}
	h.epoch = epoch
}

func (h *Host) dispatch(m *message.ToWorker) error {
	switch body := m.GetBody().(type) {
	case *message.ToWorker_Deploy:
		return h.deploy(body.Deploy)
	case *message.ToWorker_CancelTask:
		return h.cancel(body.CancelTask.GetExecution())
	case *message.ToWorker_DrainTask:
		return h.drain(body.DrainTask.GetExecution())
	case *message.ToWorker_Ping:
		return h.ping(body.Ping)
	case *message.ToWorker_ToSubtask:
		return h.toSubtask(body.ToSubtask)
	case *message.ToWorker_TriggerCheckpoint:
		return h.triggerCheckpoint(body.TriggerCheckpoint)
	case *message.ToWorker_CheckpointComplete:
		return h.checkpointComplete(body.CheckpointComplete)
	case *message.ToWorker_CheckpointAborted:
		return h.checkpointAborted(body.CheckpointAborted)
	case *message.ToWorker_SnapshotCoordinator:
		return h.snapshotCoordinator(body.SnapshotCoordinator)
	case *message.ToWorker_StartCoordinator:
		return h.startCoordinator(body.StartCoordinator)
	case *message.ToWorker_StopCoordinator:
		return h.stopCoordinator(body.StopCoordinator)
	case *message.ToWorker_ToCoordinator:
		return h.withCoordinator(body.ToCoordinator.GetOperator(), body.ToCoordinator.GetCoordinatorAttempt(), func(c *coordinator) {
			c.fromSubtask(body.ToCoordinator)
		})
	case *message.ToWorker_SubtaskReady:
		return h.withCoordinator(body.SubtaskReady.GetOperator(), body.SubtaskReady.GetCoordinatorAttempt(), func(c *coordinator) {
			c.subtaskReady(body.SubtaskReady)
		})
	case *message.ToWorker_SubtaskGone:
		return h.withCoordinator(body.SubtaskGone.GetOperator(), body.SubtaskGone.GetCoordinatorAttempt(), func(c *coordinator) {
			c.subtaskGone(body.SubtaskGone)
		})
	case *message.ToWorker_SubtaskReset:
		return h.withCoordinator(body.SubtaskReset.GetOperator(), body.SubtaskReset.GetCoordinatorAttempt(), func(c *coordinator) {
			c.subtaskReset(body.SubtaskReset)
		})
	}
	return fmt.Errorf("unknown kind of message %T", m.GetBody())
}

// report sends a message with the epoch of the leader that the host serves. Only the loop calls it.
func (h *Host) report(m *message.FromWorker) {
	m.LeaderEpoch = h.epoch
	h.config.Report(m)
}

func (h *Host) startClosing() {
	if h.closing {
		return
	}
	h.closing = true
	for _, t := range h.tasks {
		if t.task != nil && !t.state.Ended() {
			t.task.Cancel()
		}
	}
	for _, c := range h.coordinators {
		c.close()
	}
	h.loop.stopAfter(func() {
		h.running.Wait()
		if err := h.state.close(); err != nil {
			h.config.Log.Warn("local state was not removed", "error", err)
		}
		if h.config.Network != nil {
			h.config.Network.Close()
		}
		close(h.closed)
	})
}
