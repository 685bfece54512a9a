package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/checkpoint/offline"
	"github.com/weir-stream/weir/checkpoint/storage/stores"
	"github.com/weir-stream/weir/runtime/clock"
)

const pathHelp = `
PATH is the folder of a checkpoint or savepoint, or the _metadata in it: on this machine, or s3://bucket/path with the options s3.* of
-D, of config.yaml in WEIR_CONF_DIR, or the environment (AWS_ACCESS_KEY_ID and so on).`

func newState() *cobra.Command {
	state := group("state", "Look into checkpoints and savepoints")
	state.AddCommand(newInspect(), newDump())
	return state
}

// access is how a command gets at a snapshot.
type access struct{ options }

// open opens the snapshot that an argument names, for as long as the process lives.
func (a *access) open(c *cobra.Command, path string) (*offline.Snapshot, error) {
	configuration, err := a.load(c)
	if err != nil {
		return nil, err
	}
	location, err := locate(path)
	if err != nil {
		return nil, err
	}
	return offline.Open(c.Context(), stores.New(configuration, clock.System()).Open, location)
}

// locate makes a path on this machine absolute.
func locate(path string) (string, error) {
	if path == "" {
		return "", &usageError{fmt.Errorf("the path is empty"), ""}
	}
	if scheme, _, ok := strings.Cut(path, ":"); ok && !strings.ContainsAny(scheme, "/.") {
		return path, nil
	}
	return filepath.Abs(path)
}
