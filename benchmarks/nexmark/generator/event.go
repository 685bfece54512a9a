package generator

import "strconv"

// Event is a person, an auction or a bid. Of a hundred events 92 are bids, which are therefore kept in place; their text is
// parts of tables that live as long as the process. Events are immutable.
type Event struct {
	// Bid is set if both others are nil.
	Bid     Bid
	Auction *Auction
	Person  *Person
}

// IsBid says that the event is a bid.
func (e *Event) IsBid() bool { return e.Auction == nil && e.Person == nil }

// DateTime is the event's time, in milliseconds since the epoch.
func (e *Event) DateTime() int64 {
	switch {
	case e.Auction != nil:
		return e.Auction.DateTime
	case e.Person != nil:
		return e.Person.DateTime
	}
	return e.Bid.DateTime
}

// Person has registered to sell or to bid.
type Person struct {
	ID                                   int64
	Name, Email, CreditCard, City, State string
	DateTime                             int64 // milliseconds since the epoch
	Extra                                string
}

// Auction is an item put up for sale.
type Auction struct {
	ID                    int64
	ItemName, Description string
	InitialBid, Reserve   int64
	DateTime, Expires     int64 // milliseconds since the epoch
	Seller, Category      int64
	Extra                 string
}

// Bid is an offer for an item.
type Bid struct {
	Auction, Bidder, Price int64
	Channel, URL           string
	DateTime               int64 // milliseconds since the epoch
	Extra                  string
}

// AppendLine appends the event's canonical line, without a line end: its kind and its fields, joined with '|'.
func (e *Event) AppendLine(to []byte) []byte {
	switch {
	case e.Person != nil:
		p := e.Person
		to = number(append(to, "P|"...), p.ID)
		for _, text := range []string{p.Name, p.Email, p.CreditCard, p.City, p.State} {
			to = append(to, text...)
			to = append(to, '|')
		}
		return append(number(to, p.DateTime), p.Extra...)
	case e.Auction != nil:
		a := e.Auction
		to = number(append(to, "A|"...), a.ID)
		to = append(append(to, a.ItemName...), '|')
		to = append(append(to, a.Description...), '|')
		for _, n := range []int64{a.InitialBid, a.Reserve, a.DateTime, a.Expires, a.Seller, a.Category} {
			to = number(to, n)
		}
		return append(to, a.Extra...)
	}
	b := &e.Bid
	to = number(number(number(append(to, "B|"...), b.Auction), b.Bidder), b.Price)
	to = append(append(to, b.Channel...), '|')
	to = append(append(to, b.URL...), '|')
	return append(number(to, b.DateTime), b.Extra...)
}

func number(to []byte, n int64) []byte { return append(strconv.AppendInt(to, n, 10), '|') }
