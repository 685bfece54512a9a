package queries

import (
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
	"github.com/weir-stream/weir/state"
)

// Q16Row is the statistics of a channel on a day, and the last minute with a bid.
type Q16Row struct {
	Channel, Day, Minute string
	Statistics
}

type channelDay struct {
	Channel string
	Day     int64
}

type channelBid struct {
	Channel  string
	DateTime int64
	ranked
}

// Q16 counts the bids, the distinct bidders and the distinct auctions of each channel and day.
func Q16(events stream.DataStream[Event]) stream.DataStream[changelog.Change[Q16Row]] {
	bids := fromBids(events, func(b Bid) channelBid {
		return channelBid{b.Channel, b.DateTime, ranked{b.Auction, b.Bidder, b.Price}}
	})
	byChannel := stream.KeyBy(bids, func(b channelBid) channelDay { return channelDay{b.Channel, b.DateTime / millisPerDay} })
	return stream.Process[channelDay, channelBid, changelog.Change[Q16Row]](byChannel, func() *channelStatistics { return new(channelStatistics) }).
		Name("Statistics").UID("statistics")
}

type channelStatistics struct {
	counting
	Minute state.Value[int64] `state:"minute"`
	days   dayText
}

func (s *channelStatistics) Process(ctx *stream.KeyedContext[channelDay], b channelBid, out stream.Collector[changelog.Change[Q16Row]]) error {
	before, after := s.add(b.ranked)
	last, known := s.Minute.Get()
	minute := b.DateTime % millisPerDay / int64(time.Minute/time.Millisecond)
	if !known || minute > last {
		s.Minute.Set(minute)
	} else {
		minute = last
	}
	key := ctx.Key()
	day, kind := s.days.of(key.Day), changelog.Insert
	if known {
		out.Collect(changelog.Change[Q16Row]{Kind: changelog.UpdateBefore, Row: Q16Row{key.Channel, day, minuteTexts[last], before}})
		kind = changelog.UpdateAfter
	}
	out.Collect(changelog.Change[Q16Row]{Kind: kind, Row: Q16Row{key.Channel, day, minuteTexts[minute], after}})
	return nil
}

// minuteTexts has the minutes of a day as HH:mm.
var minuteTexts = func() (texts [24 * 60]string) {
	for i := range texts {
		texts[i] = time.Time{}.Add(time.Duration(i) * time.Minute).Format("15:04")
	}
	return texts
}()
