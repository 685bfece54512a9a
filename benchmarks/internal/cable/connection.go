package cable

import (
	"errors"
	"io"
	"net"
)

// connection is one that goes through the proxy:
//
//	accepted --the server is reached--> joined --an end closes, the cable breaks--> closed
type connection struct {
	network  *Network
	from, to Node
	client   *net.TCPConn
	// server and closed are guarded by the network's lock; server is nil until the connection is joined.
	server *net.TCPConn
	closed bool
}

func (c *connection) between(a, b Node) bool {
	return c.from == a && c.to == b || c.from == b && c.to == a
}

// join notes the other end, unless the connection has been closed.
func (c *connection) join(server *net.TCPConn) bool {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if c.closed {
		server.Close()
		return false
	}
	c.server = server
	return true
}

// abort refuses the connection.
func (c *connection) abort() {
	_ = c.client.SetLinger(0)
	c.client.Close()
}

// close ends both sides. The network's lock is held.
func (c *connection) close() {
	if c.closed {
		return
	}
	c.closed = true
	c.abort()
	if c.server != nil {
		c.server.Close()
	}
	c.network.changed.Broadcast()
}

// pump carries bytes one way, until an end has come. What comes while the way is held waits, and so does the end.
func (c *connection) pump(to, from *net.TCPConn, sender, receiver Node) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if !c.network.pass(c, sender, receiver) {
			return
		}
		if n > 0 {
			if _, broken := to.Write(buffer[:n]); broken != nil {
				break
			}
		}
		if errors.Is(err, io.EOF) {
			_ = to.CloseWrite() // the other way may still be in use
			return
		}
		if err != nil {
			break
		}
	}
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	c.close()
}
