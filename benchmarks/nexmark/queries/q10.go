package queries

import (
	"strconv"
	"time"

	"github.com/weir-stream/weir/api/connectors/file"
	"github.com/weir-stream/weir/api/stream"
)

// Q10Row is a bid with the day and the minute that it was made in.
type Q10Row struct {
	Q0Row
	Day, Minute string
}

// Q10 logs all bids to the files of a folder, a line each, its fields joined with '|'.
func Q10(events stream.DataStream[Event], folder string) {
	bids := stream.MapWith(Q0(events), newMinuteText).Name("Minutes")
	stream.To(bids, file.TextAppend(folder, appendQ10).Overwrite()).Name("Log").UID("log")
}

// newMinuteText makes a function that remembers the text of the last minute: bids come roughly in the order of their times.
func newMinuteText() func(Q0Row) Q10Row {
	const millisPerMinute = int64(time.Minute / time.Millisecond)
	last, day, minute := int64(-1), "", ""
	return func(b Q0Row) Q10Row {
		if now := b.DateTime / millisPerMinute; now != last {
			at := time.UnixMilli(b.DateTime).UTC()
			last, day, minute = now, at.Format(time.DateOnly), at.Format("15:04")
		}
		return Q10Row{b, day, minute}
	}
}

func appendQ10(line []byte, b Q10Row) []byte {
	for _, n := range [...]int64{b.Auction, b.Bidder, b.Price, b.DateTime} {
		line = append(strconv.AppendInt(line, n, 10), '|')
	}
	line = append(append(line, b.Extra...), '|')
	line = append(append(line, b.Day...), '|')
	return append(line, b.Minute...)
}
