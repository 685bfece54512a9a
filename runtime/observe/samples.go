// Package observe is what a process shows of itself to whoever looks on: its figures, goroutines, sampled stacks and profiles. Nothing in it changes what
// a job does, and whatever it costs is spent when somebody asks.
package observe

import (
	"strings"

	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
)

// Encode makes a message of samples. Samples of one scope that follow each other share what says where they belong.
func Encode(samples []metrics.Sample) *message.MetricSamples {
	made := &message.MetricSamples{}
	var scope *metrics.Scope
	var group *message.MetricGroup
	for _, s := range samples {
		if group == nil || s.Scope != scope {
			scope, group = s.Scope, groupOf(s.Scope)
			made.Groups = append(made.Groups, group)
		}
		group.Values = append(group.Values, valueOf(s))
	}
	return made
}

func groupOf(s *metrics.Scope) *message.MetricGroup {
	g := &message.MetricGroup{Level: string(s.Level), User: sendable(s.User), UserLogical: sendable(s.UserLogical)}
	for _, v := range s.Variables {
		g.Variables = append(g.Variables, &message.MetricVariable{Name: utf8Of(v.Name), Value: utf8Of(v.Value)})
	}
	return g
}

// utf8Of is a text as protobuf takes it: names come from programs, which may put anything there.
func utf8Of(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

func sendable(texts []string) []string {
	made := make([]string, len(texts))
	for i, text := range texts {
		made[i] = utf8Of(text)
	}
	return made
}

func valueOf(s metrics.Sample) *message.MetricValue {
	made := &message.MetricValue{Name: utf8Of(s.Name), Kind: string(s.Kind)}
	switch v := s.Value.(type) {
	case int64:
		made.Value = &message.MetricValue_Whole{Whole: v}
	case float64:
		made.Value = &message.MetricValue_Real{Real: v}
	case string:
		made.Value = &message.MetricValue_Text{Text: utf8Of(v)}
	case bool:
		made.Value = &message.MetricValue_Truth{Truth: v}
	case metrics.MeterValue:
		made.Value = &message.MetricValue_Meter{Meter: &message.MeterReading{Count: v.Count, Rate: v.Rate}}
	case metrics.HistogramStatistics:
		made.Value = &message.MetricValue_Histogram{Histogram: &message.HistogramReading{
			Count: v.Count, Min: v.Min, Max: v.Max, Mean: v.Mean, Deviation: v.StdDev, Median: v.Median, P75: v.P75, P90: v.P90, P95: v.P95, P98: v.P98, P99: v.P99, P999: v.P999,
		}}
	}
	return made
}

// Decode is the inverse of Encode. Variables that are given stand before those of each scope, unless that has them itself. What has no value that is known here is left out.
func Decode(m *message.MetricSamples, more ...metrics.Variable) []metrics.Sample {
	var all []metrics.Sample
	for _, g := range m.GetGroups() {
		scope := scopeOf(g, more)
		for _, v := range g.GetValues() {
			if value := valueIn(v); value != nil {
				all = append(all, metrics.Sample{Scope: scope, Name: v.GetName(), Kind: metrics.Kind(v.GetKind()), Value: value})
			}
		}
	}
	return all
}

func scopeOf(g *message.MetricGroup, more []metrics.Variable) *metrics.Scope {
	s := &metrics.Scope{Level: metrics.Level(g.GetLevel()), User: g.GetUser(), UserLogical: g.GetUserLogical()}
	own := &metrics.Scope{}
	for _, v := range g.GetVariables() {
		own.Variables = append(own.Variables, metrics.Variable{Name: v.GetName(), Value: v.GetValue()})
	}
	for _, v := range more {
		if own.Variable(v.Name) == "" {
			s.Variables = append(s.Variables, v)
		}
	}
	s.Variables = append(s.Variables, own.Variables...)
	return s
}

func valueIn(m *message.MetricValue) any {
	switch v := m.GetValue().(type) {
	case *message.MetricValue_Whole:
		return v.Whole
	case *message.MetricValue_Real:
		return v.Real
	case *message.MetricValue_Text:
		return v.Text
	case *message.MetricValue_Truth:
		return v.Truth
	case *message.MetricValue_Meter:
		return metrics.MeterValue{Count: v.Meter.GetCount(), Rate: v.Meter.GetRate()}
	case *message.MetricValue_Histogram:
		h := v.Histogram
		return metrics.HistogramStatistics{
			Count: h.GetCount(), Min: h.GetMin(), Max: h.GetMax(), Mean: h.GetMean(), StdDev: h.GetDeviation(), Median: h.GetMedian(),
			P75: h.GetP75(), P90: h.GetP90(), P95: h.GetP95(), P98: h.GetP98(), P99: h.GetP99(), P999: h.GetP999(),
		}
	}
	return nil
}
