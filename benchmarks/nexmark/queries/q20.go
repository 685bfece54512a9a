package queries

import (
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/state"
)

// Item is an auction without its number.
type Item struct {
	ItemName, Description                                    string
	InitialBid, Reserve, DateTime, Expires, Seller, Category int64
	Extra                                                    string
}

func itemOf(a *Auction) Item {
	return Item{a.ItemName, a.Description, a.InitialBid, a.Reserve, a.DateTime, a.Expires, a.Seller, a.Category, a.Extra}
}

// Q20Row is a bid with the item that it is for.
type Q20Row struct {
	Bid  Bid
	Item Item
}

// tender is an auction, if it has one, or a bid.
type tender struct {
	Auction *Auction
	Bid     Bid
}

// Q20 expands each bid for an item of category 10 with the item.
func Q20(events stream.DataStream[Event]) stream.DataStream[Q20Row] {
	tenders := stream.FlatMap(events, func(e Event, out stream.Collector[tender]) error {
		switch {
		case e.Auction != nil:
			out.Collect(tender{Auction: e.Auction, Bid: Bid{Auction: e.Auction.ID}})
		case e.Person == nil:
			out.Collect(tender{Bid: e.Bid})
		}
		return nil
	}).Name("Tenders")
	byAuction := stream.KeyBy(tenders, func(t tender) int64 { return t.Bid.Auction })
	return stream.Process[int64, tender, Q20Row](byAuction, func() *expandBids { return new(expandBids) }).Name("Join").UID("join")
}

// expandBids keeps the items of category 10, of other auctions only that they have come, and bids until their auction comes.
type expandBids struct {
	Auction state.Value[interest] `state:"auction"`
	Item    state.Value[Item]     `state:"item"`
	Early   state.List[Bid]       `state:"early"`
}

// interest says whether the bids of an auction that has come are wanted.
type interest struct{ Wanted bool }

func (e *expandBids) Process(_ *stream.KeyedContext[int64], t tender, out stream.Collector[Q20Row]) error {
	if t.Auction == nil {
		auction, known := e.Auction.Get()
		switch {
		case !known:
			e.Early.Add(t.Bid)
		case auction.Wanted:
			item, _ := e.Item.Get()
			out.Collect(Q20Row{t.Bid, item})
		}
		return nil
	}
	wanted := t.Auction.Category == 10
	e.Auction.Set(interest{wanted})
	if wanted {
		item := itemOf(t.Auction)
		e.Item.Set(item)
		for bid := range e.Early.Get() {
			out.Collect(Q20Row{bid, item})
		}
	}
	e.Early.Clear()
	return nil
}
