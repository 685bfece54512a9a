package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newThreads() *cobra.Command {
	t := &target{}
	var taskManager string
	c := &cobra.Command{
		Use: "threads", Short: "Show what the goroutines of a cluster's processes do",
		Long: "Show the stacks of all goroutines of the JobManager, or of a TaskManager and its workers (--taskmanager).",
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			cluster, _, err := t.open(c)
			if err != nil {
				return err
			}
			threads, err := cluster.Threads(c.Context(), taskManager)
			if err != nil {
				return err
			}
			if t.json {
				return print(c, map[string]any{"threads": threads})
			}
			for _, one := range threads {
				if _, err := fmt.Fprintf(c.OutOrStdout(), "%s\n%s\n", one.Name, one.Text); err != nil {
					return err
				}
			}
			return nil
		},
	}
	t.flags(c)
	t.withJSON(c)
	c.Flags().StringVarP(&taskManager, "taskmanager", "t", "", "the `id` of a TaskManager")
	return c
}
