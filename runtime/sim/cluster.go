package sim

import (
	"fmt"
	"time"

	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/worker"
)

// cluster is a leader with the nodes that serve it. A new leader has nodes of its own: those of the one before live on until they notice
// that it is gone, or for as long as it lives.
type cluster struct {
	world  *World
	epoch  uint64
	leader *leader
	nodes  []*node
	timing message.Timing
	// channels are the data plane of its workers.
	channels *worker.Channels
	started  int
}

// lead starts a new leader with nodes, and has the job run at some parallelism.
func (w *World) lead() {
	c := &cluster{
		world: w, epoch: uint64(len(w.clusters) + 1), channels: &worker.Channels{},
		timing: message.Timing{Interval: time.Second, Timeout: 4 * time.Second},
	}
	parallelism := w.plan.parallelism
	if len(w.clusters) > 0 && w.random.chance(0.5) {
		parallelism = 1 + w.random.below(3)
	}
	w.clusters = append(w.clusters, c)
	w.note("leader %d begins, parallelism %d", c.epoch, parallelism)
	c.leader = newLeader(c, parallelism)
	for range w.plan.nodes {
		c.addNode(w.plan.slots(parallelism))
	}
	c.leader.claim()
}

// current is the cluster of the newest leader.
func (w *World) current() *cluster { return w.clusters[len(w.clusters)-1] }

func (c *cluster) address(host, id string) *message.Address {
	return &message.Address{Host: host, Id: id}
}

func (c *cluster) addNode(slots int) *node {
	c.started++
	n := newNode(c, fmt.Sprintf("tm-%d-%d", c.epoch, c.started), slots)
	c.nodes = append(c.nodes, n)
	return n
}

// live are the nodes that are not dead.
func (c *cluster) live() (live []*node) {
	for _, n := range c.nodes {
		if !n.dead {
			live = append(live, n)
		}
	}
	return live
}
