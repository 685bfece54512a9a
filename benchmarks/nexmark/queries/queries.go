// Package queries has the queries of the Nexmark benchmark as DataStream programs, one a file. Each takes the stream of all events
// and returns the stream of its results: rows that are only added, or a changelog.
//
// What they have in common, and what makes them fast:
//
//   - Each begins with a projection that is chained to the source: it drops the events that the query does not need, and keeps only
//     the fields that it does. So little travels to the keyed operators.
//   - State is small and flat where it is touched for each record: structs of numbers are kept in the table itself, at no more
//     than 64 bytes. What is read seldom, text above all, is a state of its own.
//   - Ids of persons and auctions are unique. So a join remembers what is awaited, not what was served: once an auction has come,
//     its bids need not be kept.
//   - Both sides of a join come in one stream of a type that holds either, which keeps the order of the events of one key: bids
//     seldom come before their auction, and equals are ranked in the order of their generation.
package queries

import (
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/nexmark/generator"
)

// Short names for what every query is about.
type (
	Event   = generator.Event
	Person  = generator.Person
	Auction = generator.Auction
	Bid     = generator.Bid
)

// fromBids projects the bids and drops all else.
func fromBids[Out any](events stream.DataStream[Event], project func(Bid) Out) stream.DataStream[Out] {
	return stream.FlatMap(events, func(e Event, out stream.Collector[Out]) error {
		if e.IsBid() {
			out.Collect(project(e.Bid))
		}
		return nil
	}).Name("Bids")
}

const millisPerDay = int64(24 * time.Hour / time.Millisecond)

// dayText formats days, remembering the last one.
type dayText struct {
	day  int64
	text string
}

// of returns a day, counted from the epoch, as yyyy-MM-dd in UTC.
func (d *dayText) of(day int64) string {
	if d.text == "" || d.day != day {
		d.day, d.text = day, time.UnixMilli(day*millisPerDay).UTC().Format(time.DateOnly)
	}
	return d.text
}
