package queries

import "github.com/weir-stream/weir/api/stream"

// Q0Row is a bid without its channel.
type Q0Row struct {
	Auction, Bidder, Price, DateTime int64
	Extra                            string
}

// Q0 passes all bids: it measures what moving them costs.
func Q0(events stream.DataStream[Event]) stream.DataStream[Q0Row] {
	return fromBids(events, func(b Bid) Q0Row {
		return Q0Row{b.Auction, b.Bidder, b.Price, b.DateTime, b.Extra}
	})
}
