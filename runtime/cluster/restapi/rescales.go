package restapi

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Requirements says between which bounds the adaptive scheduler chooses the parallelism of a job.
func (c *Cluster) Requirements(ctx context.Context, id ident.JobID) (map[ident.VertexID]view.Bounds, error) {
	told, err := c.rescales(ctx, id)
	if err != nil {
		return nil, err
	}
	bounds := map[ident.VertexID]view.Bounds{}
	for _, v := range told.GetRequirements() {
		bounds[idOf(v.GetVertex())] = view.Bounds{Lower: int(v.GetLower()), Upper: int(v.GetUpper())}
	}
	return bounds, nil
}

// Require changes these bounds.
func (c *Cluster) Require(ctx context.Context, id ident.JobID, wanted map[ident.VertexID]view.Bounds) error {
	if _, err := c.rescales(ctx, id); err != nil {
		return err
	}
	if err := c.live(ctx, id); err != nil {
		return err
	}
	request := &message.RequireResources{Job: message.IDBytes(id)}
	for vertex, b := range wanted {
		request.Vertices = append(request.Vertices, &message.VertexBounds{Vertex: message.IDBytes(vertex), Lower: int32(b.Lower), Upper: int32(b.Upper)})
	}
	if _, err := c.options.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Require{Require: request}}); err != nil {
		return fmt.Errorf("%w: %w", rest.ErrInvalid, err)
	}
	return nil
}

// Rescales shows the changes of a job's parallelism.
func (c *Cluster) Rescales(ctx context.Context, id ident.JobID) (*view.Rescales, error) {
	told, err := c.rescales(ctx, id)
	if err != nil {
		return nil, err
	}
	return rescalesOf(told), nil
}

// rescales asks the job's scheduler. The error is [rest.ErrDefaultScheduler] if that has nothing to tell.
func (c *Cluster) rescales(ctx context.Context, id ident.JobID) (*message.Rescales, error) {
	if _, err := c.summary(ctx, id); err != nil {
		return nil, err
	}
	response, err := c.options.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Rescales{Rescales: &message.RequestRescales{Job: message.IDBytes(id)}}})
	if err != nil {
		return nil, err
	}
	if !response.GetRescales().GetAdaptive() {
		return nil, rest.ErrDefaultScheduler
	}
	return response.GetRescales(), nil
}

func rescalesOf(r *message.Rescales) *view.Rescales {
	s := r.GetSettings()
	made := &view.Rescales{
		Settings: view.RescaleSettings{
			HistorySize: int(s.GetHistory()), Reactive: s.GetReactive(), SubmissionWait: lasting(s.GetSubmissionWait()), SubmissionStabilization: lasting(s.GetSubmissionStabilization()),
			SlotIdle: lasting(s.GetSlotIdle()), Cooldown: lasting(s.GetCooldown()), Stabilization: lasting(s.GetStabilization()), MaxTriggerDelay: lasting(s.GetTriggerDelay()),
			FailedCheckpoints: int(s.GetFailedCheckpoints()),
		},
		Ignored: r.GetIgnored(), InProgress: r.GetInProgress(), Completed: r.GetCompleted(), Failed: r.GetFailed(),
		LatestCompleted: rescaleOf(r.GetLatestCompleted()), LatestFailed: rescaleOf(r.GetLatestFailed()), LatestIgnored: rescaleOf(r.GetLatestIgnored()),
	}
	took := map[string][]int64{}
	for _, one := range r.GetHistory() {
		made.History = append(made.History, *rescaleOf(one))
		if one.GetEnd() > 0 {
			took[""] = append(took[""], one.GetEnd()-one.GetStart())
			took[one.GetOutcome()] = append(took[one.GetOutcome()], one.GetEnd()-one.GetStart())
		}
	}
	made.Millis, made.CompletedMillis = view.Spread(took[""]), view.Spread(took["COMPLETED"])
	made.IgnoredMillis, made.FailedMillis = view.Spread(took["IGNORED"]), view.Spread(took["FAILED"])
	return made
}

func lasting(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func rescaleOf(r *message.Rescale) *view.Rescale {
	if r == nil {
		return nil
	}
	made := &view.Rescale{
		ID: r.GetId(), Requirements: r.GetRequirements(), Attempt: r.GetAttempt(), Start: at(r.GetStart()), End: at(r.GetEnd()),
		Outcome: r.GetOutcome(), Trigger: r.GetTrigger(), Reason: r.GetReason(),
	}
	for _, v := range r.GetVertices() {
		made.Vertices = append(made.Vertices, view.VertexRescale{
			ID: idOf(v.GetVertex()), Name: v.GetName(), SlotSharingGroup: idOf(v.GetSlotSharingGroup()), GroupName: v.GetGroupName(),
			Desired: int(v.GetDesired()), Sufficient: int(v.GetSufficient()), Before: known(v.GetBefore()), After: known(v.GetAfter()),
		})
	}
	for _, s := range r.GetSlots() {
		made.Slots = append(made.Slots, view.SlotRescale{
			Group: idOf(s.GetGroup()), Name: s.GetName(), Desired: int(s.GetDesired()), Minimal: int(s.GetMinimal()), Before: known(s.GetBefore()), After: known(s.GetAfter()),
		})
	}
	for _, s := range r.GetStates() {
		made.States = append(made.States, view.RescaleState{Name: s.GetState(), Entered: at(s.GetEntered()), Left: at(s.GetLeft()), Failure: s.GetFailure()})
	}
	return made
}

// known is a number that is not 0, or nil.
func known(n int32) *int {
	if n == 0 {
		return nil
	}
	made := int(n)
	return &made
}
