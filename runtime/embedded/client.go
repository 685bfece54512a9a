package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
)

// Client is a submitted job. Its methods may be called from any goroutine.
type Client struct {
	cluster *Cluster
	id      ident.JobID
	name    string
}

// Result is how a job ended.
type Result struct {
	Job   ident.JobID
	Name  string
	State graph.JobState
	// Start and End are when it was submitted and when it was over.
	Start, End time.Time
	// Accumulators are those of all subtasks, merged.
	Accumulators accumulator.Snapshot
}

// ErrCanceled is what Wait returns for a job that was canceled.
var ErrCanceled = errors.New("the job was canceled")

// JobError is why a job failed: its first cause.
type JobError struct{ Failure *message.Failure }

// Error names job, operator, subtask and cause.
func (e *JobError) Error() string { return e.Failure.GetMessage() }

// Operator is the name of the operator that failed; empty where none is to blame.
func (e *JobError) Operator() string { return e.Failure.GetOperator() }

// Subtask is the index of the subtask that failed; -1 where none is to blame.
func (e *JobError) Subtask() int { return int(e.Failure.GetSubtask()) }

// Class says whose fault it is.
func (e *JobError) Class() operator.Class { return operator.Class(e.Failure.GetClass()) }

// Stack is that of a panic; empty otherwise.
func (e *JobError) Stack() string { return e.Failure.GetStack() }

// JobID names the job.
func (c *Client) JobID() ident.JobID { return c.id }

// Name is the job's name.
func (c *Client) Name() string { return c.name }

func (c *Client) ask(ctx context.Context, request *message.ClientRequest) (*message.ClientResponse, error) {
	return c.cluster.ask(ctx, request)
}

// Wait returns when the job is over. The error is a [*JobError] if it failed, wraps [ErrCanceled] if it was canceled, and
// is the context's if that is done first, which leaves the job as it is. The result is set in the first two cases as well.
func (c *Client) Wait(ctx context.Context) (Result, error) {
	response, err := c.ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Result{Result: &message.RequestJobResult{Job: message.IDBytes(c.id)}}})
	if err != nil {
		return Result{}, fmt.Errorf("wait for job %q: %w", c.name, err)
	}
	ended := response.GetResult()
	state, _ := ended.GetState().Graph()
	r := Result{Job: c.id, Name: c.name, State: state, Start: time.UnixMilli(ended.GetStartMillis()), End: time.UnixMilli(ended.GetEndMillis())}
	r.Accumulators, err = mergeAccumulators(ended.GetAccumulators())
	switch state {
	case graph.JobFailed:
		return r, &JobError{ended.GetFailure()}
	case graph.JobCanceled:
		return r, fmt.Errorf("job %q: %w", c.name, ErrCanceled)
	}
	if err != nil {
		return r, fmt.Errorf("job %q has finished, but its accumulators are of no use: %w", c.name, err)
	}
	return r, nil
}

// Cancel asks the job to stop and returns when the request was taken in; Wait tells when it has stopped. A job that is
// over stays as it is.
func (c *Client) Cancel(ctx context.Context) error {
	return c.cancel(ctx, &message.CancelJob{Job: message.IDBytes(c.id)})
}

// Drain is Cancel that loses nothing which the sources have already read: they stop, and the job is canceled when what
// is in flight has reached the sinks, at the latest after limit. It returns when the request was taken in.
func (c *Client) Drain(ctx context.Context, limit time.Duration) error {
	return c.cancel(ctx, &message.CancelJob{Job: message.IDBytes(c.id), DrainMillis: max(1, limit.Milliseconds())})
}

func (c *Client) cancel(ctx context.Context, how *message.CancelJob) error {
	_, err := c.ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Cancel{Cancel: how}})
	if err != nil {
		return fmt.Errorf("cancel job %q: %w", c.name, err)
	}
	return nil
}

// Savepoint says what is wanted of a savepoint.
type Savepoint struct {
	// Directory is where its folder is made; execution.checkpointing.savepoint-dir if empty.
	Directory string
	// Stop has the job end with it; Drain has the sources end their input before, as if for good.
	Stop, Drain bool
}

// Savepoint takes a savepoint and returns its location when it is complete and, if the job stops with it, has finished. A job that fails before
// it has, though its savepoint is complete, goes on from there if its restart strategy lets it: the error names the location then.
func (c *Client) Savepoint(ctx context.Context, s Savepoint) (location string, err error) {
	return c.snapshot(ctx, "savepoint", &message.TriggerSnapshot{Directory: s.Directory, Stop: s.Stop || s.Drain, Drain: s.Drain})
}

// Checkpoint takes a checkpoint, one that stands on its own if full is set, and returns its location when it is complete.
func (c *Client) Checkpoint(ctx context.Context, full bool) (location string, err error) {
	return c.snapshot(ctx, "checkpoint", &message.TriggerSnapshot{Checkpoint: true, Full: full})
}

func (c *Client) snapshot(ctx context.Context, what string, s *message.TriggerSnapshot) (string, error) {
	s.Job, s.Request = message.IDBytes(c.id), ident.NewID().String()
	response, err := c.ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Snapshot{Snapshot: s}})
	if err != nil {
		return "", fmt.Errorf("%s of job %q: %w", what, c.name, err)
	}
	return response.GetSnapshot().GetPath(), nil
}

// Details is all that there is to see of the job.
func (c *Client) Details(ctx context.Context) (*message.JobDetails, error) {
	response, err := c.ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Details{Details: &message.RequestJobDetails{Job: message.IDBytes(c.id)}}})
	if err != nil {
		return nil, fmt.Errorf("details of job %q: %w", c.name, err)
	}
	return response.GetDetails(), nil
}

// Status is the state of the job.
func (c *Client) Status(ctx context.Context) (graph.JobState, error) {
	details, err := c.Details(ctx)
	if err != nil {
		return graph.JobInitializing, err
	}
	state, _ := details.GetSummary().GetState().Graph()
	return state, nil
}

// Accumulators are the merged accumulators of the job, as far as its subtasks have reported them.
func (c *Client) Accumulators(ctx context.Context) (accumulator.Snapshot, error) {
	details, err := c.Details(ctx)
	if err != nil {
		return nil, err
	}
	return mergeAccumulators(details.GetAccumulators())
}

func mergeAccumulators(parts []*message.Accumulator) (accumulator.Snapshot, error) {
	snapshots := make([]accumulator.Snapshot, 0, len(parts))
	for _, part := range parts {
		var value accumulator.Value
		if err := json.Unmarshal(part.GetValue(), &value); err != nil {
			return nil, fmt.Errorf("accumulator %q: %w", part.GetName(), err)
		}
		snapshots = append(snapshots, accumulator.Snapshot{part.GetName(): value})
	}
	return accumulator.Merge(snapshots...)
}
