package worker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// The folder for a process's local state holds a file that is locked as long as the process lives, however it ends. So who comes next can tell the
// folders of killed processes, which nobody else removes, from those in use. Where files cannot be locked nothing is locked, and all stays.

const (
	rootPrefix = "weir-state-"
	lockName   = "lock"
)

// holdRoot makes and locks the file, which gets its name when it is locked.
func holdRoot(root string) (*os.File, error) {
	file, err := os.CreateTemp(root, "unlocked-")
	if err != nil {
		return nil, err
	}
	if err := lockFile(file); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return file, os.Rename(file.Name(), filepath.Join(root, lockName))
}

// collectRoots removes the folders of processes that are over. Those of other users stay.
func collectRoots(parent string) (err error) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), rootPrefix) {
			err = errors.Join(err, collectRoot(filepath.Join(parent, e.Name())))
		}
	}
	return err
}

// lockFile fails if a process has the file locked. It is unlocked when it is closed, which the end of the process does too.
func lockFile(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

func collectRoot(root string) error {
	file, err := os.OpenFile(filepath.Join(root, lockName), os.O_RDWR, 0)
	if err != nil {
		return nil // another user's, or just made, or just removed by another process
	}
	defer file.Close()
	if lockFile(file) != nil {
		return nil
	}
	if err := os.RemoveAll(root); err != nil {
		return fmt.Errorf("a killed process has left a folder: %w", err)
	}
	return nil
}

// leftovers returns how a host removes the folders of killed processes: while others work, as there may be many gigabytes in them. It is nil where
// hosts are simulated.
func leftovers(config Config) func(parent string) {
	if config.Threads != nil {
		return nil
	}
	return func(parent string) {
		l := startLoop(nil)
		l.stopAfter(func() {
			if err := collectRoots(parent); err != nil {
				config.Log.Warn("what killed processes have left cannot be removed", "folder", parent, "cause", err)
			}
		})
	}
}
