// Package prometheus shows metrics as Flink's Prometheus reporter does: with its names, its labels and its types, in Prometheus's text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/), so that dashboards and alerts made for Flink find what they look for.
package prometheus

import (
	"bufio"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/weir-stream/weir/runtime/metrics"
)

// ContentType is that of what [Write] writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// family has the samples of one name, which Prometheus wants together.
type family struct {
	name, help string
	summary    bool
	lines      []line
	seen       map[string]bool // label sets that it has
}

type line struct{ suffix, labels, value string }

// Write writes samples. Where two say something of the same name and labels, or make a summary of one's name and a number of the other's, the first one counts.
func Write(w io.Writer, samples []metrics.Sample) error {
	out := bufio.NewWriter(w)
	for _, f := range familiesOf(samples) {
		kind := "gauge"
		if f.summary {
			kind = "summary"
		}
		parts := []string{"# HELP ", f.name, " ", f.help, "\n# TYPE ", f.name, " ", kind, "\n"}
		for _, l := range f.lines {
			parts = append(parts, f.name, l.suffix, l.labels, " ", l.value, "\n")
		}
		for _, part := range parts {
			if _, err := out.WriteString(part); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

func familiesOf(samples []metrics.Sample) []*family {
	var order []*family
	byName := map[string]*family{}
	for _, s := range samples {
		scope := logicalScope(s.Scope)
		name := "flink_" + scope + "_" + clean(s.Name)
		histogram, isHistogram := s.Value.(metrics.HistogramStatistics)
		f := byName[name]
		if f == nil {
			f = &family{name: name, help: helpText.Replace(s.Name + " (scope: " + scope + ")"), summary: isHistogram, seen: map[string]bool{}}
			byName[name] = f
			order = append(order, f)
		}
		labels := labelsOf(s.Scope)
		if f.summary != isHistogram || f.seen[labels] {
			continue
		}
		f.seen[labels] = true
		if isHistogram {
			f.addSummary(labels, histogram)
			continue
		}
		f.lines = append(f.lines, line{labels: braces(labels), value: format(number(s.Value))})
	}
	return order
}

// helpText escapes what the format wants escaped in a help text.
var helpText = strings.NewReplacer(`\`, `\\`, "\n", `\n`)

// addSummary adds the count and the quantiles that Flink shows.
func (f *family) addSummary(labels string, h metrics.HistogramStatistics) {
	f.lines = append(f.lines, line{suffix: "_count", labels: braces(labels), value: format(float64(h.Count))})
	for _, q := range []struct {
		quantile string
		value    float64
	}{{"0.5", h.Median}, {"0.75", h.P75}, {"0.95", h.P95}, {"0.98", h.P98}, {"0.99", h.P99}, {"0.999", h.P999}} {
		f.lines = append(f.lines, line{labels: braces(labels + `quantile="` + q.quantile + `",`), value: format(q.value)})
	}
}

// levels are the names of the levels in those of metrics.
var levels = map[metrics.Level]string{
	metrics.LevelJobManager: "jobmanager", metrics.LevelJobManagerJob: "jobmanager_job", metrics.LevelTaskManager: "taskmanager",
	metrics.LevelTaskManagerJob: "taskmanager_job", metrics.LevelTask: "taskmanager_job_task", metrics.LevelOperator: "taskmanager_job_task_operator",
}

// logicalScope is the scope without the values of variables, which become labels. An operator without a TaskManager is a coordinator, in the JobManager.
func logicalScope(s *metrics.Scope) string {
	level := levels[s.Level]
	if s.Level == metrics.LevelOperator && s.Variable(metrics.TaskManagerID) == "" {
		level = "jobmanager_job_operator"
	}
	for _, part := range s.UserLogical {
		level += "_" + clean(part)
	}
	return level
}

// labelsOf writes the variables, the innermost of each name, each with a comma behind it.
func labelsOf(s *metrics.Scope) string {
	var text strings.Builder
	for i, v := range s.Variables {
		if !slices.ContainsFunc(s.Variables[i+1:], func(later metrics.Variable) bool { return later.Name == v.Name }) {
			text.WriteString(labelName(v.Name) + `="` + clean(v.Value) + `",`)
		}
	}
	return text.String()
}

// labelName makes a label's name, in which no colon may be, of a variable's; nor may it begin with a digit.
func labelName(name string) string {
	name = strings.ReplaceAll(clean(name), ":", "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return "_" + name
	}
	return name
}

func braces(labels string) string {
	if labels == "" {
		return ""
	}
	return "{" + labels + "}"
}

// clean puts an underscore in the place of every character but letters, digits, colons and underscores, in names as in the values of labels.

func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == ':' || r == '_' {
			return r
		}
		return '_'
	}, text)
}

// number is what a value counts as: a text is 0.
func number(value any) float64 {
	switch v := value.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
	case metrics.MeterValue:
		return v.Rate
	}
	return 0
}

func format(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return metrics.FormatFloat(v)
}
