package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// usageError says that a command line is wrong: nothing was done.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() + e.hint }
func (e *usageError) Unwrap() error { return e.err }

func isUsage(err error) bool {
	var usage *usageError
	return errors.As(err, &usage)
}

// wrong makes an error of the command line, which says where help is.
func wrong(c *cobra.Command, err error) error {
	return &usageError{err, fmt.Sprintf("\nsee %s --help", c.CommandPath())}
}

func newRoot() *cobra.Command {
	root := group("weir", "Clusters, jobs and snapshots of Weir")
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(wrong)
	root.AddCommand(
		newRun(), newInfo(), newList(), newCancel(), newStop(), newSavepoint(), newCheckpoint(), newRescale(), newLogs(), newThreads(), newProfile(), newFlameGraph(),
		newJobManager(), newTaskManager(), newStartCluster(), newStopCluster(), newState(), newVersion())
	return root
}

// group makes a command that does nothing itself.
func group(use, short string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, arguments []string) error {
		if len(arguments) > 0 {
			return wrong(c, fmt.Errorf("there is no command %q", c.CommandPath()+" "+arguments[0]))
		}
		return wrong(c, fmt.Errorf("%s needs a command", c.CommandPath()))
	}}
}

// exactly takes so many arguments.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, arguments []string) error {
		if len(arguments) != n {
			return wrong(c, fmt.Errorf("%s takes %s, not %d arguments", c.CommandPath(), what, len(arguments)))
		}
		return nil
	}
}
