package restapi

import (
	"context"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Jobs lists the jobs that run and those that ended of late.
func (c *Cluster) Jobs(ctx context.Context) ([]view.JobSummary, error) {
	jobs, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]view.JobSummary, len(jobs))
	for i, j := range jobs {
		all[i] = summaryOf(j, c.clock.Now())
	}
	return all, nil
}

// Applications lists one for each job.
func (c *Cluster) Applications(ctx context.Context) ([]view.Application, error) {
	jobs, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	all := []view.Application{}
	for _, j := range jobs {
		details, err := c.details(ctx, idOf(j.GetJob()))
		if err != nil {
			return nil, err
		}
		all = append(all, view.ApplicationOf(summaryOf(details.GetSummary(), c.clock.Now()), enteredOf(details)))
	}
	return all, nil
}

// Job shows a job.
func (c *Cluster) Job(ctx context.Context, id ident.JobID) (*view.Job, error) {
	details, err := c.details(ctx, id)
	if err != nil {
		return nil, err
	}
	return jobOf(details, c.clock.Now()), nil
}

// JobState is the job's state as the Dispatcher knows it.
func (c *Cluster) JobState(ctx context.Context, id ident.JobID) (view.JobState, error) {
	s, err := c.summary(ctx, id)
	if err != nil {
		return "", err
	}
	return jobState(s.GetState()), nil
}

// Cancel asks a job to stop.
func (c *Cluster) Cancel(ctx context.Context, id ident.JobID) error {
	if err := c.live(ctx, id); err != nil {
		return err
	}
	_, err := c.options.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Cancel{Cancel: &message.CancelJob{Job: message.IDBytes(id)}}})
	return err
}

// Heartbeat says that a job's client lives.
func (c *Cluster) Heartbeat(ctx context.Context, id ident.JobID, until time.Time) error {
	if _, err := c.summary(ctx, id); err != nil {
		return err
	}
	_, err := c.options.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Alive{Alive: &message.ClientAlive{Job: message.IDBytes(id), UntilMillis: until.UnixMilli()}}})
	return err
}
