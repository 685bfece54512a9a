package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/stream"
)

// TestTheJobWritesWhatItsDefinitionSays runs the job, whose output is otherwise compared with what Expected says.
func TestTheJobWritesWhatItsDefinitionSays(t *testing.T) {
	const records = 20_000
	env, err := stream.NewEnvironment("pipeline", "parallelism.default=2")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "out")
	ends := make(chan struct{}, users)
	Build(env, Order{Records: records, Output: folder, AtEnd: func() { ends <- struct{}{} }})
	if _, err := env.Execute(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(ends) == 0 {
		t.Error("the job was not told of the end of its input")
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
	}
	got = slices.DeleteFunc(got, func(line string) bool { return line == "" }) // of the mark
	want := Expected(records)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("%d lines, want %d; line %d is\n%q, want\n%q", len(got), len(want), i, got[i], want[i])
			}
		}
		t.Fatalf("%d lines, want %d", len(got), len(want))
	}
}

// TestEachClickIsExpectedOnce: what is expected has each click once in the buckets and once in the totals, and four times in the windows.
func TestEachClickIsExpectedOnce(t *testing.T) {
	const records = 12_345
	var inBuckets, inTotals, inWindows, both int64
	for _, line := range Expected(records) {
		fields := strings.Fields(line)
		clicks := Clicks(line)
		switch {
		case fields[0] == "both":
			both++
		case fields[0] == "item":
			inWindows += number(t, fields[3])
		case fields[2] == "-1:":
			inTotals += number(t, fields[3])
		default:
			if clicks != number(t, fields[3]) {
				t.Errorf("%q stands for %d clicks", line, clicks)
			}
		}
		inBuckets += clicks
	}
	if inBuckets != records || inTotals != records || inWindows != 4*records || both == 0 {
		t.Errorf("%d clicks in buckets, %d in totals, %d in windows, %d pairs, of %d records", inBuckets, inTotals, inWindows, both, records)
	}
}

func number(t *testing.T, digits string) (n int64) {
	t.Helper()
	for _, d := range digits {
		n = 10*n + int64(d-'0')
	}
	return n
}
