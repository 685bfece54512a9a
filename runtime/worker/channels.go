package worker

import (
	"fmt"

	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/graph"
)

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

// inputChannel returns the queue from an attempt to t's: the one that both share if that is of this worker, or the consuming end of one
// from the worker at location.
func (h *Host) inputChannel(t *hosted, edge *graph.JobEdge, location string, key channelKey) (any, error) {
	if location == "" {
		return h.channel(edge, key), nil
	}
	if h.config.Network == nil {
		return nil, errNoNetwork(edge, location)
	}
	receiver, err := h.config.Network.Receive(location, h.networkKey(key), h.config.Settings.Limits.Credits)
	if err != nil {
		return nil, fmt.Errorf("edge %s: %w", edgeName(edge), err)
	}
	t.receivers = append(t.receivers, receiver)
	return edge.Stream.Type.NewReceivingChannel(receiver, edgeName(edge))
}

// outputChannel is inputChannel for the queue from t's attempt. If its connection breaks the attempt fails.
func (h *Host) outputChannel(t *hosted, edge *graph.JobEdge, location string, key channelKey) (any, error) {
	if location == "" {
		return h.channel(edge, key), nil
	}
	if h.config.Network == nil {
		return nil, errNoNetwork(edge, location)
	}
	sender, err := h.config.Network.Send(location, h.networkKey(key), func(err error) {
		h.loop.do(func() {
			if t.task != nil {
				t.task.Fail(err)
			}
		})
	})
	if err != nil {
		return nil, fmt.Errorf("edge %s: %w", edgeName(edge), err)
	}
	t.senders = append(t.senders, sender)
	return edge.Stream.Type.NewSendingChannel(sender, edgeName(edge))
}

func errNoNetwork(edge *graph.JobEdge, location string) error {
	return fmt.Errorf("edge %s leads to the worker at %s, and this worker has no data plane: it was started for jobs of one process", edgeName(edge), location)
}

func edgeName(e *graph.JobEdge) string { return e.From.Name + " -> " + e.To.Name }

// networkKey names a channel for the transport. The epoch is in it because another leader counts attempts anew.
func (h *Host) networkKey(key channelKey) transport.ChannelKey {
	return transport.ChannelKey{
		Epoch: h.epoch, Edge: int32(key.edge), Producer: int32(key.producer), ProducerAttempt: key.producerTry,
		Consumer: int32(key.consumer), ConsumerAttempt: key.consumerTry,
	}
}

// closeChannels gives up the ends of channels to other workers. What an attempt that has finished sent is still delivered.
func (t *hosted) closeChannels(finished bool) {
	for _, s := range t.senders {
		s.Close(finished)
	}
	for _, r := range t.receivers {
		r.Close()
	}
	t.senders, t.receivers = nil, nil
}
