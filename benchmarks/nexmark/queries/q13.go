package queries

import (
	"strconv"

	"github.com/weir-stream/weir/api/stream"
)

// Q13Row is a bid with what the side input has for it.
type Q13Row struct {
	Auction, Bidder, Price, DateTime int64
	Value                            string
}

const sideInputKeys = 10_000

// Q13 enriches each bid from a bounded side input, which every subtask holds.
func Q13(events stream.DataStream[Event]) stream.DataStream[Q13Row] {
	side := make([]string, sideInputKeys)
	for key := range side {
		side[key] = strconv.Itoa(key)
	}
	return fromBids(events, func(b Bid) Q13Row {
		return Q13Row{b.Auction, b.Bidder, b.Price, b.DateTime, side[b.Auction%sideInputKeys]}
	})
}
