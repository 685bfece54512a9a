package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/benchmarks/nexmark/generator"
)

// A second implementation of the queries that the file of results lacks, as plain as can be: each reads all events, in the
// order of their generation, and returns the rows of the result.

type input struct {
	persons  []*generator.Person
	auctions []*generator.Auction
	bids     []generator.Bid
}

// read makes all events, alternating between the generators.
func read(t *testing.T, config generator.Config) (in input) {
	t.Helper()
	generators := make([]*generator.Generator, config.Generators)
	for i := range generators {
		g, err := generator.New(config, i)
		if err != nil {
			t.Fatal(err)
		}
		generators[i] = g
	}
	one, at := make([]generator.Event, 1), make([]int64, 1)
	for left := config.Events; left > 0; {
		for _, g := range generators {
			if g.Fill(one, at) == 0 {
				continue
			}
			left--
			switch e := one[0]; {
			case e.Person != nil:
				in.persons = append(in.persons, e.Person)
			case e.Auction != nil:
				in.auctions = append(in.auctions, e.Auction)
			default:
				in.bids = append(in.bids, e.Bid)
			}
		}
	}
	return in
}

func line(fields ...any) string {
	texts := make([]string, len(fields))
	for i, field := range fields {
		texts[i] = fmt.Sprint(field)
	}
	return strings.Join(texts, "|")
}

func day(millis int64) string { return time.UnixMilli(millis).UTC().Format("2006-01-02") }

var plain = map[string]func(input) []string{
	"q9": func(in input) (rows []string) {
		for _, a := range in.auctions {
			var best *generator.Bid
			for i := range in.bids {
				b := &in.bids[i]
				if b.Auction != a.ID || b.DateTime < a.DateTime || b.DateTime > a.Expires {
					continue
				}
				if best == nil || b.Price > best.Price || b.Price == best.Price && b.DateTime < best.DateTime {
					best = b
				}
			}
			if best != nil {
				rows = append(rows, line(a.ID, a.ItemName, a.Description, a.InitialBid, a.Reserve, a.DateTime, a.Expires, a.Seller, a.Category, a.Extra,
					best.Auction, best.Bidder, best.Price, best.DateTime, best.Extra))
			}
		}
		return rows
	},
	"q12e": func(in input) (rows []string) {
		counts := map[[2]int64]int{}
		for _, b := range in.bids {
			counts[[2]int64{b.Bidder, b.DateTime - b.DateTime%10_000}]++
		}
		for key, count := range counts {
			rows = append(rows, line(key[0], count, key[1], key[1]+10_000))
		}
		return rows
	},
	"q13": func(in input) (rows []string) {
		for _, b := range in.bids {
			rows = append(rows, line(b.Auction, b.Bidder, b.Price, b.DateTime, strconv.FormatInt(b.Auction%10_000, 10)))
		}
		return rows
	},
	"q16": func(in input) (rows []string) {
		type group struct {
			minute string
			bids   [4]int
			seen   [2][4]map[int64]bool
		}
		groups := map[[2]string]*group{}
		for _, b := range in.bids {
			key := [2]string{b.Channel, day(b.DateTime)}
			g := groups[key]
			if g == nil {
				g = new(group)
				for i := range g.seen {
					for j := range g.seen[i] {
						g.seen[i][j] = map[int64]bool{}
					}
				}
				groups[key] = g
			}
			g.minute = max(g.minute, time.UnixMilli(b.DateTime).UTC().Format("15:04"))
			class := 1
			if b.Price >= 10_000 {
				class = 2
			}
			if b.Price >= 1_000_000 {
				class = 3
			}
			for _, c := range []int{0, class} {
				g.bids[c]++
				g.seen[0][c][b.Bidder] = true
				g.seen[1][c][b.Auction] = true
			}
		}
		for key, g := range groups {
			fields := []any{key[0], key[1], g.minute}
			for _, n := range g.bids {
				fields = append(fields, n)
			}
			for _, sets := range g.seen {
				for _, set := range sets {
					fields = append(fields, len(set))
				}
			}
			rows = append(rows, line(fields...))
		}
		return rows
	},
	"q19": func(in input) (rows []string) {
		byAuction := map[int64][]generator.Bid{}
		for _, b := range in.bids {
			byAuction[b.Auction] = append(byAuction[b.Auction], b)
		}
		for _, bids := range byAuction {
			slices.SortStableFunc(bids, func(a, b generator.Bid) int { return cmp.Compare(b.Price, a.Price) })
			for i, b := range bids[:min(10, len(bids))] {
				rows = append(rows, line(b.Auction, b.Bidder, b.Price, b.Channel, b.URL, b.DateTime, b.Extra, i+1))
			}
		}
		return rows
	},
	"q23": func(in input) (rows []string) {
		for _, p := range in.persons {
			for _, a := range in.auctions {
				if a.Seller != p.ID {
					continue
				}
				for _, b := range in.bids {
					if b.Bidder == p.ID {
						rows = append(rows, line(b.Bidder, b.Price, b.Channel, b.URL, b.Extra, p.ID, p.Name, p.Email, p.CreditCard, p.City, p.State, p.Extra,
							a.ItemName, a.Description, a.InitialBid, a.Reserve, a.DateTime, a.Expires, a.Seller, a.Category, a.Extra))
					}
				}
			}
		}
		return rows
	},
}
