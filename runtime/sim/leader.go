package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager"
	"github.com/weir-stream/weir/runtime/jobmanager/master"
	"github.com/weir-stream/weir/runtime/jobmanager/resource"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/schedule"
)

// leader is the process of a leader: a ResourceManager and the job's JobMaster.
//
//	claiming --claimed--> running --the job is over, another leader has it--> over
//	        \--the claim has failed---------------------------------------/
type leader struct {
	*process
	cluster  *cluster
	job      *graph.JobGraph
	settings config.Configuration
	manager  *resource.Manager
	keeper   *jobmanager.Keeper
	store    *handle
	config   master.Config
	// master is nil while the log is being claimed, which claiming decides about; what comes meanwhile is in early.
	master   *master.Master
	claiming master.Claiming
	early    []message.Message
	over     bool
	// sent is the number of the last frame of each link.
	sent map[linkID]uint64
	// term is that of its claim.
	term ident.LeaderEpoch
	// parallelism stands for that of the job's last deployment.
	parallelism int
}

// linkID names a link between a leader and a node.
type linkID struct {
	node    string
	session uint64
}

func newLeader(c *cluster, parallelism int) *leader {
	w := c.world
	l := &leader{process: w.newProcess(fmt.Sprintf("jm-%d", c.epoch)), cluster: c, job: w.job.graph(parallelism), sent: map[linkID]uint64{}}
	l.store = &handle{process: l.process, epoch: c.epoch, leader: l}
	l.tick, l.deadline = l.onTick, l.nextTick
	var err error
	if l.settings, _, err = config.Load("", w.properties()); err != nil {
		panic("sim: " + err.Error())
	}
	if l.keeper, err = jobmanager.NewKeeper(l.settings, l.store.open, l.job, w.random.id); err != nil {
		panic("sim: " + err.Error())
	}
	restart := schedule.RestartConfig{Strategy: config.RestartFixedDelay}
	restart.FixedDelay.Attempts, restart.FixedDelay.Delay = 1<<30, 50*time.Millisecond
	strategy, err := schedule.NewRestartStrategy(restart)
	if err != nil {
		panic("sim: " + err.Error())
	}
	rm, jm := c.address(l.name, "resourcemanager"), c.address(l.name, "jobmaster")
	l.manager = resource.New(resource.Config{LeaderEpoch: c.epoch, Timing: c.timing, NewAllocation: w.random.id})
	l.config = master.Config{
		Job: l.job, LeaderEpoch: c.epoch, Address: jm, ResourceManager: rm, Timing: c.timing,
		SlotRequestTimeout: 30 * time.Second, SlotIdleTimeout: 10 * time.Second, AttemptHistory: 2, ExceptionHistory: 4,
		Restart: strategy, Uniform: w.random.fork().uniform,
	}
	if w.plan.adaptive {
		w.adapt(&l.config)
	}
	w.network.listen(rm, l.process, func(m message.Message) {
		l.manager.Receive(w.now(), m)
		l.act()
	})
	w.network.listen(jm, l.process, func(m message.Message) {
		if l.master == nil {
			l.early = append(l.early, m)
			return
		}
		l.master.Receive(w.now(), m)
		l.act()
	})
	return l
}

// properties are the job's options.
func (w *World) properties() []string {
	p := &w.plan
	return []string{
		"execution.checkpointing.dir=" + storeName + "/checkpoints",
		fmt.Sprintf("execution.checkpointing.interval=%dms", p.interval.Milliseconds()),
		"execution.checkpointing.timeout=3s",
		fmt.Sprintf("execution.checkpointing.num-retained=%d", p.retained),
		fmt.Sprintf("execution.checkpointing.max-concurrent-checkpoints=%d", p.concurrent),
		fmt.Sprintf("execution.checkpointing.tolerable-failed-checkpoints=%d", p.tolerable),
		fmt.Sprintf("execution.checkpointing.data-inline-threshold=%db", p.inline),
		"state.backend.type=hashmap",
		"weir.batch.min-records=1", "weir.batch.max-records=4", "taskmanager.network.memory.buffers-per-channel=2",
	}
}

// claim begins to claim the job's log.
func (l *leader) claim() {
	l.claiming = master.Claiming{Location: l.name, Uniform: l.config.Uniform}
	l.claims(master.ClaimBegins{})
}

// claims does what an event leads to while the job's log is being claimed. A leader that cannot lead ends, and another one comes.
func (l *leader) claims(e master.ClaimEvent) {
	for _, command := range l.claiming.Step(l.world.now(), e) {
		switch command.(type) {
		case master.TryClaim:
			l.tryClaim()
		case master.RefuseJob:
			l.end("it cannot lead")
		}
	}
}

func (l *leader) tryClaim() {
	w := l.world
	l.Go(func() {
		made, err := l.keeper.Claim(context.Background())
		w.note("%s claimed: %v", l.name, err)
		l.later(w.random.between(0, time.Millisecond), func() {
			if err != nil {
				l.claims(master.ClaimFailed{Reason: err.Error(), Transient: storage.MayPass(err)})
				return
			}
			if made == nil {
				l.end("the job has finished")
				return
			}
			l.config.Checkpoints, l.config.Job = made, made.Job
			l.begin()
		})
	})
}

func (l *leader) begin() {
	now := l.world.now()
	l.master = master.New(l.config, now)
	l.master.Start(now)
	early := l.early
	l.early = nil
	for _, m := range early {
		l.master.Receive(now, m)
	}
	l.act()
}

// end ends the leader's process. If it is the newest, another one takes over.
func (l *leader) end(why string) {
	w := l.world
	w.note("%s ends: %s", l.name, why)
	l.over = true
	w.after(0, l.kill)
	w.succeed(l.cluster, w.random.between(10*time.Millisecond, 500*time.Millisecond))
}

// succeed has a new leader begin after a while, unless there is a newer one by then or the job is over.
func (w *World) succeed(c *cluster, d time.Duration) {
	w.after(d, func() {
		if w.current() == c && w.book.history.Ended == "" {
			w.lead()
		}
	})
}

func (l *leader) onTick(now time.Time) {
	l.manager.Tick(now)
	if l.master != nil {
		l.master.Tick(now)
	} else {
		l.claims(master.ClaimTick{})
	}
	l.act()
}

func (l *leader) nextTick() time.Time {
	if l.master != nil {
		return message.Earliest(l.manager.Deadline(), l.master.Deadline())
	}
	return message.Earliest(l.manager.Deadline(), l.claiming.Deadline())
}

// act carries out what the pure parts have decided.
func (l *leader) act() {
	w := l.world
	for _, c := range l.manager.Take() {
		if send, ok := c.(resource.Send); ok {
			w.network.send(l.process, send.To, send.Body)
		}
	}
	if l.master == nil {
		return
	}
	for _, c := range l.master.Take() {
		switch c := c.(type) {
		case master.Send:
			l.sends(c)
			w.network.send(l.process, c.To, c.Body)
		case master.Carry:
			l.carry(c.Command)
		case master.Ended:
			w.note("%s: the job is %s", l.name, l.master.State())
			l.ended()
		case master.Dismiss:
			l.over = true
			l.later(0, l.kill)
		}
	}
}

// ended looks at how the job has ended for this leader.
func (l *leader) ended() {
	w := l.world
	if l.master.State() == graph.JobFinished {
		return
	}
	failure := l.master.Result().GetFailure().GetMessage()
	if !w.leads(l) {
		l.end("another one leads: " + failure)
		return
	}
	w.fail("liveness", "%s has let the job end as %s: %s", l.name, l.master.State(), failure)
}

// status says where the job stands.
func (l *leader) status() string {
	if l.master == nil {
		return l.name + " has not claimed the log"
	}
	d := l.master.Details()
	nodes := ""
	for _, n := range l.cluster.nodes {
		nodes += fmt.Sprintf("; %s: dead %v, %d slots given, worker %v", n.name, n.dead, n.executor.Given(), n.worker != nil && !n.worker.dead)
	}
	return fmt.Sprintf("%s has it %s, tasks %v, slots %v, over %v, stale messages %d, last failure %q%s",
		l.name, l.master.State(), d.Summary.Tasks, d.Slots, l.over, d.StaleMessages, d.Failure.GetMessage(), nodes)
}

// carry carries out a command of the checkpoint coordinator in a thread of its own.
func (l *leader) carry(command coordinator.Command) {
	if l.planted(command) {
		return
	}
	l.Go(func() {
		event := l.keeper.Carry(context.Background(), command)
		if event == nil {
			return
		}
		l.later(l.world.random.between(0, time.Millisecond), func() {
			l.master.Checkpoint(l.world.now(), event)
			l.act()
		})
	})
}

// sends looks at what the master tells workers.
func (l *leader) sends(s master.Send) {
	frame, ok := s.Body.(*message.Frame)
	if !ok {
		return
	}
	to, ok := frame.Body.(*message.Frame_ToWorker)
	link := linkID{frame.TaskExecutor, frame.Session}
	if !ok || frame.Seq <= l.sent[link] {
		return // a repetition
	}
	l.sent[link] = frame.Seq
	switch body := to.ToWorker.Body.(type) {
	case *message.ToWorker_CheckpointComplete:
		l.world.observe(notified{by: l, checkpoint: body.CheckpointComplete.GetCheckpoint()})
	case *message.ToWorker_Deploy:
		l.deploys(body.Deploy)
		l.world.observe(deployed{by: l, from: body.Deploy.GetRestore().GetCheckpoint()})
	case *message.ToWorker_TriggerCheckpoint:
		if l.world.plant == BarrierBlocksNothing {
			body.TriggerCheckpoint.ExactlyOnce = false
		}
	}
}

// afterSlot is where a leader may freeze: its entry stands, and it has yet to act on that.
func (w *World) afterSlot(h *handle, e *snapshot.LogEntry) {
	if h.leader == nil || e.GetRelease() == nil || w.calm || !w.random.chance(w.plan.frozenAtRelease) {
		return
	}
	w.freeze(h.leader)
}
