// Package cable is the network between the processes of a cluster on one machine, which can be cut.
//
// Each process is a node. It listens on an address of its own that nobody else is told of, and announces another one, on which a proxy listens in its
// place: every port that appears at the hidden address is mirrored at the announced one. Who has opened a connection is known from /proc.
package cable

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Node is a process with those that it has started, from 0.
type Node int

// State is what becomes of bytes on their way from one node to another.
type State uint8

// The states.
const (
	// Open lets them pass.
	Open State = iota
	// Held keeps them, and what is opened meanwhile, until another state comes; nobody is told.
	Held
	// Broken ends the connections, and refuses new ones.
	Broken
)

const (
	// announced is what the last byte of a node's announced address has more than that of its hidden one.
	announced = 100
	// most is how many nodes a network has; as many networks as fit below announced are apart from each other in one process.
	most = 20
	// look is the time between two looks at what processes listen on.
	look = 15 * time.Millisecond
)

// Network is all cables:
//
//	up --Close--> down, with all connections
//
// Its methods may be called from any goroutine.
type Network struct {
	nodes  int
	prefix string
	first  int // last byte of the first node's hidden address
	// owner returns the node of a process.
	owner func(pid int) (Node, bool)
	// processes returns the ids of all processes of all nodes.
	processes func() []int
	stop      context.CancelFunc
	running   sync.WaitGroup

	mu          sync.Mutex
	changed     *sync.Cond
	states      map[[2]Node]State
	listeners   map[address]net.Listener
	connections map[*connection]struct{}
	down        bool
	// strangers counts the connections of unknown processes.
	strangers int
}

// networks counts those that this process has made.
var networks atomic.Int32

// New returns the network of so many nodes, 20 at the most; without any, nothing is mirrored, and the hidden addresses are all there is. Processes returns the ids of all processes that belong to nodes, and owner the node of one.
func New(nodes int, processes func() []int, owner func(pid int) (Node, bool)) *Network {
	pid := os.Getpid()
	n := &Network{
		nodes: nodes, prefix: fmt.Sprintf("127.%d.%d.", 64+pid>>8&0x7f, pid&0xff), first: 1 + int(networks.Add(1)-1)*most%announced, owner: owner, processes: processes,
		states: map[[2]Node]State{}, listeners: map[address]net.Listener{}, connections: map[*connection]struct{}{},
	}
	n.changed = sync.NewCond(&n.mu)
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	if nodes > 0 {
		n.running.Go(func() { n.mirror(ctx) })
	}
	return n
}

// Hidden is the host on which a node listens.
func (n *Network) Hidden(of Node) string { return fmt.Sprint(n.prefix, n.first+int(of)) }

// Announced is the host by which others find a node.
func (n *Network) Announced(of Node) string { return fmt.Sprint(n.prefix, n.first+announced+int(of)) }

// Set changes what becomes of bytes from one node to another. To break one direction breaks connections, which have two.
func (n *Network) Set(from, to Node, s State) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.states[[2]Node{from, to}] = s
	if s == Broken {
		for c := range n.connections {
			if c.between(from, to) {
				c.close()
			}
		}
	}
	n.changed.Broadcast()
}

// Reset ends the connections that there are between two nodes.
func (n *Network) Reset(a, b Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.connections {
		if c.between(a, b) {
			c.close()
		}
	}
	n.changed.Broadcast()
}

// Strangers is how many connections were refused because nobody knew whose they were.
func (n *Network) Strangers() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.strangers
}

// Close ends everything.
func (n *Network) Close() {
	n.stop()
	n.mu.Lock()
	n.down = true
	for _, l := range n.listeners {
		l.Close()
	}
	for c := range n.connections {
		c.close()
	}
	n.changed.Broadcast()
	n.mu.Unlock()
	n.running.Wait()
}

// mirror keeps a listener for each one of the nodes.
func (n *Network) mirror(ctx context.Context) {
	for ctx.Err() == nil {
		if there, err := listening(); err == nil {
			n.adjust(there)
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
		}
	}
}

func (n *Network) adjust(there map[address]bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down {
		return
	}
	for of := range Node(n.nodes) {
		hidden := hostOf(n.Hidden(of))
		for a := range there {
			if a.host == hidden && n.listeners[a] == nil {
				n.listen(of, a)
			}
		}
	}
	for a, l := range n.listeners {
		if !there[a] {
			l.Close()
			delete(n.listeners, a)
		}
	}
}

func (n *Network) listen(of Node, at address) {
	l, err := net.Listen("tcp", fmt.Sprint(n.Announced(of), ":", at.port))
	if err != nil {
		return // the next look tries again
	}
	n.listeners[at] = l
	n.running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				if errors.Is(err, net.ErrClosed) {
					return
				}
				continue
			}
			n.running.Go(func() { n.serve(client, of, at) })
		}
	})
}

// serve carries one connection to its end.
func (n *Network) serve(client net.Conn, to Node, at address) {
	from, known := n.opener(client)
	c := &connection{network: n, from: from, to: to, client: client.(*net.TCPConn)}
	if !n.add(c, known) {
		c.abort()
		return
	}
	defer n.remove(c)
	if !n.pass(c, from, to) || !n.pass(c, to, from) {
		return
	}
	server, err := net.Dial("tcp", fmt.Sprint(n.Hidden(to), ":", at.port))
	if err != nil || !c.join(server.(*net.TCPConn)) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { c.pump(c.client, c.server, to, from) })
	c.pump(c.server, c.client, from, to)
	back.Wait()
}

// opener returns the node that has opened a connection.
func (n *Network) opener(client net.Conn) (Node, bool) {
	inode, err := socketOf(addressOf(client.RemoteAddr()), addressOf(client.LocalAddr()))
	if err != nil {
		return 0, false
	}
	for _, pid := range n.processes() {
		if holds(pid, inode) {
			return n.owner(pid)
		}
	}
	return 0, false
}

func (n *Network) add(c *connection, known bool) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !known {
		n.strangers++
	}
	if n.down || !known || n.states[[2]Node{c.from, c.to}] == Broken || n.states[[2]Node{c.to, c.from}] == Broken {
		return false
	}
	n.connections[c] = struct{}{}
	return true
}

func (n *Network) remove(c *connection) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.connections, c)
	c.close()
}

// pass waits until bytes may pass, and reports whether the connection is still there.
func (n *Network) pass(c *connection, from, to Node) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for !c.closed && n.states[[2]Node{from, to}] == Held {
		n.changed.Wait()
	}
	return !c.closed
}
