package queries

import (
	"strings"

	"github.com/weir-stream/weir/api/stream"
)

// Q21Row is a bid with the number of its channel.
type Q21Row struct {
	Auction, Bidder, Price int64
	Channel, ChannelID     string
}

// Q21 adds the number of its channel to each bid, and drops bids of channels without one.
func Q21(events stream.DataStream[Event]) stream.DataStream[Q21Row] {
	return stream.FlatMap(events, func(e Event, out stream.Collector[Q21Row]) error {
		if !e.IsBid() {
			return nil
		}
		if id, ok := channelID(e.Bid.Channel, e.Bid.URL); ok {
			out.Collect(Q21Row{e.Bid.Auction, e.Bid.Bidder, e.Bid.Price, e.Bid.Channel, id})
		}
		return nil
	}).Name("Channel Ids")
}

func channelID(channel, url string) (string, bool) {
	for i, known := range [...]string{"apple", "google", "facebook", "baidu"} {
		if len(channel) == len(known) && strings.EqualFold(channel, known) {
			return "0123"[i : i+1], true
		}
	}
	_, rest, found := strings.Cut(url, "&channel_id=")
	if !found {
		return "", false
	}
	id, _, _ := strings.Cut(rest, "&")
	return id, true
}
