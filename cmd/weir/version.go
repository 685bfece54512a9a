package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/buildinfo"
)

func newVersion() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Say which version this is", Args: exactly(0, "nothing"), RunE: func(c *cobra.Command, _ []string) error {
		revision := buildinfo.Revision()
		if revision == "" {
			revision = "unknown"
		}
		_, err := fmt.Fprintf(c.OutOrStdout(), "weir revision %s, built with %s for %s/%s, snapshots of format %d\n",
			revision, runtime.Version(), runtime.GOOS, runtime.GOARCH, snapshot.Format)
		return err
	}}
}
