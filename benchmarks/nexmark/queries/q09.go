package queries

import (
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
	"github.com/weir-stream/weir/state"
)

// Q9Row is an auction with the bid that wins it.
type Q9Row struct {
	Auction Auction
	Bid     winner
}

// winner is what Q9 shows of a bid.
type winner struct {
	Auction, Bidder, Price, DateTime int64
	Extra                            string
}

// entry is an auction, if it has one, or a bid for the auction of a number.
type entry struct {
	Auction *Auction
	Bid     winner
}

// Q9 is the winning bid of each auction: the highest, of equal ones the earliest.
func Q9(events stream.DataStream[Event]) stream.DataStream[changelog.Change[Q9Row]] {
	entries := stream.FlatMap(events, func(e Event, out stream.Collector[entry]) error {
		switch {
		case e.Auction != nil:
			out.Collect(entry{Auction: e.Auction, Bid: winner{Auction: e.Auction.ID}})
		case e.Person == nil:
			out.Collect(entry{Bid: winner{e.Bid.Auction, e.Bid.Bidder, e.Bid.Price, e.Bid.DateTime, e.Bid.Extra}})
		}
		return nil
	}).Name("Entries")
	byAuction := stream.KeyBy(entries, func(e entry) int64 { return e.Bid.Auction })
	return stream.Process[int64, entry, changelog.Change[Q9Row]](byAuction, func() *winningBid { return new(winningBid) }).Name("Winning Bid").UID("winner")
}

// winningBid keeps what every bid is compared with apart from what only a new winner needs.
type winningBid struct {
	Best    state.Value[bestBid] `state:"best"`
	Extra   state.Value[string]  `state:"extra"`
	Auction state.Value[Auction] `state:"auction"`
	Early   state.List[winner]   `state:"early"`
}

// bestBid is an auction's times and its best bid, if Price is not 0.
type bestBid struct{ Begins, Expires, Price, DateTime, Bidder int64 }

func (w *winningBid) Process(_ *stream.KeyedContext[int64], e entry, out stream.Collector[changelog.Change[Q9Row]]) error {
	if e.Auction != nil {
		w.Best.Set(bestBid{Begins: e.Auction.DateTime, Expires: e.Auction.Expires})
		w.Auction.Set(*e.Auction)
		for bid := range w.Early.Get() {
			w.take(bid, out)
		}
		w.Early.Clear()
		return nil
	}
	w.take(e.Bid, out)
	return nil
}

func (w *winningBid) take(bid winner, out stream.Collector[changelog.Change[Q9Row]]) {
	best, ok := w.Best.Get()
	switch {
	case !ok:
		w.Early.Add(bid)
		return
	case bid.DateTime < best.Begins || bid.DateTime > best.Expires:
		return
	case bid.Price < best.Price || bid.Price == best.Price && bid.DateTime >= best.DateTime:
		return
	}
	auction, _ := w.Auction.Get()
	kind := changelog.Insert
	if best.Price != 0 {
		extra, _ := w.Extra.Get()
		out.Collect(changelog.Change[Q9Row]{Kind: changelog.UpdateBefore, Row: Q9Row{auction, winner{bid.Auction, best.Bidder, best.Price, best.DateTime, extra}}})
		kind = changelog.UpdateAfter
	}
	out.Collect(changelog.Change[Q9Row]{Kind: kind, Row: Q9Row{auction, bid}})
	w.Best.Set(bestBid{best.Begins, best.Expires, bid.Price, bid.DateTime, bid.Bidder})
	w.Extra.Set(bid.Extra)
}
