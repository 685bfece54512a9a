package queries

import (
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
	"github.com/weir-stream/weir/state"
)

// Q17Row is the statistics of an auction on a day.
type Q17Row struct {
	Auction int64
	Day     string
	Bids    Tally

	MinPrice, MaxPrice, AveragePrice, SumPrice int64
}

type auctionDay struct{ Auction, Day int64 }

type auctionPrice struct {
	auctionDay
	Price int64
}

// Q17 counts the bids and summarizes the prices of each auction and day.
func Q17(events stream.DataStream[Event]) stream.DataStream[changelog.Change[Q17Row]] {
	bids := fromBids(events, func(b Bid) auctionPrice {
		return auctionPrice{auctionDay{b.Auction, b.DateTime / millisPerDay}, b.Price}
	})
	byAuction := stream.KeyBy(bids, func(b auctionPrice) auctionDay { return b.auctionDay })
	return stream.Process[auctionDay, auctionPrice, changelog.Change[Q17Row]](byAuction, func() *auctionStatistics { return new(auctionStatistics) }).
		Name("Statistics").UID("statistics")
}

type auctionStatistics struct {
	Prices state.Value[prices] `state:"prices"`
	days   dayText
}

// prices is 56 bytes, so that it is kept in place.
type prices struct {
	Bids          Tally
	Min, Max, Sum int64
}

func (s *auctionStatistics) Process(_ *stream.KeyedContext[auctionDay], b auctionPrice, out stream.Collector[changelog.Change[Q17Row]]) error {
	before, known := s.Prices.Get()
	after := before
	after.Bids.add(rank(b.Price), true, true)
	after.Sum += b.Price
	after.Min, after.Max = min(after.Min, b.Price), max(after.Max, b.Price)
	kind, day := changelog.UpdateAfter, s.days.of(b.Day)
	if known {
		out.Collect(changelog.Change[Q17Row]{Kind: changelog.UpdateBefore, Row: before.row(b.Auction, day)})
	} else {
		kind, after.Min = changelog.Insert, b.Price
	}
	s.Prices.Set(after)
	out.Collect(changelog.Change[Q17Row]{Kind: kind, Row: after.row(b.Auction, day)})
	return nil
}

func (p *prices) row(auction int64, day string) Q17Row {
	return Q17Row{auction, day, p.Bids, p.Min, p.Max, p.Sum / p.Bids.Total, p.Sum}
}
