// Package statetest has the conformance suite that every state backend passes: random operations on all kinds of state,
// compared with plain Go maps.
package statetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// Pair is a key of two words.
type Pair struct{ User, Item int64 }

// Wide is a key of more words than two.
type Wide struct{ A, B, C, D int64 }

// Mixed is a key of varying length that is not a string.
type Mixed struct {
	Name string
	N    int32
}

// Backends makes the backend under test for each type of key that the suite uses, neither opened nor used yet. A type that is
// nil is left out.
type Backends struct {
	Int64  Make[int64]
	String Make[string]
	Pair   Make[Pair]
	Wide   Make[Wide]
	Mixed  Make[Mixed]
	// Slack is how many bytes a backend may go on to hold beyond what it needs.
	Slack int64
}

// Make makes an unopened backend for the keys of some key groups.
type Make[K any] func(keys state.Keys[K], groups keygroup.Range, maxParallelism int) (state.Backend[K], error)

// Run runs the suite.
func Run(t *testing.T, backends Backends) {
	run(t, "int64", backends.Slack, backends.Int64, int64Key)
	run(t, "string/short", backends.Slack, backends.String, func(i int) string { return strings.Repeat("ab", i%8)[i%8/2:] + fmt.Sprint(i) })
	run(t, "string/long", backends.Slack, backends.String, func(i int) string {
		return fmt.Sprintf("a key that shares its beginning %d%s", i, strings.Repeat("x", i%90))
	})
	run(t, "string/mixed", backends.Slack, backends.String, func(i int) string { return strings.Repeat("z", i) })
	run(t, "pair", backends.Slack, backends.Pair, pairKey)
	run(t, "wide", backends.Slack, backends.Wide, wideKey)
	run(t, "mixed", backends.Slack, backends.Mixed, mixedKey)
}

func int64Key(i int) int64   { return int64(i-5) * 7919 }
func stringKey(i int) string { return strings.Repeat("key ", i%12) + fmt.Sprint(i) }
func pairKey(i int) Pair     { return Pair{int64(i % 7), int64(i / 7)} }
func wideKey(i int) Wide     { return Wide{1, int64(i % 3), int64(i / 3), 2} }
func mixedKey(i int) Mixed   { return Mixed{strings.Repeat("m", i%40), int32(i / 40)} }

func run[K comparable](t *testing.T, name string, slack int64, open Make[K], key func(i int) K) {
	if open == nil {
		return
	}
	t.Run(name, func(t *testing.T) {
		keys, err := codec.ForKey[K]()
		if err != nil {
			t.Fatal(err)
		}
		suite := &suite[K]{make: open, slack: slack, codec: keys, key: key}
		for _, test := range []struct {
			name string
			run  func(*testing.T)
		}{
			{"random operations", func(t *testing.T) { suite.random(t, 700, 15_000) }},
			{"few keys", func(t *testing.T) { suite.random(t, 3, 3_000) }},
			{"upsert", suite.upsert},
			{"upsert beside handles", suite.mixed},
			{"visit and change", suite.visit},
			{"long lists and maps", suite.large},
			{"map changed while iterated", suite.iterated},
			{"equal lower halves of hashes", suite.colliding},
			{"fill and clear", suite.cycles},
			{"scan", suite.scan},
			{"refusals", suite.refusals},
		} {
			t.Run(test.name, test.run)
		}
	})
}
