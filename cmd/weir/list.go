package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/client"
)

// listing says which jobs are listed.
type listing struct {
	target
	running, scheduled, all bool
}

func newList() *cobra.Command {
	l := &listing{}
	c := &cobra.Command{Use: "list", Short: "List the jobs of a cluster", Args: exactly(0, "nothing"), RunE: func(c *cobra.Command, _ []string) error {
		cluster, _, err := l.open(c)
		if err != nil {
			return err
		}
		if !l.json {
			fmt.Fprintln(c.OutOrStdout(), "Waiting for response...")
		}
		jobs, err := cluster.Jobs(c.Context())
		if err != nil {
			return err
		}
		if l.json {
			return print(c, answer.JobsOverview{Jobs: l.choose(jobs)})
		}
		return l.write(c.OutOrStdout(), jobs)
	}}
	l.flags(c)
	l.withJSON(c)
	c.Flags().BoolVarP(&l.running, "running", "r", false, "list running jobs only")
	c.Flags().BoolVarP(&l.scheduled, "scheduled", "s", false, "list scheduled jobs only")
	c.Flags().BoolVarP(&l.all, "all", "a", false, "list jobs that have ended as well")
	return c
}

// kind sorts a job as Flink's list does: it waits, it has ended, or it runs.
func kind(j answer.JobSummary) string {
	switch {
	case j.State == "CREATED" || j.State == "INITIALIZING":
		return scheduled
	case client.Ended(j.State):
		return terminated
	}
	return running
}

const (
	running    = "Running/Restarting Jobs"
	scheduled  = "Scheduled/Initializing Jobs"
	terminated = "Terminated Jobs"
)

// shown are the kinds that are listed, in their order.
func (l *listing) shown() []string {
	var kinds []string
	if l.running || !l.scheduled {
		kinds = append(kinds, running)
	}
	if l.scheduled || !l.running {
		kinds = append(kinds, scheduled)
	}
	if l.all {
		kinds = []string{running, scheduled, terminated}
	}
	return kinds
}

// choose keeps the jobs that are listed, the oldest first.
func (l *listing) choose(jobs []answer.JobSummary) []answer.JobSummary {
	kinds := l.shown()
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j answer.JobSummary) bool { return !slices.Contains(kinds, kind(j)) })
	slices.SortStableFunc(jobs, func(a, b answer.JobSummary) int { return int(a.Start - b.Start) })
	return jobs
}

// width is that of the line above a kind, in which its name is in the middle.
const width = 60

func (l *listing) write(w io.Writer, jobs []answer.JobSummary) error {
	var b strings.Builder
	jobs = l.choose(jobs)
	for _, k := range l.shown() {
		of := slices.DeleteFunc(slices.Clone(jobs), func(j answer.JobSummary) bool { return kind(j) != k })
		if len(of) == 0 {
			if k != terminated {
				fmt.Fprintf(&b, "No %s jobs.\n", map[string]string{running: "running", scheduled: "scheduled"}[k])
			}
			continue
		}
		dashes := (width - len(k) - 2) / 2
		line := strings.Repeat("-", dashes) + " " + k + " "
		line += strings.Repeat("-", width-len(line))
		fmt.Fprintln(&b, line)
		for _, j := range of {
			fmt.Fprintf(&b, "%s : %s : %s (%s)\n", time.UnixMilli(j.Start).Format("02.01.2006 15:04:05"), j.ID, j.Name, j.State)
		}
		fmt.Fprintln(&b, strings.Repeat("-", width))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
