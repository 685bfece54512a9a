package jobs

import (
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/stream"
)

func TestTheResultsOfAllCasesAreRight(t *testing.T) {
	for _, c := range Cases() {
		t.Run(c.Letter, func(t *testing.T) {
			outcome, err := Run(Order{Letter: c.Letter, Check: true})
			if err != nil {
				t.Fatal(err)
			}
			if outcome.Records != c.SmokeRecords || outcome.Seconds <= 0 || outcome.Allocations == 0 {
				t.Errorf("measured %+v", outcome)
			}
		})
	}
}

func TestAnUnknownCaseIsRefused(t *testing.T) {
	if _, err := Run(Order{Letter: "z"}); err == nil || !strings.Contains(err.Error(), `"z"`) {
		t.Errorf("got %v", err)
	}
}

func TestCountsMustFollowEachOther(t *testing.T) {
	c := counted[string]{}
	for _, result := range []stream.KeyCount[string]{{Key: "a", Count: 1}, {Key: "b", Count: 1}, {Key: "a", Count: 2}} {
		if err := c.take(result); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.records(); got != 3 {
		t.Errorf("the counts stand for %d records, not 3", got)
	}
	for _, wrong := range []int64{1, 2, 4} {
		if err := c.take(stream.KeyCount[string]{Key: "a", Count: wrong}); err == nil {
			t.Errorf("count %d is taken after 2", wrong)
		}
	}
}

func TestPassedNumbersStandForTheDroppedOnes(t *testing.T) {
	p := passed{}
	for x := int64(1); x <= 80; x++ {
		err := p.take(x)
		if dropped := x%8 == 0; dropped != (err != nil) {
			t.Errorf("%d: %v", x, err)
		}
	}
	if err := p.take(7); err == nil {
		t.Error("a number that comes twice is taken")
	}
	if got := p.records(); got != 80 {
		t.Errorf("they stand for %d records, not 80", got)
	}
}

func TestWordsAreThoseOfTheirNumbers(t *testing.T) {
	r, again := seed(1), seed(1)
	words := make([]string, 1000)
	fillWords(&r, 10, words)
	distinct := map[string]bool{}
	for _, word := range words {
		if len(word) != wordLength || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Fatalf("%q is no word of %d letters", word, wordLength)
		}
		distinct[word] = true
	}
	if len(distinct) != 10 {
		t.Errorf("%d distinct words, not 10", len(distinct))
	}
	repeated := make([]string, 1)
	if fillWords(&again, 10, repeated); repeated[0] != words[0] {
		t.Errorf("the same numbers gave %q and %q", words[0], repeated[0])
	}
}
