package main

import (
	"bytes"
	"strings"
	"testing"
)

func lastLine(t *testing.T, args ...string) (line string, failed bool) {
	t.Helper()
	var out bytes.Buffer
	failed = run(args, &out)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	return lines[len(lines)-1], failed
}

func TestTheLastLineIsTheTracesHash(t *testing.T) {
	first, failed := lastLine(t, "--seed", "3")
	again, _ := lastLine(t, "--seed", "3", "--verbose")
	if failed || first != again || !strings.HasPrefix(first, "trace ") {
		t.Errorf("%q, and then %q", first, again)
	}
	if other, _ := lastLine(t, "--seed", "4"); other == first {
		t.Errorf("another seed has the same trace, %q", other)
	}
}

func TestAFailureIsShownAndTold(t *testing.T) {
	var out bytes.Buffer
	if failed := run([]string{"--seed", "1", "--plant", "commit-first"}, &out); !failed || !strings.Contains(out.String(), "go run ./runtime/sim/cmd --seed 1 --verbose") {
		t.Error(out.String())
	}
	if line, failed := lastLine(t, "--seeds", "3", "--from", "5"); failed || line != "0 of 3 seeds have failed" {
		t.Error(line)
	}
}
