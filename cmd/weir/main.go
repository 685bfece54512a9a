// Weir is the command line of Weir's clusters, jobs and snapshots.
//
// It ends with 0, with 1 if something has failed, and with 2 if the command line or the configuration is wrong.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// flinkStyle writes long options with two dashes that stand with one, as Flink's command line takes them: -sae, -full, -type native.
func flinkStyle(root *cobra.Command, arguments []string) []string {
	c, _, err := root.Find(arguments)
	if err != nil {
		return arguments
	}
	made := slices.Clone(arguments)
	for i, a := range made {
		if a == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(a, "-"), "=")
		if len(name) > 1 && strings.HasPrefix(a, "-") && c.Flags().Lookup(name) != nil {
			made[i] = "-" + a
		}
	}
	return made
}

// run carries out a command line and returns the exit code.
func run(ctx context.Context, arguments []string, out, problems io.Writer) int {
	root := newRoot()
	root.SetArgs(flinkStyle(root, arguments))
	root.SetOut(out)
	root.SetErr(problems)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(problems, "weir: %v\n", err)
	if isUsage(err) {
		return exitUsage
	}
	return exitFailed
}
