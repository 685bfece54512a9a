package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/client"
)

// sampling says which stacks are sampled.
type sampling struct {
	target
	vertex, kind string
	subtask      int
}

func newFlameGraph() *cobra.Command {
	s := &sampling{}
	c := forJob("flamegraph", "Sample what the tasks of a job do", &s.target, s.run)
	c.Long = `Sample the stacks of a job's tasks and print each with how often it was seen, the form that tools for flame graphs read: functions from the outermost to the innermost, joined by ";",
then a number. The outermost is the name of the vertex.`
	c.Flags().StringVar(&s.vertex, "vertex", "", "only the vertex of this `id`")
	c.Flags().StringVar(&s.kind, "type", "full", "full, on_cpu (what was running) or off_cpu (what was waiting)")
	c.Flags().IntVar(&s.subtask, "subtask", -1, "only the subtask of this `number`, from 0")
	return c
}

func (s *sampling) run(ctx context.Context, c *cobra.Command, cluster *client.Client, job ident.JobID) error {
	if !slices.Contains([]string{"full", "on_cpu", "off_cpu"}, s.kind) {
		return wrong(c, fmt.Errorf("--type %q: there are full, on_cpu and off_cpu", s.kind))
	}
	vertices, err := cluster.Vertices(ctx, job)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(c.OutOrStdout())
	sampled := 0
	for _, v := range vertices {
		if s.vertex != "" && s.vertex != v.ID.String() {
			continue
		}
		root, err := cluster.FlameGraph(ctx, job, v.ID, s.subtask, s.kind)
		if err != nil {
			return err
		}
		if root != nil {
			sampled++
			fold(out, frameName(v.Name), root)
		}
	}
	if sampled == 0 {
		return fmt.Errorf("job %s has no task that runs among those asked for", job)
	}
	return out.Flush()
}

// fold prints the stacks below a frame that is called by those of the path: the samples of each that are not its children's.
func fold(to io.Writer, path string, f *answer.Frame) {
	own := f.Value
	for _, child := range f.Children {
		own -= child.Value
		fold(to, path+";"+frameName(child.Name), child)
	}
	if own > 0 {
		fmt.Fprintf(to, "%s %d\n", path, own)
	}
}

// frameName is a name without what separates frames.
func frameName(name string) string { return strings.ReplaceAll(name, ";", ",") }
