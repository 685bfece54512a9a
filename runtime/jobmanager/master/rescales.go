package master

import (
	"time"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/schedule/adaptive"
)

// Rescales is what there is to see of the adaptive scheduler.
func (m *Master) Rescales() *message.Rescales {
	if m.adaptive == nil {
		return &message.Rescales{}
	}
	h, c := m.adaptive.History(), m.config.Adaptive
	r := &message.Rescales{
		Adaptive: true, State: m.adaptive.State().String(),
		Settings: &message.RescaleSettings{
			History: int32(c.History), Reactive: m.config.Reactive, SubmissionWait: span(c.SubmissionWait), SubmissionStabilization: span(c.SubmissionStabilization),
			SlotIdle: span(m.config.SlotIdleTimeout), Cooldown: span(c.Cooldown), Stabilization: span(c.Stabilization), TriggerDelay: span(c.MaxDelay),
			FailedCheckpoints: int32(c.CheckpointFailures),
		},
		Ignored: h.Counts[adaptive.Ignored], InProgress: h.InProgress, Completed: h.Counts[adaptive.Completed], Failed: h.Counts[adaptive.Failed],
		LatestCompleted: m.rescale(h.Latest[adaptive.Completed]), LatestFailed: m.rescale(h.Latest[adaptive.Failed]), LatestIgnored: m.rescale(h.Latest[adaptive.Ignored]),
	}
	for _, v := range m.config.Job.Vertices {
		bounds := m.adaptive.Requirements()[v.ID]
		r.Requirements = append(r.Requirements, &message.VertexBounds{Vertex: message.IDBytes(v.ID), Lower: int32(bounds.Lower), Upper: int32(bounds.Upper)})
	}
	for _, one := range h.Rescales {
		r.History = append(r.History, m.rescale(one))
	}
	return r
}

// span writes a time in milliseconds, or -1 for one without end.
func span(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return d.Milliseconds()
}

func (m *Master) rescale(of *adaptive.Rescale) *message.Rescale {
	if of == nil {
		return nil
	}
	made := &message.Rescale{
		Id: of.ID, Requirements: of.Requirements, Attempt: of.Attempt, Start: of.Start.UnixMilli(), End: millis(of.End),
		Outcome: string(of.Outcome), Trigger: string(of.Trigger), Reason: string(of.Reason),
	}
	group := func(name string) []byte { return message.IDBytes(graph.SlotSharingGroupID(m.config.Job.ID, name)) }
	for _, v := range of.Vertices {
		made.Vertices = append(made.Vertices, &message.VertexRescale{
			Vertex: message.IDBytes(v.Vertex.ID), Name: v.Vertex.Name, SlotSharingGroup: group(v.Vertex.SlotSharingGroup), GroupName: v.Vertex.SlotSharingGroup,
			Desired: int32(v.Bounds.Upper), Sufficient: int32(v.Bounds.Lower), Before: int32(v.Before), After: int32(v.After),
		})
	}
	for _, s := range of.Slots {
		made.Slots = append(made.Slots, &message.SlotRescale{
			Group: group(s.Name), Name: s.Name, Desired: int32(s.Desired), Minimal: int32(s.Least), Before: int32(s.Before), After: int32(s.After),
		})
	}
	for _, s := range of.States {
		made.States = append(made.States, &message.RescaleStep{State: s.State.String(), Entered: s.Entered.UnixMilli(), Left: millis(s.Left), Failure: s.Failure})
	}
	return made
}

// millis is milliseconds since the epoch, 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
