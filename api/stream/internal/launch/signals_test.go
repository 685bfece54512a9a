package launch

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/graph"
)

// Each line is an event and what the conduct wants done then.
func TestConduct(t *testing.T) {
	for name, script := range map[string]string{
		"nobody asks":                      "submitted: / finished: exit 0",
		"a failure":                        "submitted: / failed: exit 1",
		"canceled by somebody else":        "submitted: / canceled: exit 1",
		"Ctrl-C":                           "submitted: / int: tell cancel / canceled: exit 130",
		"Ctrl-C too late":                  "submitted: / int: tell cancel / finished: exit 0",
		"Ctrl-C, failure":                  "submitted: / int: tell cancel / failed: exit 1",
		"Ctrl-C twice":                     "submitted: / int: tell cancel / int: exit 137 / canceled:",
		"Ctrl-C while submitting":          "int: tell / submitted: cancel / canceled: exit 130",
		"Ctrl-C twice while submitting":    "int: tell / int: exit 137 / submitted:",
		"submission fails":                 "failed: exit 1",
		"submission fails after Ctrl-C":    "int: tell / failed: exit 1",
		"SIGTERM":                          "submitted: / term: tell drain / canceled: exit 143",
		"SIGTERM, drained to the end":      "submitted: / term: tell drain / finished: exit 143",
		"SIGTERM, failure":                 "submitted: / term: tell drain / failed: exit 1",
		"SIGTERM, no drain":                "submitted: / term: tell drain / undrained: tell cancel / canceled: exit 143",
		"SIGTERM twice":                    "submitted: / term: tell drain / term: tell cancel / undrained: / canceled: exit 143",
		"SIGTERM three times":              "submitted: / term: tell drain / term: tell cancel / term: / canceled: exit 143",
		"SIGTERM, Ctrl-C":                  "submitted: / term: tell drain / int: tell cancel / canceled: exit 143",
		"SIGTERM, Ctrl-C twice":            "submitted: / term: tell drain / int: tell cancel / int: exit 137",
		"SIGTERM, no drain, Ctrl-C":        "submitted: / term: tell drain / undrained: tell cancel / int: exit 137",
		"Ctrl-C, SIGTERM":                  "submitted: / int: tell cancel / term: / canceled: exit 130",
		"SIGTERM while submitting":         "term: tell / submitted: drain / finished: exit 143",
		"SIGTERM, Ctrl-C while submitting": "term: tell / int: tell / submitted: cancel / canceled: exit 143",
		"drained, but the news come late":  "submitted: / term: tell drain / canceled: exit 143 / undrained:",
	} {
		var c conduct
		for line := range strings.SplitSeq(script, "/") {
			event, want, _ := strings.Cut(strings.TrimSpace(line), ":")
			if got := commands(c.step(events[event])); got != strings.TrimSpace(want) {
				t.Errorf("%s: at %s it wants %q, expected %q", name, event, got, strings.TrimSpace(want))
			}
		}
	}
}

var events = map[string]event{
	"submitted": submitted{}, "int": interrupted{}, "term": terminated{}, "undrained": drainFailed{errors.New("no")},
	"finished": ended{graph.JobFinished}, "failed": ended{graph.JobFailed}, "canceled": ended{graph.JobCanceled},
}

func commands(all []command) string {
	var words []string
	for _, c := range all {
		switch c := c.(type) {
		case tell:
			words = append(words, "tell")
		case drainJob:
			words = append(words, "drain")
		case cancelJob:
			words = append(words, "cancel")
		case exit:
			words = append(words, fmt.Sprint("exit ", c.code))
		}
	}
	return strings.Join(words, " ")
}

// Whatever comes in whatever order, a second Ctrl-C ends the process at the latest, and nothing is wanted after its end.
func TestConductEndsAfterTwoInterrupts(t *testing.T) {
	kinds := []string{"submitted", "int", "term", "undrained", "finished", "failed", "canceled"}
	var try func(history []string)
	try = func(history []string) {
		var c conduct
		interrupts, exits := 0, 0
		for _, kind := range history {
			for _, command := range c.step(events[kind]) {
				if exits > 0 {
					t.Fatalf("%v: a command after the end", history)
				}
				if _, ok := command.(exit); ok {
					exits++
				}
			}
			if kind == "int" {
				interrupts++
			}
			if interrupts >= 2 && exits == 0 {
				t.Fatalf("%v: the process goes on", history)
			}
		}
		if len(history) == 5 {
			return
		}
		for _, kind := range kinds {
			try(append(history[:len(history):len(history)], kind))
		}
	}
	try(nil)
}
