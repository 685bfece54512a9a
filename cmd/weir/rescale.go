package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/client"
)

func newRescale() *cobra.Command {
	t := &target{}
	var parallelism, least int
	c := forJob("rescale", "Change the parallelism of a job that runs under the adaptive scheduler", t, func(ctx context.Context, c *cobra.Command, cluster *client.Client, job ident.JobID) error {
		if parallelism < 1 || least < 1 || least > parallelism {
			return wrong(c, fmt.Errorf("--parallelism %d --min %d: want a parallelism of at least 1, and a least one between 1 and that", parallelism, least))
		}
		wanted, err := requirementsFor(ctx, cluster, job, answer.Bounds{Lower: least, Upper: parallelism})
		if err == nil {
			err = cluster.Require(ctx, job, wanted)
		}
		if client.IsDefaultScheduler(err) {
			return fmt.Errorf("job %s has the default scheduler, under which a job's parallelism does not change while it runs: "+
				"stop it with weir stop and run it again with weir run -p %d -s SAVEPOINT, or run it with -D jobmanager.scheduler=Adaptive to rescale it later", job, parallelism)
		}
		if err != nil {
			return fmt.Errorf("could not rescale job %s: %w", job, err)
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "Job %s is to run with a parallelism of up to %d, as far as there are slots. "+
			"It restarts from a checkpoint for that, once jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling has passed since it was deployed.\n", job, parallelism)
		return err
	})
	c.Flags().IntVarP(&parallelism, "parallelism", "p", 0, "run with up to `N` subtasks of each vertex, or as many as it can have")
	c.Flags().IntVar(&least, "min", 1, "do not run with less than `N` subtasks of each vertex")
	return c
}

// requirementsFor are bounds for all of a job's vertices, none above a vertex's max parallelism.
func requirementsFor(ctx context.Context, cluster *client.Client, job ident.JobID, bounds answer.Bounds) (map[ident.VertexID]answer.Requirement, error) {
	if _, err := cluster.Requirements(ctx, job); err != nil {
		return nil, err
	}
	var details struct {
		Vertices []struct {
			ID             ident.VertexID `json:"id"`
			MaxParallelism int            `json:"maxParallelism"`
		} `json:"vertices"`
	}
	if err := cluster.Do(ctx, http.MethodGet, "/jobs/"+job.String(), nil, &details); err != nil {
		return nil, err
	}
	wanted := map[ident.VertexID]answer.Requirement{}
	for _, v := range details.Vertices {
		wanted[v.ID] = answer.Requirement{Parallelism: answer.Bounds{Lower: min(bounds.Lower, v.MaxParallelism), Upper: min(bounds.Upper, v.MaxParallelism)}}
	}
	return wanted, nil
}
