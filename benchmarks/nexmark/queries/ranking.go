package queries

import (
	"encoding/binary"
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/codec/schema"
)

// ranking is bids in the order of their ranks: encoded ones, a bid if it has a price, and more encoded ones. It stays encoded while
// it is worked on, since most of it is only carried along: adding a bid to what was read from state copies bytes, and only the
// bids below it are decoded. What is read from state is all above.
type ranking struct {
	above string
	bid   Bid
	below string
}

func init() { codec.Register[ranking](rankingCodec{}) }

// split finds the place of a price below all that are as high, and its rank.
func (r ranking) split(price int64) (above, below string, rank int64) {
	below, rank = r.above, 1
	for below != "" && priceOf(below) >= price {
		below = below[bidSize(below):]
		rank++
	}
	return r.above[:len(r.above)-len(below)], below, rank
}

// rankingCodec writes the number of bytes, in 4 bytes, and the encoded bids.
type rankingCodec struct{}

const rankingHeader = 4

func (rankingCodec) Append(to []byte, r *ranking) []byte {
	start := len(to)
	to = append(append(to, 0, 0, 0, 0), r.above...)
	if r.bid.Price != 0 {
		to = appendBid(to, &r.bid)
	}
	to = append(to, r.below...)
	binary.LittleEndian.PutUint32(to[start:], uint32(len(to)-start-rankingHeader))
	return to
}

func (rankingCodec) Decode(from []byte, r *ranking) ([]byte, error) {
	if len(from) < rankingHeader {
		return nil, malformedRanking(from)
	}
	size, from := binary.LittleEndian.Uint32(from), from[rankingHeader:]
	if uint64(size) > uint64(len(from)) {
		return nil, malformedRanking(from)
	}
	// The copy is checked, not the original, which is less likely to be in the processor's caches.
	bids := string(from[:size])
	for rest := bids; rest != ""; {
		next := bidSize(rest)
		if next < 0 {
			return nil, malformedRanking(rest)
		}
		rest = rest[next:]
	}
	*r = ranking{above: bids}
	return from[size:], nil
}

func malformedRanking[Bytes string | []byte](from Bytes) error {
	return &codec.FormatError{Type: "queries.ranking", Reason: fmt.Sprintf("a bid is cut off, %d bytes before the end", len(from))}
}

func (rankingCodec) Schema() *schema.Schema { return schema.Custom("nexmark.ranking", 1) }
func (rankingCodec) Flat() bool             { return false }
