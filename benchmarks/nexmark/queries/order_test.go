package queries

import (
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
)

// What comes in an order, or with equals, that the generator does not make, or seldom.

func sold(id, at, expires int64) Event {
	return Event{Auction: &Auction{ID: id, DateTime: at, Expires: expires, Category: 10, Seller: 7, ItemName: fmt.Sprint("item", id)}}
}

func offered(auction, bidder, price, at int64) Event {
	return Event{Bid: Bid{Auction: auction, Bidder: bidder, Price: price, DateTime: at, Extra: fmt.Sprint(bidder)}}
}

// run runs a query on events in their order and returns what it emits.
func run[Out any](t *testing.T, query func(stream.DataStream[Event]) stream.DataStream[Out], events ...Event) []Out {
	t.Helper()
	env, err := stream.NewEnvironment("query")
	if err != nil {
		t.Fatal(err)
	}
	env.SetParallelism(1)
	watermarks := stream.BoundedOutOfOrderness(4*time.Second, func(e Event) int64 { return e.DateTime() })
	out, err := stream.ExecuteAndCollect(t.Context(), query(stream.From(env, collection.Of(events...), watermarks)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// left is what remains of a changelog.
func left[Row comparable](t *testing.T, changes []changelog.Change[Row]) (rows []Row) {
	t.Helper()
	for _, c := range changes {
		if c.Kind.Adds() {
			rows = append(rows, c.Row)
			continue
		}
		at := slices.Index(rows, c.Row)
		if at < 0 {
			t.Fatalf("%v is taken back, but was not there", c.Row)
		}
		rows = slices.Delete(rows, at, at+1)
	}
	return rows
}

func TestQ4TakesBidsOfItsTimeOnly(t *testing.T) {
	out := run(t, Q4,
		offered(1, 1, 50, 100), offered(1, 1, 999, 99), // before the auction, and too early
		sold(1, 100, 200), offered(1, 1, 70, 200), offered(1, 1, 998, 201), offered(1, 1, 60, 150),
		sold(2, 100, 200), offered(2, 1, 11, 150), offered(3, 1, 5, 100),
	)
	if rows := left(t, out); !slices.Equal(rows, []Q4Row{{10, 40}}) {
		t.Errorf("the average is %v", rows)
	}
	if len(out) != 5 || out[0].Row.Average != 50 || out[2].Row.Average != 70 {
		t.Errorf("the changes are %v", out)
	}
}

func TestQ9TakesTheEarliestOfEquals(t *testing.T) {
	for name, test := range map[string]struct {
		bids []Event
		want int64
	}{
		"earlier time, later arrival": {[]Event{sold(1, 100, 200), offered(1, 1, 50, 150), offered(1, 2, 50, 140)}, 2},
		"equal times":                 {[]Event{sold(1, 100, 200), offered(1, 1, 50, 150), offered(1, 2, 50, 150)}, 1},
		"before the auction":          {[]Event{offered(1, 1, 50, 150), offered(1, 2, 50, 150), sold(1, 100, 200), offered(1, 3, 50, 150)}, 1},
		"out of its time":             {[]Event{offered(1, 1, 80, 99), sold(1, 100, 200), offered(1, 2, 50, 200), offered(1, 3, 90, 201)}, 2},
	} {
		rows := left(t, run(t, Q9, test.bids...))
		if len(rows) != 1 || rows[0].Bid.Bidder != test.want || rows[0].Bid.Extra != fmt.Sprint(test.want) || rows[0].Auction.ItemName != "item1" {
			t.Errorf("%s: %+v, want bidder %d", name, rows, test.want)
		}
	}
}

func TestQ18TakesTheLatestOfEquals(t *testing.T) {
	out := run(t, Q18, offered(1, 1, 10, 100), offered(1, 1, 20, 100), offered(1, 1, 30, 99), offered(1, 2, 40, 5), offered(2, 1, 50, 5))
	var prices []int64
	for _, row := range left(t, out) {
		prices = append(prices, row.Price)
	}
	if !slices.Equal(prices, []int64{20, 40, 50}) {
		t.Errorf("the last bids have the prices %v", prices)
	}
}

func TestQ19RanksTheFirstOfEqualsHigher(t *testing.T) {
	var events []Event
	for bidder := range int64(14) {
		events = append(events, offered(1, bidder, 100+bidder/5*10, 1)) // 100 five times, 110 five times, 120 four times
	}
	rows := left(t, run(t, Q19, events...))
	slices.SortFunc(rows, func(a, b Q19Row) int { return int(a.Rank - b.Rank) })
	var bidders []int64
	for i, row := range rows {
		if row.Rank != int64(i+1) {
			t.Errorf("rank %d in place %d", row.Rank, i+1)
		}
		bidders = append(bidders, row.Bid.Bidder)
	}
	if !slices.Equal(bidders, []int64{10, 11, 12, 13, 5, 6, 7, 8, 9, 0}) {
		t.Errorf("the bidders by rank are %v", bidders)
	}
}

// Of a person, two auctions and two bids each pair of auction and bid comes once, whatever the order.
func TestQ23JoinsInAnyOrder(t *testing.T) {
	person := Event{Person: &Person{ID: 7, Name: "P"}}
	all := []Event{person, sold(1, 1, 2), sold(2, 1, 2), offered(9, 7, 5, 1), offered(9, 7, 6, 1)}
	for i := range all {
		for j := range all {
			order := slices.Clone(all)
			order[0], order[i] = order[i], order[0]
			order[1], order[j] = order[j], order[1]
			seen := map[string]int{}
			for _, row := range run(t, Q23, order...) {
				seen[fmt.Sprint(row.Person.Name, row.Item.ItemName, row.Price)]++
			}
			if len(seen) != 4 || seen["Pitem15"] != 1 || seen["Pitem16"] != 1 || seen["Pitem25"] != 1 || seen["Pitem26"] != 1 {
				t.Fatalf("swapping %d and %d: %v", i, j, seen)
			}
		}
	}
}

func TestQ3AndQ20JoinInAnyOrder(t *testing.T) {
	seller := Event{Person: &Person{ID: 7, Name: "P", State: "OR"}}
	if got := run(t, Q3, sold(1, 1, 2), seller, sold(2, 1, 2)); len(got) != 2 || got[0].Auction+got[1].Auction != 3 {
		t.Errorf("sales %v", got)
	}
	if got := run(t, Q20, offered(1, 1, 10, 1), sold(1, 5, 6), offered(1, 2, 20, 9), offered(2, 3, 30, 9)); len(got) != 2 || got[0].Bid.Price+got[1].Bid.Price != 30 {
		t.Errorf("bids %v", got)
	}
}

func TestQ5ShowsAllThatAreHottest(t *testing.T) {
	out := run(t, Q5, offered(1, 1, 1, 9_999), offered(2, 1, 1, 9_999), offered(2, 1, 1, 12_000), offered(1, 1, 1, 12_000), offered(3, 1, 1, 21_999))
	counts := map[Q5Row]int{}
	for _, row := range out {
		counts[row]++
	}
	// Windows end every two seconds: at 10 s and 12 s they have the first two bids, at 14 s to 18 s four, at 20 s the second two, at
	// 22 s these and the last one, and then only that.
	want := map[Q5Row]int{{1, 1}: 4, {2, 1}: 4, {1, 2}: 3, {2, 2}: 3, {3, 1}: 5}
	if !maps.Equal(counts, want) {
		t.Errorf("the hottest are %v, want %v", counts, want)
	}
}

// The window from 10 s to 20 s has the bids at its start, but those at 20 s only if they are as high as its highest.
func TestQ7ShowsBothEndsOfAWindow(t *testing.T) {
	out := run(t, Q7,
		offered(1, 1, 50, 9_999), offered(1, 2, 50, 10_000), offered(1, 3, 70, 15_000), offered(1, 4, 60, 15_000), offered(1, 5, 70, 19_999),
		offered(1, 6, 70, 20_000), offered(1, 7, 99, 20_000), offered(1, 8, 69, 20_000), offered(1, 9, 70, 20_001))
	var bidders []int64
	for _, row := range out {
		bidders = append(bidders, row.Bidder)
	}
	slices.Sort(bidders)
	if !slices.Equal(bidders, []int64{1, 2, 3, 5, 6, 7}) {
		t.Errorf("the bidders of the highest bids are %v", bidders)
	}
	if got := run(t, Q7, offered(1, 1, 5, 30_000)); len(got) != 1 {
		t.Errorf("a window without bids before one with a bid at its start has %v", got)
	}
}

func TestQ8TakesNewcomersOnce(t *testing.T) {
	person := func(id, at int64) Event {
		return Event{Person: &Person{ID: id, Name: fmt.Sprint("P", id), DateTime: at}}
	}
	sale := func(seller, at int64) Event { return Event{Auction: &Auction{Seller: seller, DateTime: at}} }
	out := run(t, Q8, sale(1, 10_000), person(1, 10_001), sale(1, 19_999), person(2, 19_999), sale(2, 20_000), person(3, 20_000), sale(4, 20_001))
	if !slices.Equal(out, []Q8Row{{1, "P1", 10_000}}) {
		t.Errorf("the newcomers are %v", out)
	}
}

func TestQ11JoinsBidsTenSecondsApart(t *testing.T) {
	out := run(t, Q11, offered(1, 1, 1, 5), offered(1, 1, 1, 10_005), offered(1, 2, 1, 10_010), offered(1, 1, 1, 20_006))
	slices.SortFunc(out, func(a, b BidderRow) int { return int(a.Start - b.Start) })
	if want := []BidderRow{{1, 2, 5, 20_005}, {2, 1, 10_010, 20_010}, {1, 1, 20_006, 30_006}}; !slices.Equal(out, want) {
		t.Errorf("the sessions are %v, want %v", out, want)
	}
}

// Whatever the order, the highest records of each window must be among the candidates.
func TestTheHighestAreCandidates(t *testing.T) {
	random := rand.New(rand.NewSource(3))
	var c candidates
	highest, passed := map[int64]int64{}, map[int64]int64{}
	for i := range 20_000 {
		window, value := int64(i/200+random.Intn(30))*10, 1+random.Int63n(1000)
		if c.add(window, value) {
			passed[window] = max(passed[window], value)
		}
		highest[window] = max(highest[window], value)
		if other := window - 10; value >= highest[other] && !c.reaches(other, value) {
			t.Fatalf("%d in window %d may be as high as %d", value, other, highest[other])
		}
	}
	if !maps.Equal(highest, passed) {
		t.Errorf("the highest of %d windows are not all among the candidates", len(highest))
	}
}
