package generator

// The numbers that make a cycle of events: 1 person, 3 auctions, 46 bids.
const (
	cycle            = 50
	auctionsPerCycle = 3
	// inFlightEvents is how many events it takes for as many auctions to begin as are open at a time.
	inFlightEvents = inFlight * cycle / auctionsPerCycle
)

const (
	firstPerson  = 1000
	firstAuction = 1000
	// firstBidder is twice the first person: the original adds that twice.
	firstBidder = 2 * firstPerson

	inFlight       = 100  // auctions that are open at a time
	activePeople   = 1000 // of those who came last
	personLead     = 10   // ids not given yet that are referred to
	auctionLead    = 10
	hotEvery       = 100 // every hundredth id is hot for a while
	firstCategory  = 10
	categories     = 5
	personBytes    = 200
	auctionBytes   = 500
	bidBytes       = 100
	slabOfPersons  = 64
	slabOfAuctions = 64
)

// Generator makes the events of one share. It is a position in them as well: State and Resume carry it on. One goroutine uses it.
type Generator struct {
	firstID int64
	events  int64
	delay   float64
	group   int64

	random random
	made   int64

	text     slab
	auctions []Auction
	persons  []Person
}

// New makes generator i of a configuration, at its first event.
func New(c Config, i int) (*Generator, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	first := c.firstID(i)
	return &Generator{firstID: first, events: c.Share(i), delay: c.delay(), group: max(c.OutOfOrderGroup, 1), random: random(first)}, nil
}

// Left is how many events are still to come.
func (g *Generator) Left() int64 { return g.events - g.made }

// Fill makes the next events, as many as there is room for in both slices and at most Left, and their times in milliseconds since
// the epoch, and returns their number.
func (g *Generator) Fill(events []Event, times []int64) int {
	n := int(min(int64(len(events)), int64(len(times)), g.Left()))
	r := g.random
	for i := range n {
		number := g.reordered(firstNumber + g.made + int64(i))
		id := g.firstID + number
		at := g.time(number)
		times[i] = at
		switch kind := id % cycle; {
		case kind > auctionsPerCycle:
			r.bid(&events[i], id/cycle, at)
		case kind > 0:
			events[i] = Event{Auction: g.auction(&r, id, number, at)}
		default:
			events[i] = Event{Person: g.person(&r, id/cycle, at)}
		}
	}
	g.random, g.made = r, g.made+int64(n)
	return n
}

// reordered is the number that takes the place of number within its group.
func (g *Generator) reordered(number int64) int64 {
	if g.group == 1 {
		return number
	}
	return number - number%g.group + number*953%g.group
}

// time of an event, in milliseconds since the epoch.
func (g *Generator) time(number int64) int64 {
	return baseTime + int64(float64(number)*g.delay)/1000
}

// bid makes a bid in a cycle. All people and auctions of the cycle have come before it.
func (r *random) bid(to *Event, turn, at int64) {
	lastAuction := auctionsPerCycle*turn + auctionsPerCycle - 1
	auction := lastAuction / hotEvery * hotEvery
	if r.u32()&1 == 0 {
		auction = r.someAuction(lastAuction)
	}
	bidder := turn/hotEvery*hotEvery + 1
	if r.u32()&3 == 0 {
		bidder = r.somePerson(turn)
	}
	price := r.price()
	var from *channel
	if r.u32()&1 != 0 {
		from = &hotChannels[r.u32()&3]
	} else {
		from = &otherChannels[r.below(channels)]
	}
	*to = Event{Bid: Bid{
		Auction: firstAuction + auction, Bidder: firstBidder + bidder, Price: price,
		Channel: from.name, URL: from.url, DateTime: at, Extra: r.padding(4*8, bidBytes),
	}}
}

// somePerson is one of those who came last, or will come next.
func (r *random) somePerson(last int64) int64 {
	people := last + 1
	active := min(people, activePeople)
	return people - active + int64(r.below(uint32(active+personLead)))
}

// someAuction is one of those that began last, or will begin next.
func (r *random) someAuction(last int64) int64 {
	first := max(last-inFlight, 0)
	return first + int64(r.below(uint32(last-first+1+auctionLead)))
}

func (g *Generator) auction(r *random, id, number, at int64) *Auction {
	if len(g.auctions) == 0 {
		g.auctions = make([]Auction, slabOfAuctions)
	}
	a := &g.auctions[0]
	g.auctions = g.auctions[1:]

	turn := id / cycle
	a.ID = firstAuction + auctionsPerCycle*turn + id%cycle - 1
	a.DateTime = at
	seller := turn / hotEvery * hotEvery
	if r.below(4) == 0 {
		seller = r.somePerson(turn)
	}
	a.Seller = firstPerson + seller
	a.Category = firstCategory + int64(r.below(categories))
	a.InitialBid = r.price()
	horizon := g.time(number+inFlightEvents) - at
	a.Expires = at + 1 + int64(r.below(uint32(max(2*horizon, 1))))
	a.ItemName = r.text(&g.text, 20, ' ')
	a.Description = r.text(&g.text, 100, ' ')
	a.Reserve = a.InitialBid + r.price()
	a.Extra = r.padding(6*8+len(a.ItemName)+len(a.Description), auctionBytes)
	return a
}

func (g *Generator) person(r *random, turn, at int64) *Person {
	if len(g.persons) == 0 {
		g.persons = make([]Person, slabOfPersons)
	}
	p := &g.persons[0]
	g.persons = g.persons[1:]

	p.ID, p.DateTime = firstPerson+turn, at
	first := r.below(uint32(len(firstNames)))
	p.Name = names[first][r.below(uint32(len(lastNames)))]
	user := r.text(&g.text, 7, ' ')
	host := r.text(&g.text, 5, ' ')
	p.Email = g.text.join(user, "@", host, ".com")
	p.CreditCard = r.creditCard(&g.text)
	p.City = cities[r.below(uint32(len(cities)))]
	p.State = states[r.below(uint32(len(states)))]
	p.Extra = r.padding(8+len(p.Name)+len(p.Email)+len(p.CreditCard)+len(p.City)+len(p.State), personBytes)
	return p
}

// creditCard is four numbers of four digits.
func (r *random) creditCard(text *slab) string {
	card := text.take(4*5 - 1)
	for i := range 4 {
		n := r.below(10_000)
		for digit := 3; digit >= 0; digit-- {
			card[5*i+digit] = '0' + byte(n%10)
			n /= 10
		}
		if i > 0 {
			card[5*i-1] = ' '
		}
	}
	return asString(card)
}

// EventID is the number that the ids in event n follow from; n counts the generator's events from 0.
func (g *Generator) EventID(n int64) int64 { return g.firstID + g.reordered(firstNumber+n) }
