package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/buildinfo"
	"github.com/weir-stream/weir/runtime/process"
	"github.com/weir-stream/weir/runtime/rest/answer"
)

// version is what this binary is.
type version struct {
	Revision string `json:"revision"`
	Dirty    bool   `json:"dirty"`
	Go       string `json:"goVersion"`
	Platform string `json:"platform"`
	// Worker is the version of what workers and TaskManagers say to each other, Snapshot the format of snapshots, Flink whose contract it keeps.
	Worker   int    `json:"workerProtocol"`
	Snapshot int    `json:"snapshotFormat"`
	Flink    string `json:"flinkContract"`
}

func versionOf(revision string) version {
	clean, dirty := strings.CutSuffix(revision, "-dirty")
	return version{
		Revision: clean, Dirty: dirty, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Worker: process.Protocol, Snapshot: snapshot.Format, Flink: answer.FlinkVersion,
	}
}

func newVersion() *cobra.Command {
	inJSON := false
	c := &cobra.Command{Use: "version", Short: "Say which version this is", Args: exactly(0, "nothing"), RunE: func(c *cobra.Command, _ []string) error {
		v := versionOf(buildinfo.Revision())
		if inJSON {
			return print(c, v)
		}
		_, err := fmt.Fprintln(c.OutOrStdout(), v.said())
		return err
	}}
	c.Flags().BoolVar(&inJSON, "json", false, "print JSON")
	return c
}

func (v version) said() string {
	revision := v.Revision
	switch {
	case revision == "":
		revision = "unknown"
	case v.Dirty:
		revision += " with changes that are not committed"
	}
	return fmt.Sprintf("weir revision %s, built with %s for %s, worker protocol %d, snapshots of format %d, contract of Flink %s",
		revision, v.Go, v.Platform, v.Worker, v.Snapshot, v.Flink)
}
