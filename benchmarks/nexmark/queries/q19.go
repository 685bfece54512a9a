package queries

import (
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
	"github.com/weir-stream/weir/state"
)

// Q19Row is a bid with its place among those of its auction.
type Q19Row struct {
	Bid  Bid
	Rank int64
}

// places is how many bids of an auction are ranked.
const places = 10

// Q19 is the ten highest bids of each auction; of equal ones the first to come is the higher.
func Q19(events stream.DataStream[Event]) stream.DataStream[changelog.Change[Q19Row]] {
	bids := fromBids(events, func(b Bid) Bid { return b })
	byAuction := stream.KeyBy(bids, func(b Bid) int64 { return b.Auction })
	return stream.Process[int64, Bid, changelog.Change[Q19Row]](byAuction, func() *topBids { return new(topBids) }).Name("Top 10").UID("top")
}

// topBids keeps apart what tells whether a bid gets a place at all: most bids of a busy auction do not.
type topBids struct {
	Threshold state.Value[threshold] `state:"threshold"`
	Ranking   state.Value[ranking]   `state:"ranking"`
}

// threshold is how many bids are ranked, and the price of the last of them.
type threshold struct{ Ranked, Lowest int64 }

func (t *topBids) Process(_ *stream.KeyedContext[int64], b Bid, out stream.Collector[changelog.Change[Q19Row]]) error {
	mark, _ := t.Threshold.Get()
	if mark.Ranked == places && b.Price <= mark.Lowest {
		return nil
	}
	ranked, _ := t.Ranking.Get()
	above, below, rank := ranked.split(b.Price)
	kept, lowest := below, b.Price
	// From its rank on, each bid takes the place of the next lower one, and the last one of ten goes.
	moving := b
	for rest := below; rest != ""; rank++ {
		next := bidSize(rest)
		here := bidOf(rest[:next])
		out.Collect(changelog.Change[Q19Row]{Kind: changelog.UpdateBefore, Row: Q19Row{here, rank}})
		out.Collect(changelog.Change[Q19Row]{Kind: changelog.UpdateAfter, Row: Q19Row{moving, rank}})
		if rank == places {
			kept = below[:len(below)-len(rest)]
		}
		lowest, moving, rest = moving.Price, here, rest[next:]
	}
	if rank <= places {
		out.Collect(changelog.Change[Q19Row]{Kind: changelog.Insert, Row: Q19Row{moving, rank}})
		lowest, mark.Ranked = moving.Price, rank
	}
	t.Ranking.Set(ranking{above, b, kept})
	t.Threshold.Set(threshold{mark.Ranked, lowest})
	return nil
}
