package queries

import (
	"iter"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
)

// BidderRow is the number of bids of a bidder from Start to before End.
type BidderRow struct{ Bidder, Bids, Start, End int64 }

// Q11 counts the bids of each session of a bidder: bids with at most ten seconds between them.
func Q11(events stream.DataStream[Event]) stream.DataStream[BidderRow] {
	return perBidder(events, window.Session(10*time.Second))
}

// perBidder counts the bids of each bidder and window.
func perBidder(events stream.DataStream[Event], windows window.Assigner) stream.DataStream[BidderRow] {
	bidders := fromBids(events, func(b Bid) int64 { return b.Bidder })
	byBidder := stream.KeyBy(bidders, func(bidder int64) int64 { return bidder })
	return stream.AggregateWith[int64, int64, int64, int64, BidderRow](
		stream.Window(byBidder, windows), window.Count[int64](), func() bidderRows { return bidderRows{} }).Name("Bids per Bidder").UID("counts")
}

type bidderRows struct{}

func (bidderRows) Process(ctx *stream.WindowContext[int64], counts iter.Seq[int64], out stream.Collector[BidderRow]) error {
	for count := range counts {
		out.Collect(BidderRow{ctx.Key(), count, ctx.Window().Start, ctx.Window().End})
	}
	return nil
}
