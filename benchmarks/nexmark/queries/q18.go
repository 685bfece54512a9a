package queries

import (
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
	"github.com/weir-stream/weir/state"
)

type bidderAuction struct{ Bidder, Auction int64 }

// Q18 is the last bid of each bidder for each auction; of bids of one time it is the one that came last.
func Q18(events stream.DataStream[Event]) stream.DataStream[changelog.Change[Bid]] {
	bids := fromBids(events, func(b Bid) Bid { return b })
	byBidder := stream.KeyBy(bids, func(b Bid) bidderAuction { return bidderAuction{b.Bidder, b.Auction} })
	return stream.Process[bidderAuction, Bid, changelog.Change[Bid]](byBidder, func() *lastBid { return new(lastBid) }).Name("Last Bid").UID("last")
}

type lastBid struct {
	Last state.Value[keptBid] `state:"last"`
}

func (l *lastBid) Process(_ *stream.KeyedContext[bidderAuction], b Bid, out stream.Collector[changelog.Change[Bid]]) error {
	kind := changelog.Insert
	if last, ok := l.Last.Get(); ok {
		if b.DateTime < last.DateTime {
			return nil
		}
		out.Collect(changelog.Change[Bid]{Kind: changelog.UpdateBefore, Row: last.Bid})
		kind = changelog.UpdateAfter
	}
	l.Last.Set(keptBid{b})
	out.Collect(changelog.Change[Bid]{Kind: kind, Row: b})
	return nil
}
