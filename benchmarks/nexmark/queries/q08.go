package queries

import (
	"iter"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
)

// Q8Row is a person who has sold something in the window that she came in.
type Q8Row struct {
	ID    int64
	Name  string
	Start int64
}

// activity is a person who came, if it has a name, or somebody's sale.
type activity struct {
	ID   int64
	Name string
}

// newcomer is what a person has done in a window.
type newcomer struct {
	Name        string
	Came, Sells bool
}

// Q8 is the people who put up an auction within the ten seconds in which they registered.
func Q8(events stream.DataStream[Event]) stream.DataStream[Q8Row] {
	activities := stream.FlatMap(events, func(e Event, out stream.Collector[activity]) error {
		switch {
		case e.Person != nil:
			out.Collect(activity{e.Person.ID, e.Person.Name})
		case e.Auction != nil:
			out.Collect(activity{ID: e.Auction.Seller})
		}
		return nil
	}).Name("Activities")
	perWindow := stream.Window(stream.KeyBy(activities, func(a activity) int64 { return a.ID }), window.Tumbling(10*time.Second))
	return stream.AggregateWith[int64, activity, newcomer, newcomer, Q8Row](perWindow, newcomers, func() sellingNewcomers { return sellingNewcomers{} }).
		Name("Selling Newcomers").UID("newcomers")
}

var newcomers = window.NewAggregate(
	func() newcomer { return newcomer{} },
	func(n newcomer, a activity) newcomer {
		if a.Name == "" {
			n.Sells = true
		} else {
			n.Came, n.Name = true, a.Name
		}
		return n
	},
	func(n newcomer) newcomer { return n },
	func(a, b newcomer) newcomer {
		return newcomer{max(a.Name, b.Name), a.Came || b.Came, a.Sells || b.Sells}
	},
)

type sellingNewcomers struct{}

func (sellingNewcomers) Process(ctx *stream.WindowContext[int64], people iter.Seq[newcomer], out stream.Collector[Q8Row]) error {
	for n := range people {
		if n.Came && n.Sells {
			out.Collect(Q8Row{ctx.Key(), n.Name, ctx.Window().Start})
		}
	}
	return nil
}
