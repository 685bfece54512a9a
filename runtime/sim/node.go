package sim

import (
	"log/slog"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/taskmanager/executor"
	"github.com/weir-stream/weir/runtime/worker"
)

// node is the process of a TaskExecutor.
type node struct {
	*process
	cluster  *cluster
	address  *message.Address
	executor *executor.Executor
	// worker is the job's, nil if none runs.
	worker *workerProcess
}

// workerProcess is the process that runs the job's subtasks.
type workerProcess struct {
	*process
	node        *node
	incarnation uint64
	host        *worker.Host
	// heard is when the last report comes out of the pipe: none overtakes another.
	heard int64
	// deployed are the attempts that it was sent.
	deployed []*message.ExecutionID
}

func newNode(c *cluster, name string, slots int) *node {
	w := c.world
	n := &node{process: w.newProcess(name), cluster: c, address: c.address(name, "taskexecutor")}
	n.executor = executor.New(executor.Config{
		ID: name, Address: n.address, Slots: slots, Timing: c.timing, ResourceManager: c.address(c.leader.name, "resourcemanager"), LeaderEpoch: c.epoch,
		CancellationTimeout: func(map[string]string) time.Duration { return time.Minute }, CanKill: true,
	}, w.now())
	n.deadline = n.executor.Deadline
	n.tick = func(now time.Time) {
		n.executor.Tick(now)
		n.act()
	}
	w.network.listen(n.address, n.process, func(m message.Message) {
		n.executor.Receive(w.now(), m)
		n.act()
	})
	return n
}

// act carries out what the executor has decided.
func (n *node) act() {
	for _, c := range n.executor.Take() {
		switch c := c.(type) {
		case executor.Send:
			n.world.network.send(n.process, c.To, c.Body)
		case executor.Launch:
			n.launch(c)
		case executor.Tell:
			if n.worker != nil && !n.worker.dead {
				if d := c.Message.GetDeploy(); d != nil {
					n.worker.deployed = append(n.worker.deployed, d.Execution)
					if d.Restore != nil {
						n.world.counts.Restores++
					}
				}
				n.worker.host.Send(copied(c.Message, new(message.ToWorker)))
			}
		case executor.Close:
			if n.worker != nil {
				n.worker.kill()
				n.worker = nil
			}
		case executor.Abandon:
			n.world.fail("liveness", "%s abandons its worker: %v", n.name, c.Failure)
		}
	}
}

func (n *node) launch(l executor.Launch) {
	w := n.world
	p := &workerProcess{process: w.newProcess(n.name + "/worker"), node: n, incarnation: l.Incarnation}
	n.worker = p
	w.note("%s launches worker %d", n.name, l.Incarnation)
	program := n.cluster.leader.job
	settings := n.cluster.leader.settings
	store := &handle{process: p.process, epoch: n.cluster.epoch}
	checkpoints := worker.CheckpointsOf(settings, program, store.open)
	checkpoints.NewID = w.random.id
	p.host = worker.NewHost(worker.Config{
		Program: program, Settings: worker.SettingsOf(settings, program), Clock: w.clock, Log: slog.New(slog.DiscardHandler),
		Metrics:     metrics.NewRegistry(w.clock, func(string) {}).Root(metrics.LevelTaskManagerJob),
		Checkpoints: checkpoints, Report: p.report, Threads: p.process, Channels: n.cluster.channels,
	})
}

// report brings a report through the pipe to the executor.
func (p *workerProcess) report(m *message.FromWorker) {
	w := p.world
	if p.dead {
		return
	}
	if ack := m.GetCheckpointAck(); ack != nil {
		w.observe(acked{by: p, ack: ack})
	}
	if state := m.GetTaskState(); state != nil && state.State.Ended() {
		id, _ := state.Execution.Ident()
		w.note("%s: subtask %d.%d of %s is %v: %s", p.name, id.Subtask, id.Attempt, p.vertexName(id), state.State, state.Failure.GetMessage())
	}
	m = copied(m, new(message.FromWorker))
	p.heard = max(p.heard, w.clock.Nanos()+int64(w.random.between(0, 500*time.Microsecond)))
	n := p.node
	w.after(time.Duration(p.heard-w.clock.Nanos()), func() {
		n.receive(func() {
			n.executor.Report(w.now(), w.job.id, p.incarnation, m)
			n.act()
		})
	})
}

func (p *workerProcess) vertexName(id ident.ExecutionID) string {
	return p.node.cluster.leader.job.Vertex(id.Vertex).Name
}

// crash ends the worker's process, which the executor learns from the end of the pipe.
func (p *workerProcess) crash() {
	p.kill()
	n := p.node
	if n.worker == p {
		n.worker = nil
	}
	n.later(p.world.random.between(0, 10*time.Millisecond), func() {
		n.executor.Report(p.world.now(), p.world.job.id, p.incarnation, &message.FromWorker{LeaderEpoch: n.cluster.epoch, Body: &message.FromWorker_Stopped{
			Stopped: &message.WorkerStopped{Failure: &message.Failure{Message: "the worker was killed", Subtask: -1}},
		}})
		n.act()
	})
}
