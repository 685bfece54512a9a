package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
)

var errStruck = errors.New("struck by the simulation")

// strike is called by user code of an operator: it fails if that is what is to happen there next, and sometimes takes its time.
func (w *World) strike(operator string) error {
	if w.fuse == operator {
		w.fuse = ""
		if w.random.chance(0.3) {
			panic(errStruck)
		}
		return errStruck
	}
	if !w.calm && w.running != nil && w.random.chance(w.plan.paused) {
		w.running.process.pause(w.random.between(0, 50*time.Millisecond))
	}
	return nil
}

// befall lets a disaster happen to the newest cluster.
func (w *World) befall(k disasterKind) {
	if w.book.history.Ended != "" {
		return
	}
	w.note("disaster: %s", k)
	w.counts.Disasters[k]++
	c := w.current()
	nodes := c.live()
	switch k {
	case taskFails:
		w.fuse = of(w.random, "left", "right", "count", "sink", "audit")
	case workerDies:
		if n := nodes[w.random.below(len(nodes))]; n.worker != nil && !n.worker.dead {
			n.worker.crash()
		}
	case nodeDies:
		w.killNode(c, nodes[w.random.below(len(nodes))])
	case leaderDies:
		c.leader.kill()
		w.tear()
		w.succeed(c, w.random.between(10*time.Millisecond, 2*time.Second))
	case leaderFreezes:
		w.freeze(c.leader)
	case leaderDeposed:
		w.succeed(c, 0)
	}
}

// killNode ends a node and starts another one.
func (w *World) killNode(c *cluster, n *node) {
	w.endNode(n)
	if w.plan.adaptive {
		c.addNode(1)
	} else {
		c.addNode(w.plan.parallelism + 2)
	}
	w.tellGone(c, n)
}

func (w *World) endNode(n *node) {
	n.kill()
	if n.worker != nil {
		n.worker.kill()
	}
}

// tellGone tells the leader of a node's end, sometimes.
func (w *World) tellGone(c *cluster, n *node) {
	if w.random.chance(0.5) {
		c.leader.later(w.random.between(0, 50*time.Millisecond), func() {
			c.leader.manager.Gone(w.now(), n.address.Key())
			if c.leader.master != nil {
				c.leader.master.Gone(w.now(), n.address.Key())
			}
			c.leader.act()
		})
	}
}

// freeze stops a leader. Others take over, and later it goes on as if nothing had happened.
func (w *World) freeze(l *leader) {
	if l.dead || l.frozen {
		return
	}
	w.counts.Frozen++
	w.note("%s freezes", l.name)
	l.freeze()
	w.succeed(l.cluster, w.random.between(100*time.Millisecond, 2*time.Second))
	if w.random.chance(0.6) { // two successors
		w.after(w.random.between(2*time.Second, 4*time.Second), func() {
			if c := w.current(); c.leader != l && !w.calm && !c.leader.dead && w.book.history.Ended == "" {
				w.note("%s ends", c.leader.name)
				c.leader.kill()
				w.succeed(c, w.random.between(10*time.Millisecond, 500*time.Millisecond))
			}
		})
	}
	thaw := w.random.between(time.Second, 10*time.Second)
	w.thaws = later(w.thaws, w.now().Add(thaw))
	w.after(thaw, func() {
		w.note("%s thaws", l.name)
		l.thaw()
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// tear damages the newest checkpoint of a leader that has died, as a crash of the machine may that had it in its cache: if tasks were not
// told of it, and will not be by something that a leader has asked the store for or, having been deposed and not yet fenced, may still ask for.
func (w *World) tear() {
	latest := w.book.history.Latest()
	if latest == nil || latest.Told || slices.ContainsFunc(w.clusters, mayWrite) || !w.random.chance(w.plan.torn) {
		return
	}
	name := w.book.path(latest.MetadataFile())
	body, err := w.store.Read(context.Background(), name)
	if err != nil || len(body) == 0 {
		return
	}
	w.note("%s is torn", name)
	w.counts.Torn++
	if _, err := w.store.Put(context.Background(), name, storage.Bytes(body[:w.random.below(len(body))])); err != nil {
		panic(fmt.Sprint("sim: ", err))
	}
}

func mayWrite(c *cluster) bool { return !c.leader.dead || c.leader.store.writing > 0 }
