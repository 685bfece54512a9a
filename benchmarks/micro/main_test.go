package main

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/benchmarks/micro/internal/jobs"
	"github.com/weir-stream/weir/benchmarks/micro/internal/latency"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		line  string
		modes []string
		want  func(options) bool
	}{
		{"", []string{"throughput"}, func(o options) bool { return o.cases == "abcdef" && !o.json }},
		{"--json", []string{"throughput"}, func(o options) bool { return o.json }},
		{"--cases bdf --runs 3", []string{"throughput"}, func(o options) bool { return o.cases == "bdf" && o.runs == 3 }},
		{"latency --duration 2s --json", []string{"latency"}, func(o options) bool { return o.duration == 2*time.Second && o.json }},
		{"--smoke idle", []string{"idle"}, func(o options) bool { return o.smoke }},
		{"all", []string{"throughput", "latency", "startup", "idle", "backpressure"}, func(options) bool { return true }},
	} {
		chosen, o, err := parse(strings.Fields(c.line))
		if err != nil {
			t.Errorf("%q: %v", c.line, err)
			continue
		}
		var names []string
		for _, m := range chosen {
			names = append(names, m.name)
		}
		if !slices.Equal(names, c.modes) || !c.want(o) {
			t.Errorf("%q chooses %v with %+v", c.line, names, o)
		}
	}
	for _, bad := range []string{"speed", "--runs -1", "--parallelism 0", "--runs many"} {
		if _, _, err := parse(strings.Fields(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestWhatTheCommandLineLeavesOpen(t *testing.T) {
	m := mode{name: "m", runs: 5, duration: time.Minute, smokeDuration: time.Second}
	if o := m.complete(options{}); o.runs != 5 || o.duration != time.Minute {
		t.Errorf("got %+v", o)
	}
	if o := m.complete(options{smoke: true}); o.runs != 1 || o.duration != time.Second {
		t.Errorf("smoke: got %+v", o)
	}
	if o := m.complete(options{smoke: true, runs: 2, duration: time.Hour}); o.runs != 2 || o.duration != time.Hour {
		t.Errorf("what was given is lost: %+v", o)
	}
}

// example is a case of which three pairs were measured; the second was disturbed.
func example() measured {
	run := func(seconds, limit, cpu float64, allocations uint64) pair {
		return pair{
			engine: jobs.Outcome{Records: 10_000_000, Seconds: seconds, Allocations: allocations},
			limit:  limitOutcome{Case: "a", Records: 20_000_000, Rate: limit}, engineCPU: cpu, limitCPU: 1,
			allocationsPerRecords: float64(allocations) / 10_000_000,
		}
	}
	c, _ := jobs.Find("a")
	return measured{c, []pair{run(1, 20, 1, 1000), run(4, 10, 3, 3000), run(0.5, 25, 2, 2000)}}
}

func TestARowHasMediansAndThePairedRatio(t *testing.T) {
	r := example().row()
	want := row{Case: "a", Records: 10_000_000, Seconds: 1, Rate: 10, Allocations: 0.0002, Limit: 20, Ratio: 0.5}
	if r != want {
		t.Errorf("got %+v, want %+v", r, want)
	}
	if got := example().engineCPU(); got != 200 {
		t.Errorf("%v ns of processor time a record, not 200", got)
	}
	if got := example().limitCPU(); got != 50 {
		t.Errorf("%v ns of processor time a record of limit, not 50", got)
	}
}

func TestTheFieldsOfJSON(t *testing.T) {
	encoded, err := json.Marshal(throughput{cases: []measured{example()}}.rows()[0])
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(encoded, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"case", "records", "seconds", "mrec_per_s", "allocs_per_record", "limit_mrec_per_s", "ratio"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("%s lacks %q", encoded, name)
		}
		delete(fields, name)
	}
	if len(fields) > 0 {
		t.Errorf("nobody expects %v", fields)
	}
}

func TestATableSaysWhichAimsAreMissed(t *testing.T) {
	m := example()
	if text := (throughput{cases: []measured{m}}).table(); !strings.Contains(text, "MISSED") || !strings.Contains(text, "26-36") {
		t.Errorf("a ratio of 0.5 passes, or Flink's figure is not there:\n%s", text)
	}
	m.Aim = 0.5
	if text := (throughput{cases: []measured{m}}).table(); strings.Contains(text, "MISSED") {
		t.Errorf("a ratio of 0.5 fails an aim of 0.5:\n%s", text)
	}
}

func TestAddedLatencyIsOfPairs(t *testing.T) {
	late := func(nanos int64) latency.Outcome { return latency.Outcome{Late: latency.Quantiles{P50: nanos}} }
	run := func(engine, bare int64) latencyRun {
		return latencyRun{late(engine), late(bare)}
	}
	_, _, added := quantiles[0].compare([]latencyRun{run(500_000, 490_000), run(900_000, 700_000), run(630_000, 600_000)})
	if math.Abs(added.Median-30) > 1e-9 {
		t.Errorf("%v us were added, not 30", added.Median)
	}
}

func TestReplaceBlock(t *testing.T) {
	text := "before\n<!-- results: x -->\nold\n<!-- end: x -->\nafter\n"
	got, err := replaceBlock(text, "x", "new\n")
	if want := "before\n<!-- results: x -->\n```text\nnew\n```\n<!-- end: x -->\nafter\n"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if again, err := replaceBlock(got, "x", "new\n"); err != nil || again != got {
		t.Errorf("a second time it is %q, %v", again, err)
	}
	if _, err := replaceBlock(text, "y", "new"); err == nil {
		t.Error("a text without the block is taken")
	}
}

func TestFlinkFiguresAreThereForAllCases(t *testing.T) {
	figures := readFlink()
	for _, c := range jobs.Cases() {
		if figures.Throughput[c.Letter] == "" {
			t.Errorf("case %s has none", c.Letter)
		}
	}
	if figures.Note == "" || figures.Latency == "" || figures.Startup == "" || figures.Idle == "" {
		t.Errorf("something is missing in %+v", figures)
	}
}
