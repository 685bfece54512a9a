package queries

import (
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
)

// Q12 counts the bids of each bidder in every ten seconds of processing time: the windows are those in which the bids arrive. What
// is in a window that is open when the input ends is not emitted.
func Q12(events stream.DataStream[Event]) stream.DataStream[BidderRow] {
	return perBidder(events, window.TumblingProcessing(10*time.Second))
}

// Q12E is Q12 in event time.
func Q12E(events stream.DataStream[Event]) stream.DataStream[BidderRow] {
	return perBidder(events, window.Tumbling(10*time.Second))
}
