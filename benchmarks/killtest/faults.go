package main

import (
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/cable"
	"github.com/weir-stream/weir/benchmarks/internal/fleet"
)

// fault is a kind of harm to a cluster.
type fault string

// The faults. What is short lasts less than heartbeat.timeout, what is long lasts longer.
const (
	killWorker            fault = "worker killed"
	killTaskManager       fault = "TaskManager killed"
	killJobManager        fault = "JobManager killed, the job submitted again to the next"
	freezeWorker          fault = "worker frozen and woken"
	freezeShort           fault = "TaskManager alone frozen, woken before the timeout"
	freezeLong            fault = "TaskManager alone frozen, its workers alive, woken after the timeout"
	freezeAllShort        fault = "TaskManager frozen with its workers, woken before the timeout"
	freezeAllLong         fault = "TaskManager frozen with its workers, woken after the timeout"
	freezeJobManagerShort fault = "JobManager frozen, woken before the timeout"
	freezeJobManagerLong  fault = "JobManager frozen, woken after the timeout"
	holdShort             fault = "JobManager and TaskManager cut off from each other, healed before the timeout"
	holdLong              fault = "JobManager and TaskManager cut off from each other, healed after the timeout"
	holdFromMaster        fault = "TaskManager hears nothing of the JobManager, which hears it"
	holdToMaster          fault = "JobManager hears nothing of a TaskManager, which hears it"
	breakMaster           fault = "connections of JobManager and TaskManager broken, new ones refused"
	resetMaster           fault = "connections of JobManager and TaskManager reset"
	holdPeersShort        fault = "TaskManagers cut off from each other, healed before the timeout"
	holdPeersLong         fault = "TaskManagers cut off from each other, healed after the timeout"
	holdOnePeer           fault = "TaskManagers cut off from each other one way"
	breakPeers            fault = "connections of TaskManagers broken, new ones refused"
	isolate               fault = "TaskManager cut off from all others, healed after the timeout"
)

// faults are all of them.
var faults = []fault{
	killWorker, killTaskManager, killJobManager, freezeWorker, freezeShort, freezeLong, freezeAllShort, freezeAllLong, freezeJobManagerShort, freezeJobManagerLong,
	holdShort, holdLong, holdFromMaster, holdToMaster, breakMaster, resetMaster, holdPeersShort, holdPeersLong, holdOnePeer, breakPeers, isolate,
}

// deck deals out faults in random order, none for the n-th time before each has come n-1 times.
type deck struct {
	random *rand.Rand
	left   []fault
}

func (d *deck) next() fault {
	if len(d.left) == 0 {
		d.left = append(d.left, faults...)
		d.random.Shuffle(len(d.left), func(a, b int) { d.left[a], d.left[b] = d.left[b], d.left[a] })
	}
	f := d.left[0]
	d.left = d.left[1:]
	return f
}

// lasts is how long a fault lasts that is undone.
func (f fault) lasts(timeout time.Duration, random *rand.Rand) time.Duration {
	part := func(of time.Duration) time.Duration { return time.Duration(random.Int64N(int64(of))) }
	switch f {
	case freezeShort, freezeAllShort, freezeJobManagerShort, holdShort, holdPeersShort:
		return timeout/10 + part(timeout/2)
	case freezeWorker, holdFromMaster, holdToMaster, breakMaster, holdOnePeer, breakPeers:
		return timeout/5 + part(2*timeout)
	}
	return timeout*5/4 + part(timeout)
}

// suffer has a fault befall the cluster, and returns what undoes it: nil if there is nothing to undo. It reports whether there was something to harm.
func (c *campaign) suffer(f fault) (undo func(), done bool) {
	node, known := c.someTaskManager()
	if !known && f != killJobManager && f != freezeJobManagerShort && f != freezeJobManagerLong {
		return nil, false
	}
	other := 1 + (node+cable.Node(c.random.IntN(c.taskManagers-1)))%cable.Node(c.taskManagers)
	switch f {
	case killWorker, freezeWorker:
		pid, there := c.someWorker()
		if !there {
			return nil, false
		}
		if f == freezeWorker {
			return c.freeze(pid), true
		}
		fleet.Signal(syscall.SIGKILL, pid)
		return nil, true
	case killTaskManager:
		return c.killTaskManager(node), true
	case killJobManager:
		return nil, c.killJobManager()
	case freezeShort, freezeLong:
		return c.freeze(c.fleet.Process(node).PID()), true
	case freezeAllShort, freezeAllLong:
		p := c.fleet.Process(node)
		return c.freeze(append([]int{p.PID()}, p.Children()...)...), true
	case freezeJobManagerShort, freezeJobManagerLong:
		c.deaf = true
		thaw := c.freeze(c.fleet.Process(fleet.Master).PID())
		return func() { thaw(); c.deaf = false }, true
	case holdShort, holdLong:
		return c.cut(cable.Held, [2]cable.Node{fleet.Master, node}, [2]cable.Node{node, fleet.Master}), true
	case holdFromMaster:
		return c.cut(cable.Held, [2]cable.Node{fleet.Master, node}), true
	case holdToMaster:
		return c.cut(cable.Held, [2]cable.Node{node, fleet.Master}), true
	case breakMaster:
		return c.cut(cable.Broken, [2]cable.Node{fleet.Master, node}), true
	case resetMaster:
		c.fleet.Network.Reset(fleet.Master, node)
		return nil, true
	case holdPeersShort, holdPeersLong:
		return c.cut(cable.Held, [2]cable.Node{other, node}, [2]cable.Node{node, other}), true
	case holdOnePeer:
		return c.cut(cable.Held, [2]cable.Node{node, other}), true
	case breakPeers:
		return c.cut(cable.Broken, [2]cable.Node{node, other}), true
	case isolate:
		var ways [][2]cable.Node
		for others := range cable.Node(1 + c.taskManagers) {
			if others != node {
				ways = append(ways, [2]cable.Node{node, others}, [2]cable.Node{others, node})
			}
		}
		return c.cut(cable.Held, ways...), true
	}
	panic("killtest: " + string(f) + " is not known")
}

// freeze stops processes, and returns what wakes them.
func (c *campaign) freeze(pids ...int) func() {
	fleet.Signal(syscall.SIGSTOP, pids...)
	return func() { fleet.Signal(syscall.SIGCONT, pids...) }
}

// cut cuts cables, and returns what heals them: what was held comes late, or never, because the connections are reset first.
func (c *campaign) cut(s cable.State, ways ...[2]cable.Node) func() {
	for _, w := range ways {
		c.fleet.Network.Set(w[0], w[1], s)
	}
	lost := c.random.IntN(2) == 0
	return func() {
		for _, w := range ways {
			if lost {
				c.fleet.Network.Reset(w[0], w[1])
			}
			c.fleet.Network.Set(w[0], w[1], cable.Open)
		}
	}
}

// killTaskManager kills a TaskManager, and returns what starts the next in its place.
func (c *campaign) killTaskManager(node cable.Node) func() {
	workers := c.fleet.Process(node).Children()
	c.fleet.Kill(node)
	c.orphans = append(c.orphans, workers...)
	return func() { c.note(c.fleet.Start(node)) }
}

func (c *campaign) someTaskManager() (cable.Node, bool) {
	nodes := c.fleet.TaskManagers()
	if len(nodes) == 0 {
		return 0, false
	}
	return nodes[c.random.IntN(len(nodes))], true
}

func (c *campaign) someWorker() (pid int, there bool) {
	var pids []int
	for _, node := range c.fleet.TaskManagers() {
		pids = append(pids, c.fleet.Process(node).Children()...)
	}
	if len(pids) == 0 {
		return 0, false
	}
	return pids[c.random.IntN(len(pids))], true
}
