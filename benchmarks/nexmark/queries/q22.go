package queries

import (
	"strings"

	"github.com/weir-stream/weir/api/stream"
)

// Q22Row is a bid with three folders of its URL.
type Q22Row struct {
	Auction, Bidder, Price    int64
	Channel, Dir1, Dir2, Dir3 string
}

// Q22 takes folders out of the URL of each bid.
func Q22(events stream.DataStream[Event]) stream.DataStream[Q22Row] {
	return fromBids(events, func(b Bid) Q22Row {
		path := b.URL
		for range 3 { // the scheme, nothing, and the host
			_, path, _ = strings.Cut(path, "/")
		}
		first, path, _ := strings.Cut(path, "/")
		second, path, _ := strings.Cut(path, "/")
		third, _, _ := strings.Cut(path, "/")
		return Q22Row{b.Auction, b.Bidder, b.Price, b.Channel, first, second, third}
	})
}
