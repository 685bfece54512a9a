package queries

import "github.com/weir-stream/weir/state"

// Tally is a number of things: in all, and of each of the three classes of prices.
type Tally struct{ Total, Rank1, Rank2, Rank3 int64 }

// Statistics are the numbers of bids, of distinct bidders, and of distinct auctions.
type Statistics struct{ Bids, Bidders, Auctions Tally }

// ranked is what the statistics of a bid are made of.
type ranked struct{ Auction, Bidder, Price int64 }

// rank is the class of a price: 1, 2 or 3.
func rank(price int64) uint8 {
	switch {
	case price < 10_000:
		return 1
	case price < 1_000_000:
		return 2
	}
	return 3
}

// add counts one more: in all if it is new, and in its class if it is new there.
func (t *Tally) add(rank uint8, isNew, newInRank bool) {
	if isNew {
		t.Total++
	}
	if !newInRank {
		return
	}
	switch rank {
	case 1:
		t.Rank1++
	case 2:
		t.Rank2++
	default:
		t.Rank3++
	}
}

// counting is the state of Statistics. The maps have for each bidder and auction a bit for each class it was seen in.
type counting struct {
	Bids         state.Value[Tally]      `state:"bids"`
	Bidders      state.Value[Tally]      `state:"bidders"`
	Auctions     state.Value[Tally]      `state:"auctions"`
	SeenBidders  state.Map[int64, uint8] `state:"seen-bidders"`
	SeenAuctions state.Map[int64, uint8] `state:"seen-auctions"`
}

// add counts a bid and returns the statistics without and with it.
func (c *counting) add(b ranked) (before, after Statistics) {
	before.Bids, _ = c.Bids.Get()
	before.Bidders, _ = c.Bidders.Get()
	before.Auctions, _ = c.Auctions.Get()
	after = before
	rank := rank(b.Price)
	after.Bids.add(rank, true, true)
	c.Bids.Set(after.Bids)
	if addDistinct(&after.Bidders, rank, b.Bidder, &c.SeenBidders) {
		c.Bidders.Set(after.Bidders)
	}
	if addDistinct(&after.Auctions, rank, b.Auction, &c.SeenAuctions) {
		c.Auctions.Set(after.Auctions)
	}
	return before, after
}

// addDistinct counts an id where it was not seen, and reports whether there was such a place.
func addDistinct(t *Tally, rank uint8, id int64, seen *state.Map[int64, uint8]) bool {
	ranks, known := seen.Get(id)
	if known && ranks>>rank&1 != 0 {
		return false
	}
	seen.Put(id, ranks|1<<rank)
	t.add(rank, !known, true)
	return true
}
