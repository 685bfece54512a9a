package task

import (
	"strconv"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
)

// Latency says what is measured of the time that records take from their source.
type Latency struct {
	// Interval is the time between two markers of a source's subtask in milliseconds, 0 for none.
	Interval    int64
	Granularity config.LatencyDetail
	// History is how many of the latest measurements a histogram describes.
	History int
}

// latencies are what a task has measured with the markers that came to it. Markers concern the task alone: within a chain records do not wait, so a marker
// that has come to the head has come to all of its operators.
type latencies struct {
	trails map[element.Origin]*trail
	groups []*metrics.Group
}

// trail is what the markers of one subtask of a source have to do with this task.
type trail struct {
	// histograms are those of the operators, in milliseconds.
	histograms []*metrics.Histogram
	// output is where the next marker goes, and channels which channel of each output comes next. As in Flink a marker exists once, however often the stream
	// forks: otherwise one would become thousands behind a few repartitions. Turns are kept by origin, so that markers of different ones do not share out the
	// channels between them.
	output   int
	channels []int
}

// sendMarker sends a marker of this task's source, and has itself called for the next one.
func (t *Task) sendMarker(now int64) {
	t.calls.set(len(t.chain.links), now+t.spec.Settings.Latency.Interval)
	if t.drained || t.phase != running {
		return
	}
	t.passMarker(element.Event{
		Kind: element.LatencyMarker, Time: now, Origin: &element.Origin{Source: t.spec.Vertex.Operators[0].ID, Subtask: t.spec.Execution.Subtask},
	})
}

// passMarker notes how old a marker is and sends it on.
func (t *Task) passMarker(marker element.Event) {
	at := t.latencies.trails[*marker.Origin]
	if at == nil {
		at = t.newTrail(*marker.Origin)
	}
	age := t.clock.Now().UnixMilli() - marker.Time
	for _, h := range at.histograms {
		h.Update(age)
	}
	if len(t.outputs) == 0 {
		return
	}
	at.output = (at.output + 1) % len(t.outputs)
	out := t.outputs[at.output]
	next := &at.channels[at.output]
	*next = (*next + 1) % out.Channels()
	out.Send(*next, marker)
}

func (t *Task) newTrail(origin element.Origin) *trail {
	made := &trail{channels: make([]int, len(t.outputs))}
	for i := range t.spec.Vertex.Operators {
		if i == 0 && t.chain.source != nil {
			continue // a source is where time begins
		}
		made.histograms = append(made.histograms, t.latencyOf(origin, i))
	}
	if t.latencies.trails == nil {
		t.latencies.trails = map[element.Origin]*trail{}
	}
	t.latencies.trails[origin] = made
	return made
}

// latencyOf returns the histogram of an operator under Flink's name. Where origins are not told apart, those that are the same share it.
func (t *Task) latencyOf(origin element.Origin, link int) *metrics.Histogram {
	settings := t.spec.Settings.Latency
	group := t.spec.JobMetrics.Add("latency")
	if settings.Granularity != config.LatencySingle {
		group = group.AddPair("source_id", origin.Source.String())
	}
	if settings.Granularity == config.LatencyBySubtask {
		group = group.AddPair("source_subtask_index", strconv.Itoa(int(origin.Subtask)))
	}
	group = group.AddPair(metrics.OperatorID, t.spec.Vertex.Operators[link].ID.String()).AddPair("operator_subtask_index", strconv.Itoa(int(t.spec.Execution.Subtask)))
	t.latencies.groups = append(t.latencies.groups, group)
	return group.HistogramOf("latency", settings.History)
}

// close has the latencies no longer listed: the next attempt may be in another process.
func (l *latencies) close() {
	for _, group := range l.groups {
		group.Close()
	}
}
