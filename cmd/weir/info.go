package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager/planner"
	"github.com/weir-stream/weir/runtime/process"
)

// planning is a program whose plan is wanted. It is run on this machine; no cluster is needed.
type planning struct {
	options
	parallelism int
	json        bool
}

func newInfo() *cobra.Command {
	p := &planning{}
	c := &cobra.Command{
		Use: "info [flags] PROGRAM [-- ARGUMENT...]", Short: "Show the plan of a program",
		Long: `Show the plan of a program as JSON, as Flink's visualizer reads it. The program is built and its graph declared on this machine; nothing runs.

PROGRAM is a Go package, a package@revision of the git repository that the package's folder is in, or a binary. What stands behind -- are the job's own
arguments.`,
		Args: program,
		RunE: func(c *cobra.Command, arguments []string) error { return p.run(c, arguments[0], arguments[1:]) },
	}
	p.flags(c)
	c.Flags().IntVarP(&p.parallelism, "parallelism", "p", 0, "subtasks of each operator that sets no `number` itself")
	c.Flags().BoolVar(&p.json, "json", false, "print the JSON alone")
	return c
}

// program takes a program, and its arguments behind --.
func program(c *cobra.Command, arguments []string) error {
	if len(arguments) == 0 || c.ArgsLenAtDash() == 0 {
		return wrong(c, fmt.Errorf("%s takes a package or a binary", c.CommandPath()))
	}
	if at := c.ArgsLenAtDash(); at != 1 && len(arguments) > 1 {
		return wrong(c, fmt.Errorf("the job's own arguments stand behind --: %s %s -- %s", c.CommandPath(), arguments[0], strings.Join(arguments[1:], " ")))
	}
	return nil
}

func (p *planning) run(c *cobra.Command, what string, arguments []string) error {
	configuration, err := p.load(c)
	if err != nil {
		return err
	}
	made, err := prepare(c.Context(), what, runtime.GOOS+"/"+runtime.GOARCH)
	if err != nil {
		return err
	}
	defer made.close()
	job, err := p.plan(c.Context(), made, arguments, configuration)
	if err != nil {
		return fmt.Errorf("%s: %w", made.Name, err)
	}
	out, plan := c.OutOrStdout(), graph.PlanObject(job)
	if p.json {
		_, err = fmt.Fprintf(out, "%s\n", plan)
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s\n", made.said())
	_, err = fmt.Fprintf(out, "----------------------- Execution Plan -----------------------\n%s\n--------------------------------------------------------------\n", plan)
	return err
}

// plan has the program declare its graph, as a JobManager does.
func (p *planning) plan(ctx context.Context, made *binary, arguments []string, c config.Configuration) (*graph.JobGraph, error) {
	properties := c.Properties()
	if p.parallelism > 0 {
		properties[config.Parallelism.Key()] = strconv.Itoa(p.parallelism)
	}
	for _, key := range config.OfProcesses() {
		delete(properties, key)
	}
	starter := process.NewStarter()
	defer starter.Close()
	folder, err := os.MkdirTemp("", "weir-plan-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	plans := &planner.Planner{Starter: starter, Limit: config.Get(c, config.PlanTimeout)}
	plan, err := plans.Plan(ctx, planner.Job{
		ID: ident.NewID(), Binary: made.Path, Arguments: arguments, Configuration: properties, Folder: folder,
		Environment: process.Environment(os.Environ(), config.Get(c, config.JobEnvironment)),
	})
	if err != nil {
		return nil, err
	}
	description, err := graph.DecodeDescription(plan.Description)
	if err != nil {
		return nil, err
	}
	return graph.FromDescription(description)
}
