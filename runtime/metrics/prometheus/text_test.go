package prometheus

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/metrics"
)

var (
	helpLine   = regexp.MustCompile(`^# HELP (\S+) (\S+) \(scope: (\S+)\)$`)
	sampleLine = regexp.MustCompile(`^([^{ ]+)(?:\{(.*)\})? (\S+)$`)
	labelText  = regexp.MustCompile(`([^=,]+)="([^"]*)",`)
)

// sorted writes a text line by line with the labels of each in order, and all lines in order.
func sorted(text string) []string {
	var lines []string
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		if m := sampleLine.FindStringSubmatch(l); m != nil && !strings.HasPrefix(l, "#") {
			labels := labelText.FindAllString(m[2], -1)
			slices.Sort(labels)
			l = m[1] + "{" + strings.Join(labels, "") + "} " + m[3]
		}
		lines = append(lines, l)
	}
	slices.Sort(lines)
	return lines
}

// recordedSamples makes samples that must give a recorded text. What Flink calls a scope is taken apart into level and groups.
func recordedSamples(t *testing.T, text string) []metrics.Sample {
	t.Helper()
	names := []string{"taskmanager_job_task_operator", "jobmanager_job_operator", "taskmanager_job_task", "taskmanager_job", "jobmanager_job", "taskmanager", "jobmanager"}
	level := map[string]metrics.Level{"jobmanager_job_operator": metrics.LevelOperator}
	for l, name := range levels {
		level[name] = l
	}
	var samples []metrics.Sample
	var name, scope string
	summaries := map[string]*metrics.HistogramStatistics{}
	scopes := map[string]*metrics.Scope{}
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		if m := helpLine.FindStringSubmatch(l); m != nil {
			name, scope = m[2], m[3]
		}
		m := sampleLine.FindStringSubmatch(l)
		if m == nil || strings.HasPrefix(l, "#") {
			continue
		}
		made := &metrics.Scope{}
		for _, prefix := range names {
			if rest, ok := strings.CutPrefix(scope, prefix); ok {
				made.Level = level[prefix]
				if rest != "" {
					made.UserLogical = strings.Split(strings.TrimPrefix(rest, "_"), "_")
				}
				break
			}
		}
		quantile := ""
		for _, pair := range labelText.FindAllStringSubmatch(m[2], -1) {
			if pair[1] == "quantile" {
				quantile = pair[2]
				continue
			}
			made.Variables = append(made.Variables, metrics.Variable{Name: pair[1], Value: pair[2]})
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			t.Fatal(l)
		}
		key := fmt.Sprint(name, made.Variables)
		switch {
		case strings.HasSuffix(m[1], "_count"):
			summaries[key], scopes[key] = &metrics.HistogramStatistics{Count: int64(value)}, made
		case quantile != "":
			h := summaries[key]
			*map[string]*float64{"0.5": &h.Median, "0.75": &h.P75, "0.95": &h.P95, "0.98": &h.P98, "0.99": &h.P99, "0.999": &h.P999}[quantile] = value
			if quantile == "0.999" {
				samples = append(samples, metrics.Sample{Scope: scopes[key], Name: name, Kind: metrics.KindHistogram, Value: *h})
			}
		default:
			samples = append(samples, metrics.Sample{Scope: made, Name: name, Kind: metrics.KindGauge, Value: value})
		}
	}
	return samples
}

// What a real reporter has shown comes out again, line by line.
func TestTheFormIsFlinks(t *testing.T) {
	for _, file := range []string{"jobmanager", "taskmanager"} {
		recorded, err := os.ReadFile("testdata/" + file + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		var written bytes.Buffer
		if err := Write(&written, recordedSamples(t, string(recorded))); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sorted(string(recorded)), sorted(written.String())); diff != "" {
			t.Errorf("%s: -recorded +written\n%.3000s", file, diff)
		}
	}
}

func TestRegistryToText(t *testing.T) {
	registry := metrics.NewRegistry(clock.NewManual(time.Unix(0, 0)), nil)
	tm := registry.Root(metrics.LevelTaskManager, metrics.Variable{Name: metrics.Host, Value: "h"}, metrics.Variable{Name: metrics.TaskManagerID, Value: "h:1-a"})
	operator := tm.Child(metrics.LevelTaskManagerJob, metrics.Variable{Name: metrics.JobName, Value: "rest-steady"}).Child(metrics.LevelTask).
		Child(metrics.LevelOperator, metrics.Variable{Name: metrics.OperatorName, Value: "Source: Numbers -> \"x\""})
	operator.Counter("numRecordsIn").Add(7)
	operator.AddPair("topic", "a.b").Add("lag").SharedCounter("now").Add(12_345_678)
	operator.Histogram("size").Update(3)
	metrics.Gauge(tm, "text", func() string { return "/a/path" })
	metrics.Gauge(tm, "on", func() bool { return true })
	recorder := httptest.NewRecorder()
	Of(func(context.Context) []metrics.Sample { return registry.Snapshot() }).ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	if got := recorder.Header().Get("Content-Type"); got != ContentType {
		t.Error(got)
	}
	const labels = `host="h",tm_id="h:1_a",job_name="rest_steady",operator_name="Source:_Numbers_____x_",`
	const at = "flink_taskmanager_job_task_operator_"
	want := []string{
		"# HELP flink_taskmanager_on on (scope: taskmanager)", "# TYPE flink_taskmanager_on gauge", `flink_taskmanager_on{host="h",tm_id="h:1_a",} 1.0`,
		"# HELP flink_taskmanager_text text (scope: taskmanager)", "# TYPE flink_taskmanager_text gauge", `flink_taskmanager_text{host="h",tm_id="h:1_a",} 0.0`,
		"# HELP " + at + "numRecordsIn numRecordsIn (scope: taskmanager_job_task_operator)", "# TYPE " + at + "numRecordsIn gauge", at + "numRecordsIn{" + labels + "} 7.0",
		"# HELP " + at + "size size (scope: taskmanager_job_task_operator)", "# TYPE " + at + "size summary", at + "size_count{" + labels + "} 1.0",
	}
	for _, q := range []string{"0.5", "0.75", "0.95", "0.98", "0.99", "0.999"} {
		want = append(want, at+"size{"+labels+`quantile="`+q+`",} 3.0`)
	}
	want = append(want, "# HELP "+at+"topic_lag_now now (scope: taskmanager_job_task_operator_topic_lag)", "# TYPE "+at+"topic_lag_now gauge",
		at+"topic_lag_now{"+labels+`topic="a_b",} 1.2345678E7`)
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(recorder.Body.String()), "\n")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestClashesAndOddNames(t *testing.T) {
	scope := &metrics.Scope{Level: metrics.LevelJobManager}
	twice := &metrics.Scope{Level: metrics.LevelJobManager, Variables: []metrics.Variable{{Name: "a", Value: "1"}, {Name: "9:b", Value: "x"}, {Name: "a", Value: "2"}}}
	var text bytes.Buffer
	if err := Write(&text, []metrics.Sample{
		{Scope: scope, Name: "n", Value: int64(1)}, {Scope: scope, Name: "n", Value: int64(2)}, {Scope: scope, Name: "n", Value: metrics.HistogramStatistics{}},
		{Scope: twice, Name: "n", Value: metrics.MeterValue{Count: 9, Rate: 0.5}}, {Scope: scope, Name: "a b\nc", Value: "text"},
	}); err != nil {
		t.Fatal(err)
	}
	want := "# HELP flink_jobmanager_n n (scope: jobmanager)\n# TYPE flink_jobmanager_n gauge\nflink_jobmanager_n 1.0\nflink_jobmanager_n{_9_b=\"x\",a=\"2\",} 0.5\n" +
		"# HELP flink_jobmanager_a_b_c a b\\nc (scope: jobmanager)\n# TYPE flink_jobmanager_a_b_c gauge\nflink_jobmanager_a_b_c 0.0\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestListenTakesTheFirstFreePort(t *testing.T) {
	first, err := ListenFirst("127.0.0.1", "0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, port, _ := strings.Cut(first.Addr().String(), ":")
	second, err := ListenFirst("127.0.0.1", port+",0")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if first.Addr().String() == second.Addr().String() {
		t.Error(second.Addr().String())
	}
	if _, err := ListenFirst("127.0.0.1", port); err == nil || !strings.Contains(err.Error(), port) {
		t.Errorf("a port that is taken: %v", err)
	}
	for _, bad := range []string{"", "x", "9-8", "70000", "1-", "-1"} {
		if _, err := ListenFirst("127.0.0.1", bad); err == nil || !strings.Contains(err.Error(), "cannot read the ports") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
