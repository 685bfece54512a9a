package restapi

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// HealthOptions say when a job is not well.
type HealthOptions struct {
	// So many failures within the window are a restart loop.
	Restarts int
	Window   time.Duration
	// CheckpointAge is how long a running job may be without a completed checkpoint; 0 stands for three times the larger of their interval and timeout.
	CheckpointAge time.Duration
	// Startup is how long a job may be neither running nor ended.
	Startup time.Duration
}

// Health says of each job that is not over, and of those that failed, whether it is well.
func (c *Cluster) Health(ctx context.Context) ([]view.JobHealth, error) {
	jobs, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	var all []view.JobHealth
	for _, j := range jobs {
		id := idOf(j.GetJob())
		made := view.JobHealth{Job: id, Name: j.GetName()}
		if !j.GetState().Ended() {
			details, err := c.details(ctx, id)
			if err != nil {
				return nil, err
			}
			checkpoints, err := c.Checkpoints(ctx, id)
			if err != nil {
				return nil, err
			}
			made.Problems = problemsOf(jobOf(details, c.clock.Now()), checkpoints, c.options.Health, c.clock.Now())
		}
		if j.GetState() == message.JobState_JOB_FAILED {
			made.Problems = []string{"it has failed"}
		}
		all = append(all, made)
	}
	return all, nil
}

// problemsOf is what is wrong with a job that has not ended. checkpoints is nil for one that takes none.
func problemsOf(job *view.Job, checkpoints *view.Checkpoints, o HealthOptions, now time.Time) []string {
	var problems []string
	failures := 0
	for i := range job.Failures {
		if now.Sub(job.Failures[i].At) <= o.Window {
			failures++
		}
	}
	if failures >= o.Restarts {
		problems = append(problems, fmt.Sprintf("it restarts in a loop: it has failed %d times within %v, of late with: %s", failures, o.Window, job.Failures[0].Message))
	}
	since := job.Entered[job.State]
	if job.State != view.JobRunning {
		if waited := now.Sub(since); !since.IsZero() && waited > o.Startup {
			problems = append(problems, fmt.Sprintf("it has been %s for %v", job.State, waited.Round(time.Second)))
		}
		return problems
	}
	if checkpoints == nil || checkpoints.Settings.Interval <= 0 {
		return problems
	}
	most := o.CheckpointAge
	if most == 0 {
		const times = 3
		most = times * max(checkpoints.Settings.Interval, checkpoints.Settings.Timeout)
	}
	if last := checkpoints.Completed; last != nil && last.LatestAck.After(since) {
		since = last.LatestAck
	}
	if age := now.Sub(since); age > most {
		problems = append(problems, fmt.Sprintf("no checkpoint has completed for %v", age.Round(time.Second)))
	}
	return problems
}
