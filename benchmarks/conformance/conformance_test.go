package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// counts are how many vectors there are of each topic, and in how many of them windows are sliced and pre-aggregated.
var counts = map[string]struct{ vectors, sliced, preAggregated int }{
	"async-io": {50, 0, 0}, "cep": {156, 0, 0}, "evictors": {39, 0, 0}, "joins": {74, 0, 0}, "process": {70, 0, 0}, "rescale": {77, 0, 0},
	"rolling": {40, 0, 0}, "state-ttl": {108, 0, 0}, "triggers": {124, 0, 0}, "watermarks": {121, 0, 0},
	"windows-event-time": {116, 21, 12}, "windows-processing-time": {31, 5, 0},
}

// TestFlinksVectors replays what Flink 2.3.0's operators do.
func TestFlinksVectors(t *testing.T) {
	topics, err := readTopics([]string{"testdata"})
	if err != nil {
		t.Fatal(err)
	}
	if len(topics) != len(counts) {
		t.Errorf("%d topics, want %d", len(topics), len(counts))
	}
	for _, topic := range topics {
		t.Run(topic.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			got := topic.runAll(options{backends: allBackends}, &out)
			if got.failed > 0 {
				t.Errorf("%d vectors failed:\n%s", got.failed, first(&out, 40))
			}
			want := counts[topic.name]
			if n := got.passed + got.failed + got.skipped; n != want.vectors {
				t.Errorf("%d vectors, want %d", n, want.vectors)
			}
			if got.skipped > 0 != topic.skipped() {
				t.Errorf("%d vectors were skipped", got.skipped)
			}
			if got.sliced != want.sliced || got.preAggregated != want.preAggregated {
				t.Errorf("windows were sliced in %d vectors and pre-aggregated in %d, want %d and %d", got.sliced, got.preAggregated, want.sliced, want.preAggregated)
			}
		})
	}
}

// TestMoreOfFlinksVectors replays what Flink 2.3.0's operators do with settings that the other vectors have not: triggers in triggers,
// timers of several windows at one time, joins with evictors, inputs that are all idle.
func TestMoreOfFlinksVectors(t *testing.T) {
	topics, err := readTopics([]string{"testdata/more"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if total := runTopics(topics, options{backends: allBackends}, &out); total.failed > 0 || total.passed < 90 {
		t.Errorf("%d vectors passed and %d failed:\n%s", total.passed, total.failed, first(&out, 40))
	}
}

// TestRecordsAtTheEndsOfTime has records whose windows would reach beyond the first or the last millisecond: they are in no
// window, and hold up nothing. Flink's times overflow there, so this is not what it does.
func TestRecordsAtTheEndsOfTime(t *testing.T) {
	const (
		steps = `[{"element": {"key": "a", "value": 1, "ts": 9223372036854775806}}, {"element": {"key": "a", "value": 2, "ts": -9223372036854775807}},
			{"element": {"key": "a", "value": 4, "ts": -9223372036854775800}}, {"element": {"key": "a", "value": 8, "ts": 9}},
			{"element": {"key": "a", "value": 16, "ts": 9223372036854775807}}, {"watermark": -5}, {"watermark": 9}, {"endOfInput": true}]`
		outputs = `[[], [], [], [], [], [{"watermark": -5}], [{"record": {"key": "a", "start": 0, "end": 10, "sum": 8}, "ts": 9}, {"watermark": 9}],
			[{"watermark": 9223372036854775807}]]`
	)
	for _, operator := range []string{
		`{"kind": "window", "assigner": "tumbling-event", "size": 10, "function": "reduce-sum-window"}`,
		`{"kind": "window", "assigner": "tumbling-event", "size": 10, "function": "reduce-sum-window", "trigger": "purging(event-time)"}`,
		`{"kind": "window", "assigner": "sliding-event", "size": 10, "slide": 1000, "function": "reduce-sum-window"}`,
		`{"kind": "window", "assigner": "sliding-event", "size": 10, "slide": 1000, "function": "reduce-sum-window", "trigger": "purging(event-time)"}`,
	} {
		if problems, _ := vectorOf(t, operator, steps, outputs).run(allBackends); len(problems) > 0 {
			t.Errorf("%s: %s", operator, problems)
		}
	}
}

// TestSessionAtTheEndOfTime has a session that would last beyond the last millisecond: it ends with event time.
func TestSessionAtTheEndOfTime(t *testing.T) {
	session := `{"kind": "window", "assigner": "session-event", "gap": 10, "function": "reduce-sum"}`
	steps := `[{"element": {"key": "a", "value": 1, "ts": 9223372036854775800}}, {"element": {"key": "a", "value": 2, "ts": 9223372036854775801}}, {"watermark": 9223372036854775805}, {"endOfInput": true}]`
	outputs := `[[], [], [{"watermark": 9223372036854775805}], [{"record": {"key": "a", "n": 0, "value": 3}, "ts": 9223372036854775806}, {"watermark": 9223372036854775807}]]`
	if problems, _ := vectorOf(t, session, steps, outputs).run(allBackends); len(problems) > 0 {
		t.Error(problems)
	}
}

func first(out *bytes.Buffer, lines int) string {
	all := strings.SplitAfter(out.String(), "\n")
	return strings.Join(all[:min(lines, len(all))], "")
}

// vectorOf reads a vector of steps and outputs for an operator.
func vectorOf(t *testing.T, operator, steps, outputs string) *vector {
	t.Helper()
	v, err := topic{name: "made"}.read(fmt.Appendf(nil, `{"name": "v", "operator": %s, "steps": %s, "outputs": %s}`, operator, steps, outputs))
	if err != nil {
		t.Fatal(err)
	}
	return &v
}

// TestDifferencesAreFound changes what a vector expects, in one thing after the other.
func TestDifferencesAreFound(t *testing.T) {
	const (
		operator = `{"kind": "rolling", "function": "sum"}`
		steps    = `[{"element": {"key": "a", "value": 1, "ts": 5}}, {"element": {"key": "a", "value": 2}}, {"watermark": 7}]`
		right    = `[[{"record": {"key": "a", "value": 1, "n": 0}, "ts": 5}], [{"record": {"key": "a", "n": 0, "value": 3}}], [{"watermark": 7}]]`
	)
	if problems, _ := vectorOf(t, operator, steps, right).run(allBackends); len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, change := range [][2]string{
		{`"value": 3`, `"value": 4`}, {`"ts": 5`, `"ts": 6`}, {`, "ts": 5`, ``}, {`"value": 3}`, `"value": 3}, "ts": 5`},
		{`{"watermark": 7}`, `{"watermark": 8}`}, {`{"watermark": 7}`, ``}, {`{"watermark": 7}`, `{"watermark": 7}, {"status": "idle"}`},
		{`{"watermark": 7}`, `{"side": "late", "record": {"key": "a"}}, {"watermark": 7}`},
	} {
		wrong := strings.Replace(right, change[0], change[1], 1)
		if problems, _ := vectorOf(t, operator, steps, wrong).run(allBackends); len(problems) != len(allBackends) {
			t.Errorf("%s in place of %s: found %q", change[1], change[0], problems)
		}
	}
}

// TestTheUnknownIsNotPassedOver has what this command does not understand.
func TestTheUnknownIsNotPassedOver(t *testing.T) {
	for operator, want := range map[string]string{
		`{"kind": "teleport"}`: `operator kind "teleport"`,
		`{"kind": "rolling", "function": "sum", "precision": 3}`:                                                      `precision=3`,
		`{"kind": "rolling", "function": "median"}`:                                                                   `"median"`,
		`{"kind": "window", "assigner": "tumbling-event", "size": 5, "function": "elems", "trigger": "sometimes(3)"}`: `"sometimes(3)"`,
		`{"kind": "window", "assigner": "tumbling-event", "size": "5", "function": "elems"}`:                          `parameter size`,
		`{"kind": "window", "assigner": "tumbling-event", "size": 5, "function": "elems", "trigger": "count()"}`:      `count()`,
		`{"kind": "window", "assigner": "tumbling-event", "size": 5, "offset": 9, "function": "elems"}`:               `offset 9ms`,
		`{"kind": "asyncIO", "mode": "ordered", "onTimeout": "give up"}`:                                              `give up`,
	} {
		problems, _ := vectorOf(t, operator, `[]`, `[]`).run([]string{"hashmap"})
		if len(problems) == 0 || !strings.Contains(problems[0], want) {
			t.Errorf("%s: %q, want %s", operator, problems, want)
		}
	}
	for _, line := range []string{
		`{"name": "v", "operator": {}, "steps": [{"teleport": 1}], "outputs": [[]]}`, `{"name": "v", "operator": {}, "steps": [], "outputs": [[]]}`,
		`{"name": "v", "operator": {}, "steps": [], "outputs": [], "verdict": true}`,
	} {
		if _, err := (topic{name: "made"}).read([]byte(line)); err == nil {
			t.Errorf("%s was taken for a vector", line)
		}
	}
}

// TestFreedomOfOrder has outputs whose order is free, and such whose order is not.
func TestFreedomOfOrder(t *testing.T) {
	items := func(text string) []item {
		return vectorOf(t, `{}`, `[{"watermark": 1}]`, "["+text+"]").Outputs[0]
	}
	a, b, a2, mark := `{"record": {"key": "a", "n": 1, "elems": [1, 2]}}`, `{"record": {"key": "b"}}`, `{"record": {"key": "a", "n": 2}}`, `{"watermark": 5}`
	w1, w2 := `{"record": {"key": "a", "keyFirings": 1}, "ts": 9}`, `{"record": {"key": "a", "keyFirings": 2}, "ts": 19}`
	w1Last, w2First := strings.Replace(w1, "1", "2", 1), strings.Replace(w2, "2", "1", 1)
	again := `{"record": {"key": "a", "n": 3}, "ts": 9}`
	turned := `{"record": {"key": "a", "n": 1, "elems": [2, 1]}}`
	join := func(parts ...string) []item { return items("[" + strings.Join(parts, ",") + "]") }
	for name, c := range map[string]struct {
		p         program
		got, want []item
		equal     bool
	}{
		"keys":                     {program{}, join(b, a), join(a, b), true},
		"one key":                  {program{}, join(a2, a), join(a, a2), false},
		"one key, unordered":       {program{unordered: true}, join(a2, a), join(a, a2), true},
		"watermark":                {program{}, join(mark, a), join(a, mark), false},
		"subtasks":                 {program{parallelism: 2}, join(a, mark, b, mark), join(a, b, mark, mark), true},
		"subtasks, after the last": {program{parallelism: 2}, join(mark, a), join(a, mark), false},
		"sets":                     {program{sets: []string{"elems"}}, join(turned), join(a), true},
		"lists":                    {program{}, join(turned), join(a), false},
		"tied windows":             {program{tied: true}, join(w2First, w1Last), join(w1, w2), true},
		"windows that are not":     {program{}, join(w2First, w1Last), join(w1, w2), false},
		"one of tied windows":      {program{tied: true}, join(again, w1), join(w1, again), false},
		"one more":                 {program{}, join(a, a), join(a), false},
	} {
		if got := c.p.compare(c.got, c.want) == ""; got != c.equal {
			t.Errorf("%s: equal is %v, want %v", name, got, c.equal)
		}
	}
}

func TestLinesAndSelection(t *testing.T) {
	topics, err := readTopics([]string{"testdata"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	total := runTopics(topics, options{backends: []string{"hashmap"}, run: regexp.MustCompile(`^(rolling/sum/hand|cep/)`), verbose: true}, &out)
	text := out.String()
	if total.failed != 0 || total.skipped != counts["cep"].vectors || !strings.Contains(text, "pass rolling/sum/hand-0\n") ||
		!strings.HasSuffix(text, fmt.Sprintf("\n%d passed, 0 failed, %d skipped\n", total.passed, total.skipped)) {
		t.Errorf("it printed\n%s", text)
	}
}
