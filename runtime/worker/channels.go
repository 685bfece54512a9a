package worker

// Channels are queues between attempts that several hosts of one goroutine share, as if they were one: a simulation's data plane. One that a
// host has lost is never taken out by the other end, which waits until it is canceled.
type Channels struct{ queues map[channelKey]any }

// all returns the queues, new ones if nobody shares them.
func (c *Channels) all() map[channelKey]any {
	if c == nil {
		return map[channelKey]any{}
	}
	if c.queues == nil {
		c.queues = map[channelKey]any{}
	}
	return c.queues
}
