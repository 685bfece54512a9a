package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/client"
)

func newCancel() *cobra.Command {
	t := &target{}
	return forJob("cancel", "Cancel a job", t, func(ctx context.Context, c *cobra.Command, cluster *client.Client, job ident.JobID) error {
		fmt.Fprintf(c.OutOrStdout(), "Cancelling job %s.\n", job)
		if err := cluster.Cancel(ctx, job); err != nil {
			return fmt.Errorf("could not cancel job %s: %w", job, err)
		}
		_, err := fmt.Fprintf(c.OutOrStdout(), "Cancelled job %s.\n", job)
		return err
	})
}

// saved is a savepoint or checkpoint in JSON.
type saved struct {
	Job        ident.JobID `json:"jobId"`
	Location   string      `json:"location,omitempty"`
	Checkpoint uint64      `json:"checkpointId,omitempty"`
	Type       string      `json:"checkpointType,omitempty"`
}

// say tells people how the command goes on; with --json nobody is told.
func (t *target) say(c *cobra.Command, format string, args ...any) {
	if !t.json {
		fmt.Fprintf(c.OutOrStdout(), format, args...)
	}
}

// format reads --type.
func format(c *cobra.Command, text string) (native bool, err error) {
	switch strings.ToLower(text) {
	case "canonical":
		return false, nil
	case "native":
		return true, nil
	}
	return false, wrong(c, fmt.Errorf("--type %q: want canonical or native", text))
}

func newStop() *cobra.Command {
	t := &target{}
	var s client.Savepoint
	var kind string
	c := forJob("stop", "Stop a job with a savepoint", t, func(ctx context.Context, c *cobra.Command, cluster *client.Client, job ident.JobID) (err error) {
		s.Stop = true
		if s.Native, err = format(c, kind); err != nil {
			return err
		}
		if s.Directory, err = absolutePath(s.Directory); err != nil {
			return err
		}
		t.say(c, "Suspending job \"%s\" with a %s savepoint.\n", job, strings.ToUpper(kind))
		location, err := cluster.Save(ctx, job, s)
		if err != nil {
			return fmt.Errorf("could not stop job %s with a savepoint: %w", job, err)
		}
		if t.json {
			return print(c, saved{Job: job, Location: location})
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "Savepoint completed. Path: %s\n", location)
		return err
	})
	t.withJSON(c)
	c.Flags().StringVarP(&s.Directory, "savepointPath", "p", "", "make the savepoint below this `folder` (default: execution.checkpointing.savepoint-dir)")
	c.Flags().BoolVarP(&s.Drain, "drain", "d", false, "have the sources end their input before")
	c.Flags().StringVar(&kind, "type", "canonical", "`format` of the savepoint: canonical or native")
	return c
}

func newSavepoint() *cobra.Command {
	t := &target{}
	var dispose, kind string
	c := &cobra.Command{Use: "savepoint JOB [FOLDER]", Short: "Take a savepoint of a job, or dispose of one"}
	c.RunE = func(c *cobra.Command, arguments []string) error {
		cluster, _, err := t.open(c)
		if err != nil {
			return err
		}
		if dispose != "" {
			return disposeOf(c, cluster, dispose, arguments)
		}
		if len(arguments) < 1 || len(arguments) > 2 {
			return wrong(c, fmt.Errorf("%s takes a job's id and perhaps a folder", c.CommandPath()))
		}
		job, err := jobOf(c, arguments[0])
		if err != nil {
			return err
		}
		s := client.Savepoint{}
		if s.Native, err = format(c, kind); err != nil {
			return err
		}
		if len(arguments) == 2 {
			if s.Directory, err = absolutePath(arguments[1]); err != nil {
				return err
			}
		}
		t.say(c, "Triggering savepoint for job %s.\nWaiting for response...\n", job)
		location, err := cluster.Save(c.Context(), job, s)
		if err != nil {
			return fmt.Errorf("triggering a savepoint for the job %s failed: %w", job, err)
		}
		if t.json {
			return print(c, saved{Job: job, Location: location})
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "Savepoint completed. Path: %s\nYou can resume your program from this savepoint with the run command.\n", location)
		return err
	}
	t.flags(c)
	t.withJSON(c)
	c.ValidArgsFunction = t.completing
	c.Flags().StringVarP(&dispose, "dispose", "d", "", "dispose of the savepoint at this `path`")
	c.Flags().StringVar(&kind, "type", "canonical", "`format` of the savepoint: canonical or native")
	return c
}

func disposeOf(c *cobra.Command, cluster *client.Client, path string, arguments []string) error {
	if len(arguments) > 0 {
		return wrong(c, fmt.Errorf("%s --dispose takes no job", c.CommandPath()))
	}
	path, err := absolutePath(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "Disposing savepoint '%s'.\nWaiting for response...\n", path)
	if err := cluster.Dispose(c.Context(), path); err != nil {
		return fmt.Errorf("disposing the savepoint %q failed: %w", path, err)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "Savepoint '%s' disposed.\n", path)
	return err
}

func newCheckpoint() *cobra.Command {
	t := &target{}
	var full bool
	c := forJob("checkpoint", "Take a checkpoint of a job", t, func(ctx context.Context, c *cobra.Command, cluster *client.Client, job ident.JobID) error {
		kind := "CONFIGURED"
		if full {
			kind = "FULL"
		}
		t.say(c, "Triggering checkpoint for job %s.\nWaiting for response...\n", job)
		number, err := cluster.Checkpoint(ctx, job, full)
		if err != nil {
			return fmt.Errorf("triggering a checkpoint for the job %s failed: %w", job, err)
		}
		if t.json {
			return print(c, saved{Job: job, Checkpoint: number, Type: kind})
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "Checkpoint(%s) %d for job %s completed.\nYou can resume your program from this checkpoint with the run command.\n", kind, number, job)
		return err
	})
	t.withJSON(c)
	c.Flags().BoolVarP(&full, "full", "f", false, "take one that stands on its own")
	return c
}
