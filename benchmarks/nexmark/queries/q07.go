package queries

import (
	"iter"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
)

// Q7Row is a bid with the highest price of a window.
type Q7Row struct {
	Auction, Price, Bidder, DateTime int64
	Extra                            string
}

// highBid is a bid that may have the highest price of a window.
type highBid struct {
	Q7Row
	// Next says that the bid belongs to the next window: it does not count for the maximum, but is shown if it equals it.
	Next bool
}

const highestEvery = 10 * time.Second

// Q7 is the highest bids of every ten seconds. Both ends of a window belong to it: a bid at the very start of the next one is shown too
// if it is as high.
func Q7(events stream.DataStream[Event]) stream.DataStream[Q7Row] {
	high := stream.FlatMapWith(events, newHighBids).Name("Candidates")
	perWindow := stream.WindowAll(high, window.Tumbling(highestEvery))
	return stream.ProcessWindow[stream.All, highBid, Q7Row](perWindow, func() highestBids { return highestBids{} }).Name("Highest Bids").UID("highest")
}

func newHighBids() func(Event, stream.Collector[highBid]) error {
	const size = int64(highestEvery / time.Millisecond)
	var c candidates
	return func(e Event, out stream.Collector[highBid]) error {
		if !e.IsBid() {
			return nil
		}
		b := e.Bid
		start := b.DateTime - b.DateTime%size
		if c.add(start, b.Price) {
			out.Collect(highBid{Q7Row: q7Row(b)})
		}
		if b.DateTime == start && c.reaches(start-size, b.Price) {
			out.CollectAt(highBid{q7Row(b), true}, start-1) // the last millisecond of the window before
		}
		return nil
	}
}

func q7Row(b Bid) Q7Row { return Q7Row{b.Auction, b.Price, b.Bidder, b.DateTime, b.Extra} }

type highestBids struct{}

func (highestBids) Process(_ *stream.WindowContext[stream.All], bids iter.Seq[highBid], out stream.Collector[Q7Row]) error {
	highest := int64(0)
	for b := range bids {
		if !b.Next {
			highest = max(highest, b.Price)
		}
	}
	for b := range bids {
		if b.Price == highest {
			out.Collect(b.Q7Row)
		}
	}
	return nil
}
