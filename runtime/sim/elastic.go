package sim

import (
	"time"

	"github.com/weir-stream/weir/runtime/jobmanager/master"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/schedule/adaptive"
)

// elastic is a change of what the job under the adaptive scheduler has, or wishes.
type elastic struct {
	at time.Duration
	// slots are those of a node that comes; 0 has one go, if another one is left.
	slots int
	// upper, if not 0, is the highest parallelism from then on, instead.
	upper int
}

// adapt draws what happens to the job under the adaptive scheduler besides.
func (p *plan) adapt(r *random) {
	p.adaptive = true
	p.parallelism = 3
	p.nodes = 1 + r.below(2)
	for range 8 + r.below(8) {
		e := elastic{at: r.between(50*time.Millisecond, p.horizon)}
		switch r.below(3) {
		case 0:
			e.slots = 1 + r.below(2)
		case 1:
			e.upper = 1 + r.below(5)
		}
		p.elastic = append(p.elastic, e)
	}
}

// slots of a node that begins with its cluster.
func (p *plan) slots(parallelism int) int {
	if p.adaptive {
		return 1
	}
	return parallelism
}

// stretch lets such a change happen to the newest cluster.
func (w *World) stretch(e elastic) {
	c := w.current()
	switch {
	case w.book.history.Ended != "":
	case e.upper > 0:
		w.note("parallelism up to %d", e.upper)
		c.leader.later(0, func() { c.leader.require(e.upper) })
	case e.slots > 0:
		w.note("a node of %d slots joins", e.slots)
		c.addNode(e.slots)
	default:
		if live := c.live(); len(live) > 1 {
			n := live[w.random.below(len(live))]
			w.note("%s leaves", n.name)
			w.endNode(n)
			w.tellGone(c, n)
		}
	}
}

// require changes the bounds of the job's parallelism.
func (l *leader) require(upper int) {
	if l.master == nil {
		return
	}
	var wanted []*message.VertexBounds
	for _, v := range l.config.Job.Vertices {
		wanted = append(wanted, &message.VertexBounds{Vertex: message.IDBytes(v.ID), Lower: 1, Upper: int32(upper)})
	}
	if err := l.master.Require(l.world.now(), wanted); err != nil {
		l.world.fail("rescale", "%v", err)
	}
	l.act()
}

// adapt puts the job under the adaptive scheduler.
func (w *World) adapt(c *master.Config) {
	c.Adaptive = &adaptive.Config{
		SubmissionWait: -1, SubmissionStabilization: 100 * time.Millisecond, Cooldown: 100 * time.Millisecond, Stabilization: 150 * time.Millisecond,
		Checkpoints: true, MaxDelay: 400 * time.Millisecond, CheckpointFailures: 2, NewID: w.random.id,
	}
}

// deploys counts the deployments of the job at another parallelism than before.
func (l *leader) deploys(d *message.Deploy) {
	sum := 0
	for _, p := range d.GetParallelism() {
		sum = sum*10 + int(p.GetParallelism())
	}
	if l.parallelism != 0 && sum != l.parallelism {
		l.world.counts.Rescales++
	}
	l.parallelism = sum
}
