package restapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/jobmanager/planner"
	"github.com/weir-stream/weir/runtime/rest"
)

// configurationOf are the options that a request sets for a job.
func configurationOf(p rest.Program) map[string]string {
	made := map[string]string{}
	maps.Copy(made, p.Configuration)
	if p.Parallelism > 0 {
		made[config.Parallelism.Key()] = strconv.Itoa(p.Parallelism)
	}
	if !p.Job.IsZero() {
		made[config.JobID.Key()] = p.Job.String()
	}
	if p.Savepoint != "" {
		made[config.RecoveryPath.Key()] = p.Savepoint
	}
	if p.AllowNonRestored {
		made[config.RecoveryIgnoreUnclaimed.Key()] = "true"
	}
	if p.ClaimMode != "" {
		made[config.RecoveryClaimMode.Key()] = p.ClaimMode
	}
	return made
}

// checked is configurationOf if the options can be read.
func checked(p rest.Program) (map[string]string, error) {
	made := configurationOf(p)
	var properties []string
	for key, text := range made {
		properties = append(properties, key+"="+text)
	}
	if _, _, err := config.Load("", properties); err != nil {
		return nil, fmt.Errorf("%w: %w", rest.ErrInvalid, err)
	}
	return made, nil
}

// blamed says that a program that refuses to build a graph is the client's.
func blamed(err error) error {
	if refused := (*planner.Refused)(nil); errors.As(err, &refused) {
		return fmt.Errorf("%w: the program does not build a graph: %w", rest.ErrInvalid, err)
	}
	return err
}

// Plan has the program build its graph.
func (c *Cluster) Plan(ctx context.Context, p rest.Program) ([]byte, error) {
	configuration, err := checked(p)
	if err != nil {
		return nil, err
	}
	encoded, err := c.options.Plan(ctx, p.Path, p.Arguments, configuration)
	if err != nil {
		return nil, blamed(err)
	}
	description, err := graph.DecodeDescription(encoded)
	if err != nil {
		return nil, err
	}
	job, err := graph.FromDescription(description)
	if err != nil {
		return nil, err
	}
	return graph.PlanObject(job), nil
}

// Run submits a program.
func (c *Cluster) Run(ctx context.Context, p rest.Program) (rest.Run, error) {
	configuration, err := checked(p)
	if err != nil {
		return rest.Run{}, err
	}
	if !p.Job.IsZero() {
		switch _, err := c.summary(ctx, p.Job); {
		case err == nil:
			return rest.Run{}, fmt.Errorf("%w: job %s has already been submitted", rest.ErrInvalid, p.Job)
		case !errors.Is(err, rest.ErrUnknownJob):
			return rest.Run{}, err
		}
	}
	if p.Savepoint != "" {
		if _, _, err := c.metadata(ctx, p.Savepoint); err != nil {
			return rest.Run{}, fmt.Errorf("%w: the job cannot start from %s: %w", rest.ErrInvalid, p.Savepoint, err)
		}
	}
	job, err := c.options.Submit(ctx, p.Path, p.Arguments, configuration)
	return rest.Run{Job: job}, blamed(err)
}
