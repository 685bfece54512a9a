package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/rest/client"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// profiling says which profile is taken.
type profiling struct {
	target
	taskManager, mode, output string
	length                    time.Duration
}

var profileModes = []view.ProfileMode{view.ProfileCPU, view.ProfileITIMER, view.ProfileWall, view.ProfileAlloc, view.ProfileLock}

func newProfile() *cobra.Command {
	p := &profiling{}
	c := &cobra.Command{
		Use: "profile", Short: "Take a profile of a cluster's process",
		Long: `Take a profile of the JobManager, or of a TaskManager and its workers (--taskmanager), and write it to a file that go tool pprof reads:

  weir profile -t ID -o steady.pprof && go tool pprof -http : steady.pprof`,
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error { return p.run(c) },
	}
	p.flags(c)
	c.Flags().StringVarP(&p.taskManager, "taskmanager", "t", "", "the `id` of a TaskManager")
	c.Flags().StringVar(&p.mode, "mode", string(view.ProfileCPU), "what is measured: CPU or ITIMER (time on a processor), WALL, ALLOC (memory), LOCK (time spent waiting for locks)")
	c.Flags().DurationVar(&p.length, "duration", 10*time.Second, "how `long` it is measured, in whole seconds")
	c.Flags().StringVarP(&p.output, "output", "o", "", "the `file` to write, - for standard output (default: the name that the cluster gives the profile)")
	return c
}

func (p *profiling) run(c *cobra.Command) error {
	mode := view.ProfileMode(strings.ToUpper(p.mode))
	if !slices.Contains(profileModes, mode) {
		return wrong(c, fmt.Errorf("--mode %q: there are CPU, ITIMER, WALL, ALLOC and LOCK", p.mode))
	}
	if p.length < time.Second || p.length%time.Second != 0 {
		return wrong(c, fmt.Errorf("--duration %v: want whole seconds, at least one", p.length))
	}
	cluster, _, err := p.open(c)
	if err != nil {
		return err
	}
	file, err := cluster.Profile(c.Context(), p.taskManager, mode, p.length)
	if err != nil {
		return err
	}
	if p.output == "-" {
		return cluster.ProfileFile(c.Context(), p.taskManager, file, c.OutOrStdout())
	}
	name := p.output
	if name == "" {
		name = filepath.Base(file)
	}
	if err := p.fetch(c, cluster, file, name); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "The profile is in %s; to look at it: go tool pprof -http : %s\n", name, name)
	return err
}

// fetch writes the profile to a file, of which nothing is left after an error.
func (p *profiling) fetch(c *cobra.Command, cluster *client.Client, file, name string) (err error) {
	to, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, to.Close()); err != nil {
			_ = os.Remove(name) // the first error is the one to tell
		}
	}()
	return cluster.ProfileFile(c.Context(), p.taskManager, file, to)
}
