package queries

import (
	"iter"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
)

// Q5Row is an auction that had the most bids in a window, and their number.
type Q5Row struct{ Auction, Bids int64 }

// bidCount is the number of an auction's bids in the window that ends at End.
type bidCount struct{ Auction, Bids, End int64 }

const (
	hotFor   = 10 * time.Second
	hotEvery = 2 * time.Second
)

// Q5 is the auctions with the most bids of the last ten seconds, every two seconds.
func Q5(events stream.DataStream[Event]) stream.DataStream[Q5Row] {
	auctions := fromBids(events, func(b Bid) int64 { return b.Auction })
	byAuction := stream.KeyBy(auctions, func(auction int64) int64 { return auction })
	counts := stream.AggregateWith[int64, int64, int64, int64, bidCount](
		stream.Window(byAuction, window.Sliding(hotFor, hotEvery)), window.Count[int64](), func() countBids { return countBids{} }).Name("Bids per Auction").UID("counts")

	hot := stream.FilterWith(counts, func() func(bidCount) bool {
		var c candidates
		return func(count bidCount) bool { return c.add(count.End, count.Bids) }
	}).Name("Candidates")
	// The counts of a window have the time of its last millisecond, so that two seconds hold those of one window.
	perWindow := stream.WindowAll(hot, window.Tumbling(hotEvery))
	return stream.ProcessWindow[stream.All, bidCount, Q5Row](perWindow, func() hottest { return hottest{} }).Name("Hottest Auctions").UID("hottest")
}

type countBids struct{}

func (countBids) Process(ctx *stream.WindowContext[int64], counts iter.Seq[int64], out stream.Collector[bidCount]) error {
	for count := range counts {
		out.Collect(bidCount{ctx.Key(), count, ctx.Window().End})
	}
	return nil
}

type hottest struct{}

func (hottest) Process(_ *stream.WindowContext[stream.All], counts iter.Seq[bidCount], out stream.Collector[Q5Row]) error {
	most := int64(0)
	for c := range counts {
		most = max(most, c.Bids)
	}
	for c := range counts {
		if c.Bids == most {
			out.Collect(Q5Row{c.Auction, c.Bids})
		}
	}
	return nil
}
