// Package generator makes the events of the Nexmark benchmark: persons, auctions and bids of an online auction, as the
// generator of github.com/nexmark/nexmark does, but from fixed seeds, so that they are the same in every run. The proportions, hot
// ratios and sizes are its defaults.
package generator

import (
	"fmt"
	"math"
)

// Config says which events are made. All events follow from it.
type Config struct {
	// Events is how many are made, by all generators together.
	Events int64
	// Rate is how many events there are in a second of event time, over all generators.
	Rate float64
	// Generators make the events, each a share with ids of its own, on one time line.
	Generators int
	// OutOfOrderGroup is the number of neighbouring events that are mixed, so that times go back within it; 0 or 1 is none.
	OutOfOrderGroup int64
}

// Named returns one of the configurations of the reference data: C1, C2 or C3.
func Named(name string, events int64) (Config, error) {
	switch name {
	case "C1":
		return Config{Events: events, Rate: 10_000, Generators: 1}, nil
	case "C2":
		return Config{Events: events, Rate: 1_000, Generators: 1}, nil
	case "C3":
		return Config{Events: events, Rate: 10_000, Generators: 2}, nil
	}
	return Config{}, fmt.Errorf("there is no configuration %q: want C1, C2 or C3", name)
}

const (
	// baseTime is when event 0 would be: 2023-11-14T22:13:20Z, in milliseconds since the epoch.
	baseTime = 1_700_000_000_000
	// firstNumber is the number of the first event.
	firstNumber = 1
	// mostEvents keeps ids and times far from overflow.
	mostEvents = 1 << 40
)

// Check reports what is wrong with a configuration.
func (c Config) Check() error {
	switch {
	case c.Events < 0 || c.Events > mostEvents:
		return fmt.Errorf("nexmark generator: %d events: want 0 to %d", c.Events, int64(mostEvents))
	case !(c.Rate > 0) || math.IsInf(c.Rate, 0) || c.delay() > 1e9:
		return fmt.Errorf("nexmark generator: a rate of %v events a second: want more, at least 0.001 for each generator", c.Rate)
	case c.Generators < 1 || c.Generators > 1<<15:
		return fmt.Errorf("nexmark generator: %d generators: want 1 to 32768", c.Generators)
	case c.OutOfOrderGroup < 0 || c.OutOfOrderGroup > 1<<20:
		return fmt.Errorf("nexmark generator: out-of-order groups of %d events: want 0 to %d", c.OutOfOrderGroup, 1<<20)
	}
	return nil
}

// delay is the time from an event of a generator to its next one, in microseconds.
func (c Config) delay() float64 { return 1e6 / c.Rate * float64(c.Generators) }

// Share is how many events generator i makes: the last one makes what is left over.
func (c Config) Share(i int) int64 {
	share := c.Events / int64(c.Generators)
	if i == c.Generators-1 {
		return c.Events - share*int64(c.Generators-1)
	}
	return share
}

// firstID is where the ids of generator i begin.
func (c Config) firstID(i int) int64 { return 1 + int64(i)*(c.Events/int64(c.Generators)) }
