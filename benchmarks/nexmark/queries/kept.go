package queries

import (
	"encoding/binary"
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/codec/schema"
)

// keptBid is a bid in state. It has a codec of its own, since queries that read and write a whole bid for each record spend most of their time on
// that: written out for one type it is faster than the one derived from the type, which goes from field to field.
type keptBid struct{ Bid }

func init() { codec.Register[keptBid](keptBidCodec{}) }

type keptBidCodec struct{}

func (keptBidCodec) Append(to []byte, b *keptBid) []byte { return appendBid(to, &b.Bid) }

func (keptBidCodec) Decode(from []byte, b *keptBid) ([]byte, error) {
	size := bidSize(from)
	if size < 0 {
		return nil, &codec.FormatError{Type: "queries.keptBid", Reason: fmt.Sprintf("%d bytes are too few for the text that they announce", len(from))}
	}
	b.Bid = bidOf(string(from[:size]))
	return from[size:], nil
}

func (keptBidCodec) Schema() *schema.Schema { return schema.Custom("nexmark.keptBid", 1) }
func (keptBidCodec) Flat() bool             { return false }

// An encoded bid is its numbers, the lengths of its texts, and the texts.
const (
	bidNumbers = 4
	bidTexts   = 3
	bidFixed   = 8*bidNumbers + 2*bidTexts
)

func appendBid(to []byte, b *Bid) []byte {
	for _, n := range [bidNumbers]int64{b.Price, b.Auction, b.Bidder, b.DateTime} {
		to = binary.LittleEndian.AppendUint64(to, uint64(n))
	}
	for _, text := range [bidTexts]string{b.Channel, b.URL, b.Extra} {
		to = binary.LittleEndian.AppendUint16(to, uint16(len(text)))
	}
	return append(append(append(to, b.Channel...), b.URL...), b.Extra...)
}

// bidSize is how many bytes the bid takes that is at the front of encoded, and -1 if there is no whole one.
func bidSize[Bytes string | []byte](encoded Bytes) int {
	if len(encoded) < bidFixed {
		return -1
	}
	size := bidFixed
	for i := 8 * bidNumbers; i < bidFixed; i += 2 {
		size += int(encoded[i]) | int(encoded[i+1])<<8
	}
	if len(encoded) < size {
		return -1
	}
	return size
}

// bidOf reads an encoded bid; its texts are parts of encoded.
func bidOf(encoded string) Bid {
	number := func(i int) int64 { return numberAt(encoded[8*i:]) }
	length := func(i int) int {
		return int(encoded[8*bidNumbers+2*i]) | int(encoded[8*bidNumbers+2*i+1])<<8
	}
	url := bidFixed + length(0)
	extra := url + length(1)
	return Bid{
		Price: number(0), Auction: number(1), Bidder: number(2), DateTime: number(3),
		Channel: encoded[bidFixed:url], URL: encoded[url:extra], Extra: encoded[extra:],
	}
}

// priceOf is the price of an encoded bid.
func priceOf(encoded string) int64 { return numberAt(encoded) }

func numberAt(encoded string) int64 {
	_ = encoded[7]
	return int64(uint64(encoded[0]) | uint64(encoded[1])<<8 | uint64(encoded[2])<<16 | uint64(encoded[3])<<24 |
		uint64(encoded[4])<<32 | uint64(encoded[5])<<40 | uint64(encoded[6])<<48 | uint64(encoded[7])<<56)
}
