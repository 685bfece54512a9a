package queries

import (
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/codec"
)

func TestDecimalsHaveThreeDigits(t *testing.T) {
	for d, want := range map[Decimal]string{0: "0.000", 7: "0.007", -7: "-0.007", 1234: "1.234", 90_800: "90.800", -12_000: "-12.000"} {
		if got, err := d.AppendText([]byte("x")); err != nil || string(got) != "x"+want {
			t.Errorf("%d: %s (%v), want %s", int64(d), got, err, want)
		}
	}
	if got := euros(103); got != 93_524 {
		t.Errorf("103 are %d", got)
	}
}

func TestHoursHaveKinds(t *testing.T) {
	for hour := range int64(24) {
		want := "otherTime"
		if hour >= 8 && hour <= 18 {
			want = "dayTime"
		} else if hour <= 6 || hour >= 20 {
			want = "nightTime"
		}
		if got := timeType(19_000*millisPerDay + hour*3_600_000 + 3_599_999); got != want {
			t.Errorf("hour %d: %s", hour, got)
		}
	}
}

func TestChannelsHaveIDs(t *testing.T) {
	for given, want := range map[string]string{
		"Apple ": "0 true", "GOOGLE ": "1 true", "facebook x&channel_id=7": "2 true", "Baidu ": "3 true",
		"channel-1 https://x/?query=1&channel_id=-2147483648": "-2147483648 true", "x u&channel_id=5&more=6": "5 true", "x u": " false", "apples u": " false",
	} {
		channel, url, _ := strings.Cut(given, " ")
		id, ok := channelID(channel, url)
		if got := fmt.Sprint(id, " ", ok); got != want {
			t.Errorf("%q: %s, want %s", given, got, want)
		}
	}
}

// someBid has texts of all lengths, none among them.
func someBid(r *rand.Rand) Bid {
	text := func() string { return strings.Repeat(string(rune('a'+r.Intn(26))), r.Intn(4)*r.Intn(200)) }
	return Bid{
		Auction: r.Int63(), Bidder: r.Int63(), Price: 1 + r.Int63n(1_000),
		Channel: text(), URL: text(), DateTime: -r.Int63(), Extra: text(),
	}
}

func TestBidsAreKept(t *testing.T) {
	kept, err := codec.For[keptBid]()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewSource(1))
	for range 200 {
		want := keptBid{someBid(random)}
		encoded := kept.Append([]byte("before"), &want)
		got := keptBid{someBid(random)}
		rest, err := kept.Decode(append(encoded, "after"...)[6:], &got)
		if err != nil || string(rest) != "after" || got != want {
			t.Fatalf("%+v and %q (%v), want %+v", got, rest, err, want)
		}
	}
}

// A ranking is filled by bids at random places and must stay sorted, equals in the order in which they came.
func TestRankingsAreKept(t *testing.T) {
	kept, err := codec.For[ranking]()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewSource(2))
	var want []Bid
	var r ranking
	for range 300 {
		b := someBid(random)
		at := 0
		for at < len(want) && want[at].Price >= b.Price {
			at++
		}
		want = append(want[:at], append([]Bid{b}, want[at:]...)...)
		above, below, rank := r.split(b.Price)
		if rank != int64(at+1) {
			t.Fatalf("rank %d, want %d", rank, at+1)
		}
		stored := ranking{above, b, below}
		encoded := kept.Append([]byte("x"), &stored)
		r = stored
		if rest, err := kept.Decode(encoded[1:], &r); err != nil || len(rest) > 0 {
			t.Fatalf("%d bytes are left (%v)", len(rest), err)
		}
		rest := r.above
		for i := range want {
			if next := bidSize(rest); bidOf(rest[:next]) != want[i] {
				t.Fatalf("bid %d of %d is %+v, want %+v", i, len(want), bidOf(rest[:next]), want[i])
			} else {
				rest = rest[next:]
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	bid := keptBidCodec{}.Append(nil, &keptBid{Bid{Auction: 1, Bidder: 2, Price: 3, Channel: "c", URL: "url", DateTime: 4, Extra: "extra"}})
	f.Add(bid)
	f.Add(rankingCodec{}.Append(nil, &ranking{above: string(bid), bid: Bid{Price: 1}, below: string(bid)}))
	f.Add([]byte{1, 0, 0, 0, 0})
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		var malformed *codec.FormatError
		var b keptBid
		if rest, err := (keptBidCodec{}).Decode(encoded, &b); err == nil {
			if got := (keptBidCodec{}).Append(nil, &b); string(got)+string(rest) != string(encoded) {
				t.Errorf("%x and %x of %x", got, rest, encoded)
			}
		} else if !errors.As(err, &malformed) {
			t.Errorf("bid: %v", err)
		}
		var r ranking
		if rest, err := (rankingCodec{}).Decode(encoded, &r); err == nil {
			if got := (rankingCodec{}).Append(nil, &r); string(got)+string(rest) != string(encoded) {
				t.Errorf("%x and %x of %x", got, rest, encoded)
			}
		} else if !errors.As(err, &malformed) {
			t.Errorf("ranking: %v", err)
		}
	})
}
