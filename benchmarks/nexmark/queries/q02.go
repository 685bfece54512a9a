package queries

import "github.com/weir-stream/weir/api/stream"

// Q2Row is what was bid for one of the auctions looked for.
type Q2Row struct{ Auction, Price int64 }

// Q2 selects the bids for certain auctions.
func Q2(events stream.DataStream[Event]) stream.DataStream[Q2Row] {
	return stream.FlatMap(events, func(e Event, out stream.Collector[Q2Row]) error {
		if e.IsBid() && e.Bid.Auction%123 == 0 {
			out.Collect(Q2Row{e.Bid.Auction, e.Bid.Price})
		}
		return nil
	}).Name("Selected Bids")
}
