package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/process"
)

func TestMain(m *testing.M) {
	if role, err := process.RoleOf(os.Getenv); err == nil && role != process.Local {
		stream.Main("isolation", build)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// TestNoJobHurtsAnother runs every evil job for a moment. How the neighbour's latency fares is for the benchmark to say, on a machine that does
// nothing else.
func TestNoJobHurtsAnother(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	weir := filepath.Join(t.TempDir(), "weir")
	if err := buildWeir(ctx, weir); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	folder := t.TempDir()
	failures, err := run(ctx, options{phase: 700 * time.Millisecond, rounds: 1, weir: weir}, evils, folder, &out)
	if err != nil {
		logs, _ := filepath.Glob(filepath.Join(folder, "log", "*taskmanager*.log"))
		for _, name := range logs {
			text, _ := os.ReadFile(name)
			t.Logf("%s:\n%.4000s", filepath.Base(name), text)
		}
		t.Fatal(err)
	}
	for _, e := range evils {
		if e.reason != "" && failures[e.name] == 0 {
			t.Errorf("%s never failed", e.name)
		}
	}
	t.Log(out.String())
}

func TestCompare(t *testing.T) {
	numbers := func(n ...int64) (all []arrival) {
		for _, number := range n {
			all = append(all, arrival{Number: number})
		}
		return all
	}
	for name, tc := range map[string]struct {
		arrivals       []arrival
		lost, repeated int64
	}{
		"all":      {numbers(2, 0, 1), 0, 0},
		"nothing":  {nil, 3, 0},
		"one lost": {numbers(0, 2), 1, 0},
		"doubled":  {numbers(0, 1, 2, 1), 0, 1},
		"foreign":  {numbers(0, 1, 2, 3, -1), 0, 2},
	} {
		if lost, repeated := compare(tc.arrivals, 3); lost != tc.lost || repeated != tc.repeated {
			t.Errorf("%s: %d lost, %d repeated", name, lost, repeated)
		}
	}
}

func TestLatenciesAreHeldAgainstThoseAlone(t *testing.T) {
	at := time.UnixMilli(1_000_000)
	var arrivals []arrival
	i := &isolating{options: options{alone: time.Second, strict: true}, out: new(bytes.Buffer), failures: map[string]int{}}
	add := func(name string, latency time.Duration) {
		p := phase{name: name, begun: at, end: at.Add(100)}
		i.phases = append(i.phases, p)
		for n := range int64(100) {
			arrivals = append(arrivals, arrival{Due: at.UnixNano() + n, Latency: int64(latency)})
		}
		at = p.end
	}
	add("", time.Millisecond)
	add("crash", 20*time.Millisecond)
	if err := i.latencies(arrivals); err != nil {
		t.Error(err)
	}
	add("leak", 22*time.Millisecond)
	if err := i.latencies(arrivals); err == nil {
		t.Error("22 ms beside 1 ms are fine")
	}
}
