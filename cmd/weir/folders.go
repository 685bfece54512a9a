package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"

	"github.com/weir-stream/weir/runtime/logs"
)

// The variables that say where the processes of a cluster on this machine leave their logs, and word of themselves.
const (
	logVariable = "WEIR_LOG_DIR"
	pidVariable = "WEIR_PID_DIR"
)

// Logs are rotated at so many megabytes, and so many rotated ones of each are kept.
const (
	logMegabytes = 50
	logBackups   = 5
)

// Likewise for what the workers of a job write: at the most 50 MB to each of its outputs on each TaskManager.
const (
	outputMegabytes = 10
	outputBackups   = 4
)

// folderOf is the folder that a variable names, or else one of the user's.
func folderOf(variable, name string) (string, error) {
	if path := os.Getenv(variable); path != "" {
		return filepath.Abs(path)
	}
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("no folder for the %s of processes: set %s: %w", name, variable, err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "weir", name), nil
}

func logFolder() (logs.Folder, error) {
	path, err := folderOf(logVariable, "log")
	return logs.Folder{Path: path, Megabytes: logMegabytes, Backups: logBackups}, err
}

// processName is the beginning of the names of a process's files, as Flink has them: who runs what, and where.
func processName(role string, number int) string {
	who, host := "somebody", "localhost"
	if u, err := user.Current(); err == nil {
		who = filepath.Base(u.Username)
	}
	if name, err := os.Hostname(); err == nil {
		host = name
	}
	return fmt.Sprintf("weir-%s-%s-%d-%s", who, role, number, host)
}
