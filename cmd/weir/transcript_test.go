package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// step is a command of a transcript with what it prints.
type step struct {
	command string
	printed []string
}

// transcript reads the block of a page that begins with the start of a cluster.
func transcript(t *testing.T, page string) (steps []step) {
	t.Helper()
	_, block, found := strings.Cut(page, "```console\n$ weir start-cluster")
	block, _, closed := strings.Cut("$ weir start-cluster"+block, "\n```")
	if !found || !closed {
		t.Fatal("the README has no transcript of a cluster")
	}
	for _, line := range strings.Split(block, "\n") {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			steps = append(steps, step{command: command})
			continue
		}
		last := &steps[len(steps)-1]
		last.printed = append(last.printed, line)
	}
	return steps
}

// varying are the parts of what is printed that differ from run to run.
var varying = []struct {
	*regexp.Regexp
	to string
}{
	{regexp.MustCompile(` at revision [0-9a-f]{40}( with changes that are not committed)?|, whose revision is not known`), "<revision>"},
	{regexp.MustCompile(`[0-9a-f]{32}`), "<job>"},
	{regexp.MustCompile(`\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d`), "<time>"},
	{regexp.MustCompile(`process \d+`), "process <n>"},
	{regexp.MustCompile(`\d+ ms`), "<n> ms"},
	{regexp.MustCompile(`log ~?/\S+`), "log <file>"},
	{regexp.MustCompile(`(http://)?(localhost|127\.0\.0\.1):\d+`), "<address>"},
	{regexp.MustCompile(`/\S*savepoint-\S+`), "<savepoint>"},
}

func withoutVarying(text string) string {
	for _, v := range varying {
		text = v.ReplaceAllString(text, v.to)
	}
	return strings.TrimSpace(text)
}

// names are what a transcript calls by other names than a run does: ids of jobs, savepoints.
var names = []*regexp.Regexp{regexp.MustCompile(`JobID ([0-9a-f]{32})`), regexp.MustCompile(`Path: (\S+)`)}

// TestTheTranscriptOfTheREADME carries out what the README shows, and compares what is printed: what somebody reads there is what comes.
func TestTheTranscriptOfTheREADME(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	s.folder = "../.."
	here, err := filepath.Abs(s.folder)
	if err != nil {
		t.Fatal(err)
	}
	actual := strings.NewReplacer("/tmp/weir", t.TempDir(), "$PWD", here)
	called := map[string]string{}
	for _, step := range transcript(t, string(page)) {
		arguments := strings.Fields(step.command)[1:]
		for i, a := range arguments {
			if arguments[i] = called[a]; arguments[i] == "" {
				arguments[i] = actual.Replace(a)
			}
		}
		if arguments[0] == "start-cluster" {
			arguments = append(arguments, anyPorts...)
		}
		out, code := s.weir(arguments...)
		if code != exitDone {
			t.Fatalf("%s: %d, %s", step.command, code, out)
		}
		expected := strings.Join(step.printed, "\n")
		if got, want := withoutVarying(out), withoutVarying(expected); got != want {
			t.Errorf("%s\nprints\n%s\nand in the README\n%s", step.command, got, want)
		}
		for _, n := range names {
			in, there := n.FindStringSubmatch(expected), n.FindStringSubmatch(out)
			if in != nil && there != nil {
				called[in[1]] = there[1]
			}
		}
		if strings.Contains(step.command, "run -d") {
			s.awaitRunning(s.submitted(out))
		}
	}
	if len(called) < 5 {
		t.Errorf("the transcript has %d names", len(called))
	}
}
