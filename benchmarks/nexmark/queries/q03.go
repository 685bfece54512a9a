package queries

import "github.com/weir-stream/weir/api/stream"

// Q3Row is a seller and what she sells.
type Q3Row struct {
	Name, City, State string
	Auction           int64
}

// seller is what Q3 needs of a person.
type seller struct {
	ID                int64
	Name, City, State string
}

// sale is what Q3 needs of an auction.
type sale struct{ Auction, Seller int64 }

// Q3 joins the auctions of category 10 with sellers in three states, whichever comes first.
func Q3(events stream.DataStream[Event]) stream.DataStream[Q3Row] {
	sellers := stream.FlatMap(events, func(e Event, out stream.Collector[seller]) error {
		if p := e.Person; p != nil && (p.State == "OR" || p.State == "ID" || p.State == "CA") {
			out.Collect(seller{p.ID, p.Name, p.City, p.State})
		}
		return nil
	}).Name("Sellers")
	sales := stream.FlatMap(events, func(e Event, out stream.Collector[sale]) error {
		if a := e.Auction; a != nil && a.Category == 10 {
			out.Collect(sale{a.ID, a.Seller})
		}
		return nil
	}).Name("Sales")
	return stream.JoinKeyed(
		stream.KeyBy(sellers, func(s seller) int64 { return s.ID }),
		stream.KeyBy(sales, func(s sale) int64 { return s.Seller }),
		func(who seller, what sale, out stream.Collector[Q3Row]) error {
			out.Collect(Q3Row{who.Name, who.City, who.State, what.Auction})
			return nil
		}).UID("join")
}
