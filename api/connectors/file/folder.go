package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// folder is where the subtasks of a sink write, as one of them sees it.
//
// The subtasks open in any order, some of them again after others have published, and nothing but the folder tells them of each
// other. So that none removes what another has just written, subtask i answers for the files of those subtasks j for
// which j mod parallelism = i, whichever run made them, and for no others. So that none takes the
// results of an earlier run for its own job's, the first one that finds the folder without part files leaves a mark with the
// job's id; part files in a folder that has the mark are the job's own. A mark is made only where there are no part files, and part
// files only where there is the mark.
//
// A job that goes on from a snapshot takes the folder over as it is. If it removes leftovers, then only when its first checkpoint is complete: by
// then all subtasks have opened, and have published what the snapshot had. Before, what looks left over to one may be another's to
// publish. Later it may still be a savepoint's, which does not commit: nobody publishes its parts but who goes on from it.
type folder struct {
	path                 string
	job                  string
	subtask, parallelism int
}

const markPrefix = ".part-of-"

func (f folder) mark() string { return filepath.Join(f.path, markPrefix+f.job) }

// make has the folder exist, durably: what is published in it would be lost with it.
func (f folder) make() error {
	if err := makeDurably(f.path, os.Mkdir, syncFolder); err != nil {
		return failure(f.path, "cannot create the folder", err)
	}
	return nil
}

// makeDurably makes a folder and those above it that are not there, and syncs the folders that have got another one.
func makeDurably(path string, mkdir func(string, os.FileMode) error, sync func(string) error) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	above := filepath.Dir(path)
	err := mkdir(path, 0o777)
	if errors.Is(err, fs.ErrNotExist) && above != path {
		if err := makeDurably(above, mkdir, sync); err != nil {
			return err
		}
		err = mkdir(path, 0o777)
	}
	if errors.Is(err, fs.ErrExist) {
		// Made meanwhile by another subtask, which may not have synced it yet, unless it is no folder.
		if info, other := os.Stat(path); other != nil || !info.IsDir() {
			return syscall.ENOTDIR
		}
		err = nil
	}
	if err != nil {
		return err
	}
	return sync(above)
}

// claim makes the folder ready for the subtask of a job that begins anew: it exists, holds no results of other runs, and nothing of
// this subtask.
func (f folder) claim(overwrite bool) error {
	if err := f.make(); err != nil {
		return err
	}
	names, err := f.names()
	if err != nil {
		return err
	}
	if !overwrite {
		if err := f.refuseForeign(names); err != nil {
			return err
		}
	}
	return f.clean(names, overwrite)
}

func (f folder) names() ([]string, error) {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil, failure(f.path, "cannot list the folder", err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

// refuseForeign fails if there are part files of another run, and marks a folder without any.
func (f folder) refuseForeign(names []string) error {
	published := ""
	for _, name := range names {
		if p, ok := parsePart(name); ok && p.published {
			published = name
			break
		}
	}
	// The mark is looked for after the files: it is older than those of this job.
	_, err := os.Lstat(f.mark())
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return failure(f.mark(), "cannot look at it", err)
	case published != "":
		return &Error{
			Path: f.path, Doing: "cannot write into the folder", Cause: fmt.Errorf("it has results of another run (%s)", published),
			Advice: "remove them, choose another folder, or have the program call Overwrite on the sink",
		}
	}
	return f.leaveMark(names)
}

func (f folder) leaveMark(names []string) error {
	for _, name := range names {
		if strings.HasPrefix(name, markPrefix) {
			os.Remove(filepath.Join(f.path, name)) // of a job whose results are gone; if it stays, it does no harm
		}
	}
	file, err := os.OpenFile(f.mark(), os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return failure(f.mark(), "cannot create it", err)
	}
	return file.Close()
}

// clean removes the files that this subtask answers for. A hidden part that a checkpoint may have stays, unless all is to be overwritten: a job that
// begins anew after a failure may have a savepoint.
func (f folder) clean(names []string, overwrite bool) error {
	return f.remove(names, func(p partInfo, _ string) bool { return overwrite || p.published || p.uid == "" })
}

func (f folder) remove(names []string, unwanted func(p partInfo, path string) bool) error {
	for _, name := range names {
		p, ok := parsePart(name)
		path := filepath.Join(f.path, name)
		if !ok || p.subtask%f.parallelism != f.subtask || !unwanted(p, path) {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failure(path, "cannot remove it", err)
		}
	}
	return nil
}

// sweep removes the hidden files that this subtask answers for, that are not the uid's, and that nobody has written to since a time: leftovers of
// attempts that have ended.
func (f folder) sweep(uid string, since time.Time) error {
	names, err := f.names()
	if err != nil {
		return err
	}
	return f.remove(names, func(p partInfo, path string) bool {
		if p.published || p.uid == uid {
			return false
		}
		info, err := os.Lstat(path)
		return err == nil && info.ModTime().Before(since)
	})
}
