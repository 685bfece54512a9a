package exactlyonce

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/failpoint"
)

// Each test kills the job at one point of its third checkpoint or so, by SIGKILL, and has it go on with another parallelism.

func TestKilledAtTrigger(t *testing.T)              { killedAt(t, kill, failpoint.Triggered, 1) }
func TestKilledDuringAlignment(t *testing.T)        { killedAt(t, kill, failpoint.Aligning, 2) }
func TestKilledInTheCopyingSlices(t *testing.T)     { killedAt(t, kill, failpoint.Copying, 5) }
func TestKilledBeforeUpload(t *testing.T)           { killedAt(t, kill, failpoint.Uploading, 2) }
func TestKilledDuringUpload(t *testing.T)           { killedAt(t, killHalfway, failpoint.Uploading, 2) }
func TestKilledBeforeAcknowledgement(t *testing.T)  { killedAt(t, kill, failpoint.Acknowledging, 5) }
func TestKilledAfterAcknowledgement(t *testing.T)   { killedAt(t, kill, failpoint.Acknowledged, 5) }
func TestKilledBeforeTheMetadata(t *testing.T)      { killedAt(t, kill, failpoint.Describing, 1) }
func TestKilledBeforeTheLogSlot(t *testing.T)       { killedAt(t, kill, failpoint.Completing, 1) }
func TestKilledAfterTheLogSlot(t *testing.T)        { killedAt(t, kill, failpoint.Completed, 1) }
func TestKilledBetweenNotifyAndCommit(t *testing.T) { killedAt(t, kill, failpoint.Notified, 4) }
func TestKilledDuringRelease(t *testing.T)          { killedAt(t, kill, failpoint.Releasing, 2) }
func TestKilledDuringDeletion(t *testing.T)         { killedAt(t, kill, failpoint.Deleting, 1) }
func TestKilledBeforeTheEndIsLogged(t *testing.T)   { killedAt(t, kill, failpoint.Ending, 1) }

func killedAt(t *testing.T, do deed, at failpoint.Point, times int) {
	eachBackend(t, func(t *testing.T, j *job) {
		j.dies(do, at, times, leisurely)
		j.parallelism = 3
		j.finishes()
		j.retainsNothing()
	})
}

// retainsNothing asserts that the log says how the job has ended, and that the checkpoints that it names are deleted.
func (j *job) retainsNothing() {
	j.t.Helper()
	history := j.history()
	if history.Ended != "FINISHED" || len(history.Retained) > 0 {
		j.t.Errorf("the job has ended %q and retains %v", history.Ended, history.Retained)
	}
	for _, released := range history.Released {
		for _, f := range snapshot.NamedFiles(released.Files) {
			if _, err := os.Stat(filepath.Join(j.checkpoints(), f.Name)); !os.IsNotExist(err) {
				j.t.Errorf("%s was released and is there: %v", f.Name, err)
			}
		}
	}
	j.leavesNothingUnnamed()
}

// contents are the metadata of a checkpoint.
func (j *job) contents(c *snapshot.Completed) *snapshot.Metadata {
	j.t.Helper()
	path := filepath.Join(j.checkpoints(), snapshot.MetadataPath(c.Path))
	data, err := os.ReadFile(path)
	if err != nil {
		j.t.Fatal(err)
	}
	m, err := snapshot.Decode(path, data)
	if err != nil {
		j.t.Fatal(err)
	}
	return m
}

// leavesNothingUnnamed asserts that there is nothing in the job's folder but its log and what that retains, and files that were being written
// when a process was killed, which are hidden.
func (j *job) leavesNothingUnnamed() {
	j.t.Helper()
	named := map[string]bool{}
	for _, r := range j.history().Retained {
		named[filepath.Join(j.checkpoints(), snapshot.MetadataPath(r.Path))] = true
		for _, f := range j.contents(r).Files("") {
			named[filepath.Join(j.checkpoints(), f.Name)] = true
		}
	}
	if err := filepath.WalkDir(j.checkpoints(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".") && !named[path] && filepath.Base(filepath.Dir(path)) != snapshot.LogFolder {
			j.t.Errorf("%s is left, which nothing names", path)
		}
		return err
	}); err != nil {
		j.t.Fatal(err)
	}
}

// history is what the job's log says.
func (j *job) history() *snapshot.History {
	j.t.Helper()
	paths, err := filepath.Glob(filepath.Join(j.checkpoints(), snapshot.LogFolder, "??????"))
	if err != nil {
		j.t.Fatal(err)
	}
	var entries []*snapshot.LogEntry
	for _, path := range paths {
		slot, _ := snapshot.ParseLogPath(snapshot.LogFolder + "/" + filepath.Base(path))
		data, err := os.ReadFile(path)
		if err != nil {
			j.t.Fatal(err)
		}
		e, err := snapshot.DecodeEntry(path, slot, data)
		if err != nil {
			j.t.Fatal(err)
		}
		entries = append(entries, e)
	}
	history, err := snapshot.Fold(entries)
	if err != nil {
		j.t.Fatal(err)
	}
	return history
}

func TestKilledInTheMiddleOfCommit(t *testing.T) {
	eachBackend(t, func(t *testing.T, j *job) {
		j.dies(kill, failpoint.Committing, 2, leisurely)
		if published, hidden := j.parts(); len(published) == 0 || len(hidden) == 0 {
			t.Errorf("%d parts are published, %d wait: the job was to be killed between two", len(published), len(hidden))
		}
		j.parallelism = 3
		j.finishes()
	})
}

// What is restored is harmed, too: the job is killed while it claims its log, while it restores, and in the commit that comes first then.
func TestKilledAgainWhileItRecovers(t *testing.T) {
	eachBackend(t, func(t *testing.T, j *job) {
		j.dies(kill, failpoint.Notified, 4, leisurely)
		j.dies(kill, failpoint.Claiming, 1)
		j.parallelism = 3
		j.dies(kill, failpoint.Restoring, 5)
		j.dies(kill, failpoint.Committing, 1, atOnce)
		j.parallelism = 1
		j.finishes()
	})
}

func mentions(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not mentioned: %s", w, text)
		}
	}
}
