package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/client"
)

// completionPatience is how long a shell waits for a cluster when it completes a word.
const completionPatience = 2 * time.Second

// completing completes ids of jobs from the cluster that the command speaks to: those that have not ended.
func (t *target) completing(c *cobra.Command, arguments []string, _ string) ([]string, cobra.ShellCompDirective) {
	const done = cobra.ShellCompDirectiveNoFileComp
	if len(arguments) > 0 {
		return nil, done
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionPatience)
	defer cancel()
	t.options.noticed = true // nobody reads notices now
	cluster, _, err := t.open(c)
	if err != nil {
		return nil, done
	}
	jobs, err := cluster.Jobs(ctx)
	if err != nil {
		return nil, done
	}
	return completions(jobs), done
}

func completions(jobs []answer.JobSummary) []string {
	var words []string
	for _, j := range jobs {
		if !client.Ended(j.State) {
			words = append(words, j.ID.String()+"\t"+j.Name+" ("+string(j.State)+")")
		}
	}
	return words
}
