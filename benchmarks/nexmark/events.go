package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/weir-stream/weir/benchmarks/nexmark/generator"
)

func runEvents(arguments []string, out io.Writer) error {
	flags := pflag.NewFlagSet("nexmark events", pflag.ContinueOnError)
	name := flags.String("config", "C1", "`configuration`: C1, C2 or C3")
	count := flags.Int64("count", 1000, "`number` of events, of all generators together")
	hash := flags.Bool("hash", false, "print the hash of each generator's events in place of the events")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	config, err := generator.Named(*name, *count)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(out, 1<<20)
	for i := range config.Generators {
		g, err := generator.New(config, i)
		if err != nil {
			return err
		}
		if *hash {
			key := fmt.Sprint(*count)
			if config.Generators > 1 {
				key = fmt.Sprintf("%d/%d", *count, i)
			}
			fmt.Fprintf(buffered, "%s %s\n", key, hashEvents(g))
		} else if err := printEvents(buffered, g); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// hashEvents is the SHA-256 of the canonical lines of all events that are left.
func hashEvents(g *generator.Generator) string {
	sum, lines := sha256.New(), []byte(nil)
	eachBatch(g, func(_ int64, events []generator.Event) error {
		lines = lines[:0]
		for i := range events {
			lines = append(events[i].AppendLine(lines), '\n')
		}
		sum.Write(lines)
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))
}

// eachBatch calls f with all events that are left, and the number of the first of each batch.
func eachBatch(g *generator.Generator, f func(first int64, events []generator.Event) error) error {
	events, times := make([]generator.Event, 1024), make([]int64, 1024)
	for first := int64(0); g.Left() > 0; {
		n := g.Fill(events, times)
		if err := f(first, events[:n]); err != nil {
			return err
		}
		first += int64(n)
	}
	return nil
}

// printEvents prints one JSON object for each event.
func printEvents(out io.Writer, g *generator.Generator) error {
	return eachBatch(g, func(first int64, events []generator.Event) error {
		for i := range events {
			n := first + int64(i)
			if _, err := fmt.Fprintf(out, `{"n":%d,"eventId":%d,"timestamp":%d,%s}`+"\n", n, g.EventID(n), events[i].DateTime(), fields(&events[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// escaped is text as a part of a JSON string: of what needs escaping only the backslash occurs.
func escaped(text string) string { return strings.ReplaceAll(text, `\`, `\\`) }

// fields is the type and the fields of an event, as JSON has them.
func fields(e *generator.Event) string {
	var line strings.Builder
	number := func(name string, value int64) { fmt.Fprintf(&line, `,"%s":%d`, name, value) }
	text := func(name, value string) { fmt.Fprintf(&line, `,"%s":"%s"`, name, escaped(value)) }
	switch {
	case e.Person != nil:
		p := e.Person
		line.WriteString(`"type":"person"`)
		number("id", p.ID)
		text("name", p.Name)
		text("emailAddress", p.Email)
		text("creditCard", p.CreditCard)
		text("city", p.City)
		text("state", p.State)
		number("dateTime", p.DateTime)
		text("extra", p.Extra)
	case e.Auction != nil:
		a := e.Auction
		line.WriteString(`"type":"auction"`)
		number("id", a.ID)
		text("itemName", a.ItemName)
		text("description", a.Description)
		number("initialBid", a.InitialBid)
		number("reserve", a.Reserve)
		number("dateTime", a.DateTime)
		number("expires", a.Expires)
		number("seller", a.Seller)
		number("category", a.Category)
		text("extra", a.Extra)
	default:
		b := &e.Bid
		line.WriteString(`"type":"bid"`)
		number("auction", b.Auction)
		number("bidder", b.Bidder)
		number("price", b.Price)
		text("channel", b.Channel)
		text("url", b.URL)
		number("dateTime", b.DateTime)
		text("extra", b.Extra)
	}
	return line.String()
}
