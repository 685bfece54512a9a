package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/clock"
)

func newStopCluster() *cobra.Command {
	var patience time.Duration
	c := &cobra.Command{
		Use: "stop-cluster", Short: "End what start-cluster has started", Args: exactly(0, "nothing"),
		Long: "End the processes that start-cluster has started, which are those of " + pidVariable + ", and wait until they have ended.",
		RunE: func(c *cobra.Command, _ []string) error {
			folder, err := folderOf(pidVariable, "run")
			if err != nil {
				return err
			}
			return stopAll(c, clock.System(), folder, patience)
		},
	}
	c.Flags().DurationVar(&patience, "timeout", 30*time.Second, "how long a process may take to end before it is killed")
	return c
}

// stopAll ends the processes of a folder, TaskManagers first.
func stopAll(c *cobra.Command, clock clock.Clock, folder string, patience time.Duration) error {
	records, err := readRecords(folder)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		_, err := fmt.Fprintf(c.OutOrStdout(), "No cluster runs here (%s).\n", folder)
		return err
	}
	for _, r := range records {
		if err := stop(c.Context(), clock, r, patience); err != nil {
			return fmt.Errorf("stop the %s %d (process %d): %w", r.Role, r.Number, r.PID, err)
		}
		if err := r.remove(folder); err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "%s %d has ended\n", r.Role, r.Number)
	}
	if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		return err
	}
	return nil
}

// stop ends one process: by SIGTERM, which lets it end what it has started, and by SIGKILL if that takes too long.
func stop(ctx context.Context, clock clock.Clock, r *record, patience time.Duration) error {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		err := r.signal(s)
		if errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH) {
			return nil
		}
		if err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, patience)
		for r.lives() && clock.Sleep(limited, again) == nil {
		}
		cancel()
		if !r.lives() {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("it still runs %v after SIGKILL", patience)
}
