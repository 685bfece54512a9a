package queries

import (
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
	"github.com/weir-stream/weir/state"
)

// Q4Row is the average of the winning bids of a category.
type Q4Row struct{ Category, Average int64 }

// offer is an auction, if it has a category, or a bid.
type offer struct {
	Auction, DateTime int64
	Price             int64 // of a bid
	Expires, Category int64 // of an auction
}

// raise is a rise of an auction's highest bid. Before is 0 for the first one.
type raise struct{ Category, Before, After int64 }

// Q4 is the average, by category, of the highest bids of all auctions.
func Q4(events stream.DataStream[Event]) stream.DataStream[changelog.Change[Q4Row]] {
	offers := stream.FlatMap(events, func(e Event, out stream.Collector[offer]) error {
		switch {
		case e.Auction != nil:
			out.Collect(offer{Auction: e.Auction.ID, DateTime: e.Auction.DateTime, Expires: e.Auction.Expires, Category: e.Auction.Category})
		case e.Person == nil:
			out.Collect(offer{Auction: e.Bid.Auction, DateTime: e.Bid.DateTime, Price: e.Bid.Price})
		}
		return nil
	}).Name("Offers")
	byAuction := stream.KeyBy(offers, func(o offer) int64 { return o.Auction })
	raises := stream.Process[int64, offer, raise](byAuction, func() *highestBid { return new(highestBid) }).Name("Highest Bid").UID("highest")
	byCategory := stream.KeyBy(raises, func(r raise) int64 { return r.Category })
	return stream.Process[int64, raise, changelog.Change[Q4Row]](byCategory, func() *averagePrice { return new(averagePrice) }).Name("Average").UID("average")
}

// highestBid keeps an auction with its highest bid, and bids only until their auction comes.
type highestBid struct {
	Auction state.Value[openAuction] `state:"auction"`
	Early   state.List[earlyBid]     `state:"early"`
}

type openAuction struct{ DateTime, Expires, Category, Highest int64 }

type earlyBid struct{ DateTime, Price int64 }

func (h *highestBid) Process(_ *stream.KeyedContext[int64], o offer, out stream.Collector[raise]) error {
	if o.Category != 0 {
		a := openAuction{DateTime: o.DateTime, Expires: o.Expires, Category: o.Category}
		for bid := range h.Early.Get() {
			a.take(bid, out)
		}
		h.Early.Clear()
		h.Auction.Set(a)
		return nil
	}
	bid := earlyBid{o.DateTime, o.Price}
	a, ok := h.Auction.Get()
	if !ok {
		h.Early.Add(bid)
	} else if a.take(bid, out) {
		h.Auction.Set(a)
	}
	return nil
}

// take reports whether the bid is the highest so far.
func (a *openAuction) take(bid earlyBid, out stream.Collector[raise]) bool {
	if bid.DateTime < a.DateTime || bid.DateTime > a.Expires || bid.Price <= a.Highest {
		return false
	}
	out.Collect(raise{a.Category, a.Highest, bid.Price})
	a.Highest = bid.Price
	return true
}

// averagePrice keeps the sum of the highest bids of a category. A raise takes the former highest bid back and adds the new one.
type averagePrice struct {
	Total state.Value[total] `state:"total"`
}

type total struct{ Sum, Count int64 }

func (p *averagePrice) Process(_ *stream.KeyedContext[int64], r raise, out stream.Collector[changelog.Change[Q4Row]]) error {
	t, known := p.Total.Get()
	before := t
	t.Sum += r.After - r.Before
	if r.Before == 0 {
		t.Count++
	}
	p.Total.Set(t)
	now := Q4Row{r.Category, t.Sum / t.Count}
	if !known {
		out.Collect(changelog.Change[Q4Row]{Kind: changelog.Insert, Row: now})
	} else if was := before.Sum / before.Count; was != now.Average {
		out.Collect(changelog.Change[Q4Row]{Kind: changelog.UpdateBefore, Row: Q4Row{r.Category, was}})
		out.Collect(changelog.Change[Q4Row]{Kind: changelog.UpdateAfter, Row: now})
	}
	return nil
}
