package queries

import (
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/state"
)

// Q23Row is a bid of somebody who sells as well, with who that is and what is sold.
type Q23Row struct {
	Bidder, Price          int64
	Channel, URL, BidExtra string
	Person                 party
	Item                   Item
}

// party is what Q23 shows of a person.
type party struct {
	ID                                          int64
	Name, Email, CreditCard, City, State, Extra string
}

// Q23 joins the bids, the person and the auctions of each one who both bids and sells.
func Q23(events stream.DataStream[Event]) stream.DataStream[Q23Row] {
	byPerson := stream.KeyBy(events, func(e Event) int64 {
		switch {
		case e.Person != nil:
			return e.Person.ID
		case e.Auction != nil:
			return e.Auction.Seller
		}
		return e.Bid.Bidder
	})
	return stream.Process[int64, Event, Q23Row](byPerson, func() *joinAll { return new(joinAll) }).Name("Join").UID("join")
}

// joinAll keeps all that came for a person: nothing tells when the last of it has come.
type joinAll struct {
	Person state.Value[party]  `state:"person"`
	Items  state.List[Item]    `state:"items"`
	Bids   state.List[keptBid] `state:"bids"`
	// Came is what of these there is, so that a record that finds no partner costs one small read.
	Came state.Value[came] `state:"came"`
}

type came struct{ Person, Items, Bids bool }

func (j *joinAll) Process(_ *stream.KeyedContext[int64], e Event, out stream.Collector[Q23Row]) error {
	came, _ := j.Came.Get()
	had := came
	switch {
	case e.Person != nil:
		p := e.Person
		person := party{p.ID, p.Name, p.Email, p.CreditCard, p.City, p.State, p.Extra}
		j.Person.Set(person)
		came.Person = true
		if came.Items && came.Bids {
			for item := range j.Items.Get() {
				j.withBids(person, item, out)
			}
		}
	case e.Auction != nil:
		item := itemOf(e.Auction)
		j.Items.Add(item)
		came.Items = true
		if came.Person && came.Bids {
			person, _ := j.Person.Get()
			j.withBids(person, item, out)
		}
	default:
		j.Bids.Add(keptBid{e.Bid})
		came.Bids = true
		if came.Person && came.Items {
			person, _ := j.Person.Get()
			for item := range j.Items.Get() {
				out.Collect(joinedRow(e.Bid, person, item))
			}
		}
	}
	if came != had {
		j.Came.Set(came)
	}
	return nil
}

func (j *joinAll) withBids(person party, item Item, out stream.Collector[Q23Row]) {
	for bid := range j.Bids.Get() {
		out.Collect(joinedRow(bid.Bid, person, item))
	}
}

func joinedRow(b Bid, person party, item Item) Q23Row {
	return Q23Row{b.Bidder, b.Price, b.Channel, b.URL, b.Extra, person, item}
}
