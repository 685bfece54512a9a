package transport

import "github.com/weir-stream/weir/runtime/metrics"

// counts are the figures of a transport.
type counts struct {
	bytesIn, bytesOut, framesIn, framesOut *metrics.SharedCounter
	// refused counts handshakes by why they failed, broken connections by why they broke.
	refused [refusals]*metrics.SharedCounter
	broken  map[breach]*metrics.SharedCounter
}

func newCounts(group *metrics.Group) *counts {
	c := &counts{
		bytesIn: group.SharedCounter("numBytesInRemote"), bytesOut: group.SharedCounter("numBytesOutRemote"),
		framesIn: group.SharedCounter("numBuffersInRemote"), framesOut: group.SharedCounter("numBuffersOutRemote"),
		broken: map[breach]*metrics.SharedCounter{},
	}
	for r := range refusals {
		c.refused[r] = group.AddPair("reason", r.String()).SharedCounter("numRefusedConnections")
	}
	for _, b := range breaches {
		c.broken[b] = group.AddPair("reason", string(b)).SharedCounter("numBrokenConnections")
	}
	return c
}
