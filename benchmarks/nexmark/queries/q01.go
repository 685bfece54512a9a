package queries

import "github.com/weir-stream/weir/api/stream"

// Q1Row is a bid in euros.
type Q1Row struct {
	Auction, Bidder int64
	Price           Decimal
	DateTime        int64
	Extra           string
}

// Q1 converts the currency of all bids.
func Q1(events stream.DataStream[Event]) stream.DataStream[Q1Row] {
	return fromBids(events, func(b Bid) Q1Row {
		return Q1Row{b.Auction, b.Bidder, euros(b.Price), b.DateTime, b.Extra}
	})
}
