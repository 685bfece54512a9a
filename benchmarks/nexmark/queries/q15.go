package queries

import (
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
)

// Q15Row is the statistics of a day.
type Q15Row struct {
	Day string
	Statistics
}

type dayBid struct {
	Day int64
	ranked
}

// Q15 counts the bids, the distinct bidders and the distinct auctions of each day.
func Q15(events stream.DataStream[Event]) stream.DataStream[changelog.Change[Q15Row]] {
	bids := fromBids(events, func(b Bid) dayBid {
		return dayBid{b.DateTime / millisPerDay, ranked{b.Auction, b.Bidder, b.Price}}
	})
	byDay := stream.KeyBy(bids, func(b dayBid) int64 { return b.Day })
	return stream.Process[int64, dayBid, changelog.Change[Q15Row]](byDay, func() *dayStatistics { return new(dayStatistics) }).Name("Statistics").UID("statistics")
}

type dayStatistics struct {
	counting
	days dayText
}

func (s *dayStatistics) Process(_ *stream.KeyedContext[int64], b dayBid, out stream.Collector[changelog.Change[Q15Row]]) error {
	before, after := s.add(b.ranked)
	day, kind := s.days.of(b.Day), changelog.Insert
	if before.Bids.Total > 0 {
		out.Collect(changelog.Change[Q15Row]{Kind: changelog.UpdateBefore, Row: Q15Row{day, before}})
		kind = changelog.UpdateAfter
	}
	out.Collect(changelog.Change[Q15Row]{Kind: kind, Row: Q15Row{day, after}})
	return nil
}
