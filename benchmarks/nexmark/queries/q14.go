package queries

import (
	"strings"
	"time"

	"github.com/weir-stream/weir/api/stream"
)

// Q14Row is a bid in euros with the kind of its hour and how often its text has the letter c.
type Q14Row struct {
	Auction, Bidder int64
	Price           Decimal
	TimeType        string
	DateTime        int64
	Extra           string
	Cs              int64
}

// Q14 calculates on the bids in a range of prices.
func Q14(events stream.DataStream[Event]) stream.DataStream[Q14Row] {
	return stream.FlatMap(events, func(e Event, out stream.Collector[Q14Row]) error {
		if !e.IsBid() {
			return nil
		}
		b := e.Bid
		price := euros(b.Price)
		if price > 1_000_000_000 && price < 50_000_000_000 { // in thousandths
			out.Collect(Q14Row{b.Auction, b.Bidder, price, timeType(b.DateTime), b.DateTime, b.Extra, int64(strings.Count(b.Extra, "c"))})
		}
		return nil
	}).Name("Calculation")
}

// timeType names the kind of the hour of a time, in UTC.
func timeType(millis int64) string {
	switch hour := millis % millisPerDay / int64(time.Hour/time.Millisecond); {
	case hour >= 8 && hour <= 18:
		return "dayTime"
	case hour <= 6 || hour >= 20:
		return "nightTime"
	}
	return "otherTime"
}
